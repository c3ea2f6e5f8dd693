"""The Findings page: what does not add up, since when, whom it concerns, and where one mends it."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator

from orgs.views.base import Page
from portal.asked import page_size
from quotas.finding_words import drawn, findings_answer
from quotas.selectors.finding import finding_lines, findings_in_scope

SIZES = (25, 50, 100)
STATES = {"open": "Open", "resolved": "Resolved"}


class FindingsPage(Page):
    permission = "quota:read"
    template_name = "quotas/findings.html"
    fragment_template = "quotas/findings_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET
        resolved = asked.get("state") == "resolved"
        found = findings_in_scope(self.request, resolved=resolved)
        page = Paginator(found, page_size(asked, SIZES)).get_page(asked.get("page"))
        lines = [drawn(line) for line in finding_lines(list(page.object_list))]
        return super().get_context_data(
            page=page,
            lines=lines,
            states=STATES.items(),
            state="resolved" if resolved else "open",
            answer=findings_answer(lines, page.paginator.count, resolved=resolved),
            sizes=SIZES,
            **kwargs,
        )
