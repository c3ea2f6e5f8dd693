"""Webhooks: made, changed, tried and deleted by who may do that in their scope. They queue at the account's row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from orgs.access import Forbidden, as_of_now, may, require
from orgs.happenings import TEST, kinds
from orgs.models import Delivery, OrgUnit, Webhook
from orgs.names import LONGEST_PERSON, checked_text
from orgs.secrets import encrypt
from orgs.services.delivery import waiting_give_up
from orgs.services.happening import happenings_skip
from orgs.services.locks import account_locked, fresh
from orgs.webhooks.addresses import checked_address
from orgs.webhooks.signing import new_secret
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record

LONGEST_WEBHOOK = LONGEST_PERSON
MOST_WEBHOOKS = 20
"""Of one unit."""
LONGEST_OVERLAP = timedelta(days=30)
MOST_TESTS = 10
"""That wait."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    webhook: Webhook
    secret: str = field(repr=False)
    """To be handed over now: it is shown to nobody again."""


@transaction.atomic
def webhook_create(*, actor: Actor, name: str, scope: OrgUnit, address: str, kinds: Collection[str]) -> NewSecret:
    """A webhook that is told what happens in `scope` and below from now on."""
    account_locked()
    actor, scope = as_of_now(actor), fresh(scope)
    require(actor, "create", "webhook", scope)
    if scope.webhooks.count() >= MOST_WEBHOOKS:
        raise Refused(f"{scope.name} has {MOST_WEBHOOKS} webhooks already. Delete one that is not used any more.")
    values = _checked(actor, scope, name=name, address=address, chosen=kinds)
    _refuse_taken(scope, values["name"])
    _begin()
    secret = new_secret()
    webhook = Webhook.objects.create(scope=scope, secret=encrypt(secret), made_by=actor.name[:254], **values)
    audit_record(actor=actor, action="create", entity=webhook, unit=scope.pk, after=_words(webhook))
    return NewSecret(webhook, secret)


