"""Audit: who changed what; as a page, and as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from orgs.selectors.audit import (
    AuditQuery,
    AuditRow,
    actors_named,
    audit_chunks,
    audit_list,
    audit_row,
    sealed_until,
)
from orgs.views.base import Guarded, Page
from orgs.words import audit_answer
from portal.access import may
from portal.asked import whole_number
from portal.audit_links import linked_kinds
from portal.audit_words import ACTS, act_word, thing_word
from portal.csv import csv_text
from portal.streaming import streamed

MOST_EXPORTED = 100_000
LATE = timedelta(seconds=60)
"""Events are sealed within seconds; without a seal for so long, something is wrong."""
PRESETS = ((1, "today"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (400, "400 days"))
KEPT = ("scope", "size", "actor")
"""Parameters of the address that the toolbar does not show and keeps."""


class AuditPage(Page):
    permission = "audit:read"
    template_name = "orgs/audit.html"
    fragment_template = "orgs/audit_body.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = AuditQuery.of(self.request.GET)
        found = audit_list(self.request, query)
        chosen = whole_number(self.request.GET.get("event", ""))
        actions = {action for action, _ in found.kinds} | {*query.actions, *ACTS}
        entities = {entity for _, entity in found.kinds} | {*query.entities, *linked_kinds()}
        return super().get_context_data(
            query=query,
            found=found,
            answer=audit_answer(query, found),
            windows=self.windows(query),
            selected=None if chosen is None else audit_row(self.request.user, chosen),
            actors=actors_named(query.actors) if query.actors else [],
            action_options=sorted(((name, act_word(name)) for name in actions), key=lambda option: option[1]),
            entity_options=sorted(((name, thing_word(name)) for name in entities), key=lambda option: option[1]),
            kept=[(name, value) for name in KEPT for value in self.request.GET.getlist(name)],
            late=self.late(),
            days_kept=settings.AUDIT_DAYS,
            most_exported=MOST_EXPORTED,
            **kwargs,
        )

    def windows(self, query: AuditQuery) -> dict[str, Any]:
        """Where the window may be moved: `earlier` and `later` by its own length, and the usual lengths up to today."""
        today = timezone.now().astimezone(UTC).date()
        step = timedelta(days=query.days)
        later = min(query.last_day + step, today)
        days = timedelta(days=query.days - 1)
        return {
            "earlier": {"from": query.first_day - step, "to": query.last_day - step},
            "later": {"from": later - days, "to": later} if query.last_day < today else None,
            "presets": [
                (
                    name,
                    {"from": today - timedelta(days=length - 1), "to": today},
                    query.days == length and later == today,
                )
                for length, name in PRESETS
            ],
            "today": today,
        }

    def late(self) -> Any:
        """Since when nothing was sealed, if that is too long: for those who can do something about it."""
        if not may(self.request.user, "update", "settings"):
            return None
        since = sealed_until()
        return since if since is not None and timezone.now() - since > LATE else None


class AuditExport(Guarded):
    """The events that the page's filters leave, newest first, as CSV or as JSON lines."""

    permission = "audit:read"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, kind: str) -> StreamingHttpResponse:
        query = AuditQuery.of(request.GET)
        chunks = audit_chunks(request, query, MOST_EXPORTED)
        name = f"audit-{query.first_day}-to-{query.last_day}"
        if kind == "csv":
            return streamed(request, csv_parts(chunks), "text/csv; charset=utf-8", f"{name}.csv")
        return streamed(request, json_parts(chunks), "application/x-ndjson", f"{name}.jsonl")


COLUMNS = ("id", "at", "actor", "action", "thing", "name", "scope", "address", "changes", "digest", "seal")


def csv_parts(chunks: Iterator[list[AuditRow]]) -> Iterator[str]:
    yield csv_text([COLUMNS])
    for rows in chunks:
        yield csv_text(
            [
                row.event.pk,
                row.event.at.isoformat(),
                row.event.actor_name,
                row.event.action,
                row.thing,
                row.event.entity_name,
                row.event.unit_name,
                row.event.address,
                "; ".join(change.short for change in row.changes),
                row.event.digest,
                row.event.seal or "",
            ]
            for row in rows
        )


def json_parts(chunks: Iterator[list[AuditRow]]) -> Iterator[str]:
    for rows in chunks:
        yield "".join(f"{json.dumps(_plain(row), ensure_ascii=False)}\n" for row in rows)


def _plain(row: AuditRow) -> dict[str, Any]:
    event = row.event
    names = ("actor", "actor_name", "action", "entity", "entity_id", "entity_name", "unit", "unit_name", "address")
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        **{name: getattr(event, name) for name in names},
        "changes": [{"field": change.field, "before": change.before, "after": change.after} for change in row.changes],
        "digest": event.digest,
        "seal": event.seal,
    }
