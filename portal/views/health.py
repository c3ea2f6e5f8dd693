from __future__ import annotations

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.selectors.readiness import readiness


class AliveView(APIView):
    """`GET /healthz`: the process answers."""

    schema = None
    permission_classes = [AllowAny]
    authentication_classes = []

    def get(self, request: Request) -> Response:
        return Response({"alive": True})


class ReadyView(APIView):
    """`GET /readyz`: 200 while database, broker, leases and every loop are well, else 503; each part by name."""

    schema = None
    permission_classes = [AllowAny]
    authentication_classes = []

    def get(self, request: Request) -> Response:
        parts = readiness()
        ready = all(part["ok"] for part in parts.values())
        return Response({"ready": ready, **parts}, status=200 if ready else 503)
