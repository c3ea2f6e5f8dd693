"""What happens becomes deliveries to webhooks: read from rows that are there, so that nobody who writes them waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from orgs.happenings import Happening, Log, logs, marks
from orgs.models import Delivery, HappeningCursor, Webhook
from portal.selectors.numbered import settled

MOST = 500
"""Rows of one log that are read at once."""
MOST_WAITING = 10_000
"""Deliveries that wait for one webhook; beyond that the oldest are given up."""
TOO_MANY = f"Given up, as more than {MOST_WAITING:,} others waited."


@dataclass(slots=True)
class _Part:
    """What comes next in a log."""

    log: Log
    rows: list[Any]
    last: int
    """The number up to which it was read."""
    held: datetime
    """What happened later is told when this log was read further."""

    def cut(self, until: datetime) -> None:
        """Leaves what happened by `until`, up to the first row that did not."""
        for place, row in enumerate(self.rows):
            if row.at > until:
                self.last, self.rows = row.pk - 1, self.rows[:place]
                return


def happenings_collect() -> int:
    """Makes deliveries of what has happened; how many rows of logs were read for that. One worker at a time: another
    one returns at once.

    Nothing is told before what caused it, also of another log: what is not settled in one holds up the others.
    """
    if not Webhook.objects.filter(is_active=True).exists() or not _anything():
        return 0
    with transaction.atomic():
        cursor = HappeningCursor.objects.select_for_update(skip_locked=True).first()
        return 0 if cursor is None else _collect(cursor)


def happenings_skip() -> None:
    """What has happened so far is not told: called before the first webhook is there."""
    newest = {log.name: log.rows().order_by("-pk").values_list("pk", flat=True).first() or 0 for log in logs()}
    HappeningCursor.objects.update_or_create(pk=1, defaults={"after": newest})


def _anything() -> bool:
    """Whether there may be something to tell: asked without a lock."""
    cursor = HappeningCursor.objects.first()
    after = cursor.after if cursor else {}
    news = any(log.rows().filter(pk__gt=after.get(log.name, 0)).exists() for log in logs())
    return news or any(one.any() for one in marks())


def _collect(cursor: HappeningCursor) -> int:
    now = timezone.now()
    parts = [_next(log, cursor.after.get(log.name, 0), now) for log in logs()]
    until = min((part.held for part in parts), default=now)
    for part in parts:
        part.cut(until)
    told = [*_in_order(parts), *(happening for one in marks() for happening in one.take())]
    # Read after the logs: a webhook made meanwhile is told what it may have missed.
    _deliver(told, list(Webhook.objects.filter(is_active=True).select_related("scope")))
    after = {part.log.name: part.last for part in parts}
    if after != cursor.after:
        cursor.after = after
        cursor.save(update_fields=["after"])
    return sum(len(part.rows) for part in parts)


def _next(log: Log, after: int, now: datetime) -> _Part:
    last = settled(log.rows(), after)
    if last == after:
        unsettled = log.rows().filter(pk__gt=after).order_by("pk").values_list("at", flat=True).first()
        return _Part(log, [], after, unsettled or now)
    rows = list(log.wanted(log.rows().filter(pk__gt=after, pk__lte=last)).order_by("pk")[:MOST])
    if len(rows) == MOST:
        return _Part(log, rows, rows[-1].pk, max(row.at for row in rows))
    unsettled = log.rows().filter(pk__gt=last).order_by("pk").values_list("at", flat=True).first()
    return _Part(log, rows, last, unsettled or now)


def _in_order(parts: Iterable[_Part]) -> list[Happening]:
    """By time, those of one log in the order of their numbers."""
    timed: list[tuple[datetime, Happening]] = []
    for part in parts:
        latest: datetime | None = None
        for row, happening in part.log.told(part.rows) if part.rows else ():
            latest = row.at if latest is None else max(latest, row.at)
            timed.append((latest, happening))
    timed.sort(key=lambda pair: pair[0])
    return [happening for _, happening in timed]


def _deliver(happenings: Iterable[Happening], webhooks: list[Webhook]) -> None:
    rows = [
        Delivery(webhook=webhook, kind=one.kind, subject=one.subject, at=one.at, payload=one.data)
        for one in happenings
        for webhook in webhooks
        if one.kind in webhook.kinds and one.at >= webhook.since and one.path.startswith(webhook.scope.path)
    ]
    Delivery.objects.bulk_create(rows, batch_size=500)
    for webhook in {row.webhook for row in rows}:
        waiting = webhook.deliveries.filter(state=Delivery.State.WAITING).order_by("-pk")
        oldest = waiting.values_list("pk", flat=True)[MOST_WAITING : MOST_WAITING + 1].first()
        if oldest is not None:
            given_up = {"state": Delivery.State.GIVEN_UP, "problem": TOO_MANY, "done_at": timezone.now()}
            webhook.deliveries.filter(state=Delivery.State.WAITING, pk__lte=oldest).update(**given_up)
