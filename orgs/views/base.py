"""The classes every page and every fragment stands on: the permission is asked before anything else."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.generic import TemplateView, View

from orgs.access import NotVisible
from orgs.models import OrgUnit
from orgs.scope import chosen_scope
from portal.access import may
from portal.actor import Actor


class Guarded(View):
    """A view that needs `permission` (`entity:action`) somewhere; what it shows is limited row by row on top of that."""

    permission: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        entity, action = self.permission.split(":")
        if not may(request.user, action, entity):
            raise NotVisible("There is no such page, or you may not see it.")
        self.actor = Actor.of(request)
        self.scope: OrgUnit | None = chosen_scope(request)
        request.scope = self.scope  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)


class Page(Guarded, TemplateView):
    """A page: its answer, then the rest, from the same queries. Give `template_name` and `get_context_data`.

    `fragment_template` (optional) is rendered instead for htmx requests: the part that refreshes itself.
    """

    fragment_template: str = ""

    def get_template_names(self) -> list[str]:
        if self.fragment_template and getattr(self.request, "htmx", False):
            return [self.fragment_template]
        return super().get_template_names()