@transaction.atomic
def webhook_update(
    *, actor: Actor, webhook: Webhook, name: str, address: str, kinds: Collection[str], is_active: bool = True
) -> Webhook:
    """Another name, address or choice. Switched off, what waits is given up; switched on, it is told from then on."""
    actor, webhook = _allowed(actor, "update", webhook)
    if not isinstance(is_active, bool):
        raise Refused({"is_active": "A webhook is active or not. Choose one."})
    before, old = _words(webhook), webhook.address
    values = _checked(actor, webhook.scope, name=name, address=address, chosen=kinds)
    if values["name"] != webhook.name:
        _refuse_taken(webhook.scope, values["name"])
    for column, value in values.items():
        setattr(webhook, column, value)
    if is_active and not webhook.is_active:
        _begin()
        webhook.since = timezone.now()
    if not is_active and webhook.is_active:
        waiting_give_up(webhook, "Given up, as the webhook was switched off.")
    if webhook.address != old or is_active != webhook.is_active:
        webhook.failures, webhook.failing_since, webhook.paused_until, webhook.trouble = 0, None, None, ""
    webhook.is_active = is_active
    after = _words(webhook)
    changed = [name for name in after if before[name] != after[name]]
    if webhook.address != old and "address" not in changed:
        changed.append("address")
    if not changed:
        return webhook
    webhook.version += 1
    webhook.save()
    audit_record(
        actor=actor,
        action="update",
        entity=webhook,
        unit=webhook.scope_id,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return webhook


@transaction.atomic
def webhook_rotate(*, actor: Actor, webhook: Webhook, overlap: timedelta) -> NewSecret:
    """A new secret; for `overlap` the old one signs too."""
    actor, webhook = _allowed(actor, "update", webhook)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Refused({"overlap": f"Both can sign for at most {LONGEST_OVERLAP.days} days. Choose a shorter time."})
    secret, until = new_secret(), timezone.now() + overlap
    webhook.old_secret, webhook.old_secret_until = (webhook.secret, until) if overlap else ("", None)
    webhook.secret = encrypt(secret)
    webhook.version += 1
    webhook.save(update_fields=["secret", "old_secret", "old_secret_until", "version"])
    after = {"old one signs until": until.isoformat(timespec="minutes")}
    audit_record(actor=actor, action="rotate", entity=webhook, unit=webhook.scope_id, after=after)
    return NewSecret(webhook, secret)


@transaction.atomic
def webhook_delete(*, actor: Actor, webhook: Webhook) -> None:
    """The webhook with its deliveries, at once."""
    actor, webhook = _allowed(actor, "delete", webhook)
    audit_record(actor=actor, action="delete", entity=webhook, unit=webhook.scope_id, before=_words(webhook))
    webhook.delete()


@transaction.atomic
def webhook_test(*, actor: Actor, webhook: Webhook) -> Delivery:
    """Sends something that did not happen, once, whatever the webhook is told otherwise."""
    actor, webhook = _allowed(actor, "update", webhook)
    if webhook.deliveries.filter(state=Delivery.State.WAITING, kind=TEST).count() >= MOST_TESTS:
        raise Refused("Tests wait to be sent already. Look at its deliveries.")
    now = timezone.now()
    delivery = Delivery(webhook=webhook, kind=TEST, at=now, payload={"text": f"A test by {actor.name}"})
    delivery.subject = f"test:{delivery.uid}"
    delivery.save()
    Webhook.objects.filter(pk=webhook.pk).update(paused_until=None)
    audit_record(actor=actor, action="test", entity=webhook, unit=webhook.scope_id, after={"delivery": delivery.uid})
    return delivery


def _begin() -> None:
    """Nothing is read of what happens while nobody is told."""
    if not Webhook.objects.filter(is_active=True).exists():
        happenings_skip()


def _allowed(actor: Actor, action: str, webhook: Webhook) -> tuple[Actor, Webhook]:
    """The actor as of now and the webhook as it is, locked."""
    account_locked()
    actor = as_of_now(actor)
    found = Webhook.objects.select_for_update(no_key=True, of=("self",)).select_related("scope").filter(pk=webhook.pk)
    now = found.first()
    if now is None:
        raise Refused(f"The webhook {webhook.name} was deleted meanwhile. Go back to the webhooks.")
    require(actor, action, "webhook", now.scope)
    return actor, now


def _checked(actor: Actor, scope: OrgUnit, *, name: object, address: object, chosen: object) -> dict[str, Any]:
    """The columns. Forbidden where something is chosen that the actor may not read in the whole of `scope`."""
    known = kinds()
    if not isinstance(chosen, list | tuple | set | frozenset) or not all(isinstance(code, str) for code in chosen):
        raise Refused({"kinds": "Choose what is told as a list."})
    if not chosen or not set(chosen) <= known.keys():
        raise Refused({"kinds": "Nothing is chosen that can be told. Choose some of the list."})
    for code in known:
        for permission in known[code].permissions if code in chosen else ():
            entity, action = permission.split(":")
            if actor.user is not None and not may(actor.user, action, entity, scope):
                raise Forbidden(
                    f"To be told “{known[code].label}” takes the permission “{entity.replace('_', ' ')}: {action}” "
                    f"in all of {scope.name}. Leave it out, or ask someone who has it.",
                    entity="webhook",
                    scope=scope,
                )
    return {
        "name": checked_text("name", name, LONGEST_WEBHOOK),
        "address": checked_address(address),
        "kinds": [code for code in known if code in chosen],
    }


def _refuse_taken(scope: OrgUnit, name: str) -> None:
    if scope.webhooks.filter(name=name).exists():
        raise Refused({"name": f"{scope.name} has a webhook of this name already. Choose another."})


def _words(webhook: Webhook) -> dict[str, Any]:
    """For the audit log: no secret, and of the address what is none."""
    return {
        "name": webhook.name,
        "address": webhook.short_address,
        "told": ", ".join(webhook.kinds),
        "active": webhook.is_active,
    }
