"""How much one caller may ask for: so many reads and so many writes a minute, told with every answer."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from portal.middleware import READING

WINDOW_SECONDS = 60


class Throttle(BaseThrottle):
    """Counts by person or application in windows of a minute; who is not known, by address."""

    def allow_request(self, request: Request, view: Any) -> bool:
        kind = "read" if request.method in READING else "write"
        allowed = int(str(api_settings.DEFAULT_THROTTLE_RATES[kind]).partition("/")[0])
        now = time.time()
        window = int(now // WINDOW_SECONDS)
        who = request.user.pk or self.get_ident(request)
        name = f"api-rate:{kind}:{who}:{window}"
        count = _counted(name)
        self.left_seconds = (window + 1) * WINDOW_SECONDS - now
        request.rate_limit = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(allowed),
            "RateLimit-Remaining": str(max(0, allowed - count)),
            "RateLimit-Reset": str(int(self.left_seconds) + 1),
        }
        return count <= allowed

    def wait(self) -> float:
        return self.left_seconds


def _counted(name: str) -> int:
    """How often the name was counted, with this time."""
    with suppress(ValueError):  # nobody counted it before
        return cache.incr(name)
    if cache.add(name, 1, 2 * WINDOW_SECONDS):
        return 1
    with suppress(ValueError):
        return cache.incr(name)
    return 1  # it went away between the two, as where the cache is full


class Limited(APIView):
    """What tells with every answer how much is left, and counts those too who are not let in."""

    throttle_classes = [Throttle]

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        finally:
            super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Done by now."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, text in getattr(request, "rate_limit", {}).items():
            response[name] = text
        return response
