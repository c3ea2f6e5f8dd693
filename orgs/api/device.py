"""How a program without a browser is signed in. Nobody is signed in yet, so it has no part in the grammar of things."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import reverse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.services.device import OPEN_FOR, device_begin, device_take
from portal.api.endpoint import AlwaysJson
from portal.api.fields import Text
from portal.api.throttling import Limited

INTERVAL_SECONDS = 3


class Asking(serializers.Serializer):
    name = Text(max_length=200)


class ComingBack(serializers.Serializer):
    device_code = Text(max_length=200)


class Anybody(Limited):
    """For who is not signed in."""

    schema = None
    authentication_classes = []
    permission_classes = [AllowAny]
    content_negotiation_class = AlwaysJson

    def sent(self, request: Request, serializer_class: type[serializers.Serializer]) -> dict[str, Any]:
        serializer = serializer_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values


class DeviceBegin(Anybody):
    """`POST device/`: a code to be shown to people, and one to come back with."""

    def post(self, request: Request) -> Response:
        name = self.sent(request, Asking)["name"]
        begun = device_begin(name=name, address=request.META.get("REMOTE_ADDR") or "")
        body = {
            "user_code": begun.code,
            "device_code": begun.secret,
            "verification_uri": request.build_absolute_uri(reverse("device_approve", kwargs={"code": begun.code})),
            "expires_in": int(OPEN_FOR.total_seconds()),
            "interval": INTERVAL_SECONDS,
        }
        return Response(body, status=201, headers={"Cache-Control": "no-store"})


class DeviceToken(Anybody):
    """`POST device/token/`: the key, once, when somebody has let the program in."""

    def post(self, request: Request) -> Response:
        token = device_take(secret=self.sent(request, ComingBack)["device_code"])
        if token is None:
            raise Http404("No program waits with this code, or its ten minutes are over. Start again.")
        return Response({"waits": not token, "key": token or None}, headers={"Cache-Control": "no-store"})
