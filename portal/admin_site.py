from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse

from portal.read_only import ReadOnlyAdmin


class AdminSite(admin.AdminSite):
    """Open to signed-in people who may change the account's settings; for others there is no such page."""

    site_title = site_header = "Bursar administration"
    site_url = "/"
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only what is looked at: forms that packages bring along would write past the services."""
        if admin_class is not None and issubclass(admin_class, ReadOnlyAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        raise Http404("There is no such page, or you may not see it.")
