"""The classes every page and every fragment stands on: the permission is asked before anything else."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.generic import TemplateView, View

from orgs.access import NotVisible
from orgs.models import OrgUnit
from orgs.scope import chosen_scope
from portal.access import may_any
from portal.actor import Actor

LONGEST_SEARCH = 200
EVERYBODY = ""
"""The permission of a page that everybody has who is signed in."""


def searched(request: HttpRequest) -> str:
    """What the search field of the page holds (`?q=`), fit for a query: PostgreSQL takes no null characters."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]


class Guarded(View):
    """A view that needs `permission` (`entity:action`; of several with blanks between them one) somewhere; what it
    shows is limited row by row on top."""

    permission: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.permission != EVERYBODY and not may_any(request.user, self.permission):
            raise NotVisible("There is no such page, or you may not see it.")
        self.actor = Actor.of(request)
        self.scope: OrgUnit | None = chosen_scope(request)
        request.unit_scope = self.scope  # type: ignore[attr-defined]
        self.prepare(**kwargs)
        return super().dispatch(request, *args, **kwargs)

    def prepare(self, **kwargs: Any) -> None:
        """Finds what the address names and asks for the right to it, before any method of the view runs."""


class Page(Guarded, TemplateView):
    """A page: its answer, then the rest, from the same queries. Give `template_name` and `get_context_data`.

    `fragment_template` (optional) is rendered instead for htmx requests: the part that refreshes itself.
    """

    fragment_template: str = ""

    def get_template_names(self) -> list[str]:
        if self.fragment_template and getattr(self.request, "htmx", False):
            return [self.fragment_template]
        return super().get_template_names()

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """One address answers with a page or a part of it, so that no cache may give one for the other."""
        response = super().render_to_response(context, **kwargs)
        patch_vary_headers(response, ["HX-Request"])
        return response
