from __future__ import annotations

from django.http import Http404, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.request import Request
from rest_framework.views import APIView

from orgs.access import may
from orgs.api.authentication import KeyAuthentication
from orgs.models import OrgUnit, UnitKind
from scheduling.metrics import metrics_text

NEEDED = (("read", "scheduler"), ("read", "quota"), ("read", "department"))
"""On the account: the numbers are of everything."""


class MetricsView(APIView):
    """`GET /metrics` for Prometheus, which sends an access key."""

    schema = None
    authentication_classes = [KeyAuthentication]

    def get(self, request: Request) -> HttpResponse:
        account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
        if account is None or not all(may(request.user, action, entity, account) for action, entity in NEEDED):
            raise Http404
        return HttpResponse(metrics_text(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
