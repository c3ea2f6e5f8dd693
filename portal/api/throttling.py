"""How much one caller may ask for: so many reads and so many writes a minute, told with every answer."""

from __future__ import annotations

import time
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

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
        cache.add(name, 0, 2 * WINDOW_SECONDS)
        try:
            count = cache.incr(name)
        except ValueError:  # went away between the two, as where the cache is full
            count = 1
        self.left_seconds = (window + 1) * WINDOW_SECONDS - now
        request.rate_limit = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(allowed),
            "RateLimit-Remaining": str(max(0, allowed - count)),
            "RateLimit-Reset": str(int(self.left_seconds) + 1),
        }
        return count <= allowed

    def wait(self) -> float:
        return self.left_seconds
