"""Deliveries are claimed by whoever sends them, and end delivered or given up."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from orgs.access import as_of_now, require
from orgs.happenings import TEST
from orgs.models import Delivery, Webhook
from orgs.secrets import decrypt
from orgs.services.locks import account_locked
from orgs.webhooks.sending import GONE, Outcome
from portal.actor import SYSTEM, Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.services.purge import rows_purge

CLAIM = timedelta(seconds=60)
"""Far longer than an attempt takes: a claim that is older is a dead worker's."""
FIRST_BACK_OFF, LONGEST_BACK_OFF = 5.0, 3600.0
"""Seconds: doubled with every attempt, and of that between half and all, by chance."""
GIVEN_UP_AFTER = timedelta(hours=24)
"""Counted from the first attempt."""
AT_ONCE = 4
"""Deliveries to one webhook that are under way together."""
TROUBLE = 5
"""After so many attempts that failed, whatever they were about, one at a time is tried, with pauses."""
LONGEST_PAUSE = 300.0
"""Seconds."""
SWITCHED_OFF_AFTER = timedelta(days=3)
"""Without one that was taken."""
KEPT = timedelta(days=7)

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that nobody else sends until `until`."""

    delivery: Delivery
    until: datetime
    secrets: list[str] = field(repr=False)
    """That sign now, the newest first."""


def deliveries_claim(*, most: int) -> list[Claimed]:
    """Deliveries whose turn it is: of each subject the oldest alone, of each webhook a few."""
    now = timezone.now()
    claimed: list[Claimed] = []
    for webhook in _with_due(now):
        room = (1 if webhook.failures >= TROUBLE else AT_ONCE) - webhook.under_way  # type: ignore[attr-defined]
        claimed += _claim(webhook, now, min(room, most - len(claimed)))
    return claimed


def _claim(webhook: Webhook, now: datetime, most: int) -> list[Claimed]:
    if most <= 0:
        return []
    due = _due(now).filter(webhook=webhook).order_by("pk")
    if not webhook.is_active:
        due = due.filter(kind=TEST)
    with transaction.atomic():
        # Who claims at the same moment has rows locked: these are skipped, and looked at no more once it has them.
        rows = list(due.select_for_update(skip_locked=True)[:most])
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_until=now + CLAIM)
    keys = secrets_of(webhook, now)
    for row in rows:
        row.webhook = webhook
    return [Claimed(row, now + CLAIM, keys) for row in rows]


def _with_due(now: datetime) -> list[Webhook]:
    """In any order, so that none is always last."""
    under_way = Count("deliveries", filter=Q(deliveries__state=State.WAITING, deliveries__claimed_until__gt=now))
    waiting = Delivery.objects.filter(webhook=OuterRef("pk"), state=State.WAITING, next_try_at__lte=now)
    found = Webhook.objects.filter(Exists(waiting)).filter(Q(paused_until=None) | Q(paused_until__lte=now))
    webhooks: list[Webhook] = list(found.annotate(under_way=under_way))
    random.shuffle(webhooks)
    return webhooks


def _due(now: datetime) -> QuerySet[Delivery]:
    earlier = Delivery.objects.filter(
        webhook=OuterRef("webhook"), subject=OuterRef("subject"), state=State.WAITING, pk__lt=OuterRef("pk")
    )
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return Delivery.objects.filter(free, ~Exists(earlier), state=State.WAITING, next_try_at__lte=now)


def secrets_of(webhook: Webhook, now: datetime) -> list[str]:
    """Those that sign, the newest first."""
    old = webhook.old_secret if webhook.old_secret_until and webhook.old_secret_until > now else ""
    return [decrypt(secret) for secret in (webhook.secret, old) if secret]


@transaction.atomic
def delivery_tried(*, claimed: Claimed, outcome: Outcome) -> bool:
    """Notes what came of an attempt. False where another has claimed it meanwhile: nothing was noted."""
    now, delivery = timezone.now(), claimed.delivery
    rows = Delivery.objects.filter(pk=delivery.pk, state=State.WAITING, claimed_until=claimed.until)
    first = delivery.first_try_at or now
    noted = {
        "claimed_until": None,
        "attempts": F("attempts") + 1,
        "first_try_at": first,
        "status": outcome.status,
        "problem": outcome.problem,
        "answer": outcome.answer,
        "took_ms": outcome.took_ms,
    }
    webhook = Webhook.objects.filter(pk=delivery.webhook_id)
    # Before its deliveries, as who switches it off locks it.
    if webhook.select_for_update(no_key=True).first() is None:
        return False
    if not outcome.problem:
        if not rows.update(**noted, state=State.DELIVERED, done_at=now):
            return False
        webhook.filter(failures__gt=0).update(failures=0, failing_since=None, paused_until=None, trouble="")
        return True
    if outcome.status == GONE or now - first >= GIVEN_UP_AFTER or delivery.kind == TEST:
        done = rows.update(**noted, state=State.GIVEN_UP, done_at=now)
    else:
        wait = back_off(delivery.attempts + 1, outcome.retry_after)
        done = rows.update(**noted, next_try_at=now + timedelta(seconds=wait))
    if done and (delivery.kind != TEST or outcome.status == GONE):
        _failed(webhook, outcome, now)
    return bool(done)


def _failed(webhooks: QuerySet[Webhook], outcome: Outcome, now: datetime) -> None:
    webhooks.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now), trouble=outcome.problem)
    webhook = webhooks.get()
    if outcome.status == GONE:
        _switch_off(webhook, "Switched off, as its receiver answered 410: it is gone for good.")
    elif webhook.failing_since and now - webhook.failing_since >= SWITCHED_OFF_AFTER:
        _switch_off(webhook, f"Switched off after {SWITCHED_OFF_AFTER.days} days without success. {outcome.problem}")
    else:
        pause = outcome.retry_after or 0.0
        if webhook.failures >= TROUBLE:
            pause = max(pause, min(FIRST_BACK_OFF * 2 ** min(webhook.failures - TROUBLE, 10), LONGEST_PAUSE))
        if pause:
            webhooks.update(paused_until=now + timedelta(seconds=min(pause, LONGEST_BACK_OFF)))


def _switch_off(webhook: Webhook, why: str) -> None:
    if webhook.is_active:
        audit_record(
            actor=SYSTEM,
            action="update",
            entity=webhook,
            unit=webhook.scope_id,
            before={"active": True},
            after={"active": False, "reason": why},
        )
        Webhook.objects.filter(pk=webhook.pk).update(is_active=False, trouble=why[:200], version=F("version") + 1)
    waiting_give_up(webhook, "Given up, as the webhook was switched off.")


def waiting_give_up(webhook: Webhook, why: str) -> None:
    """What waits for a webhook is not sent any more."""
    waiting = webhook.deliveries.filter(state=State.WAITING)
    waiting.update(state=State.GIVEN_UP, problem=why, done_at=timezone.now(), claimed_until=None)


def back_off(attempts: int, retry_after: float | None = None) -> float:
    """Seconds until the next attempt, after so many; never sooner than the receiver asks, and never a day."""
    longest: float = min(FIRST_BACK_OFF * 2 ** min(attempts - 1, 20), LONGEST_BACK_OFF)
    wait = longest * random.uniform(0.5, 1.0)  # noqa: S311
    return max(wait, min(retry_after or 0.0, GIVEN_UP_AFTER.total_seconds()))


@transaction.atomic
def delivery_again(*, actor: Actor, delivery: Delivery) -> Delivery:
    """Sends something once more that was delivered or given up, with the same id."""
    account_locked()
    webhook = Webhook.objects.select_related("scope").filter(pk=delivery.webhook_id).first()
    if webhook is None:
        raise Refused("The webhook was deleted meanwhile. Go back to the webhooks.")
    require(as_of_now(actor), "update", "webhook", webhook.scope)
    if not webhook.is_active:
        raise Refused("The webhook is switched off. Switch it on first.")
    ended = Delivery.objects.filter(pk=delivery.pk).exclude(state=State.WAITING)
    again = {"state": State.WAITING, "attempts": 0, "first_try_at": None, "done_at": None}
    if not ended.update(**again, next_try_at=timezone.now(), claimed_until=None):
        raise Refused("It waits to be sent already.")
    after = {"delivery": str(delivery.uid), "kind": delivery.kind, "subject": delivery.subject}
    audit_record(actor=actor, action="send again", entity=webhook, unit=webhook.scope_id, after=after)
    delivery.refresh_from_db()
    return delivery


def deliveries_purge() -> int:
    """Removes those that are old, whatever became of them. Returns how many."""
    kept = min(KEPT, timedelta(days=settings.HISTORY_DAYS))
    return rows_purge(rows=Delivery.objects.filter(created_at__lt=timezone.now() - kept))
