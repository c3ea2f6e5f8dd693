from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse


class AdminSite(admin.AdminSite):
    """Open to signed-in people who may change the account's settings; for others there is no such page."""

    site_title = site_header = "Bursar administration"
    site_url = "/"
    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        raise Http404("There is no such page, or you may not see it.")
