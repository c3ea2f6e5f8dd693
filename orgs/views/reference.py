"""The reference of the REST API, as a page."""

from __future__ import annotations

from typing import Any

from orgs.access import NotVisible
from orgs.views.base import EVERYBODY, Page
from portal.api.reference import reference


class ReferencePage(Page):
    """`?of=`: the kind of thing whose operations are shown."""

    permission = EVERYBODY
    template_name = "orgs/reference.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sections = reference()
        chosen = self.request.GET.get("of", next(iter(sections)))
        if chosen not in sections:
            raise NotVisible("There is no such kind of thing in the API.")
        total = sum(len(section.operations) for section in sections.values())
        return super().get_context_data(sections=sections, section=sections[chosen], total=total, **kwargs)
