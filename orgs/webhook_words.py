"""What pages say of webhooks."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from orgs.models import Webhook
from orgs.words import Answer
from portal.formats import count, counted

ACTIVE, FAILING, OFF = "active", "failing", "switched off"


def webhook_state(webhook: Webhook) -> str:
    if not webhook.is_active:
        return OFF
    return FAILING if webhook.failing_since else ACTIVE


def webhooks_answer(webhooks: QuerySet[Webhook]) -> Answer:
    """How many there are, and how many reach nobody; one query."""
    failing = Q(is_active=True, failing_since__isnull=False)
    found = webhooks.order_by().aggregate(
        total=Count("id"), failing=Count("id", filter=failing), off=Count("id", filter=Q(is_active=False))
    )
    if not found["total"]:
        return Answer(
            "There are no webhooks yet.", "A webhook tells a program what happens to work, quotas and findings."
        )
    parts = [f"{count(found[name])} {words}" for name, words in (("failing", FAILING), ("off", OFF)) if found[name]]
    text = f"{counted(found['total'], 'webhook')}, {' and '.join(parts) or 'none failing'}."
    return Answer(text, "Each is told what happens in its unit and below, signed with its own secret.")


def deliveries_answer(webhook: Webhook, counts: dict[str, int]) -> Answer:
    """`counts` of a week, by state."""
    delivered, waiting, lost = (counts.get(name, 0) for name in ("delivered", "waiting", "given_up"))
    if not counts:
        return Answer("Nothing was sent yet.", "Send a test to see whether it arrives.")
    text = f"{count(delivered)} delivered, {count(waiting)} waiting, {count(lost)} given up."
    if webhook.trouble:
        return Answer(text, f"{webhook.trouble} Since then it was not reached.")
    return Answer(text, "In the last 7 days; older ones are gone.")
