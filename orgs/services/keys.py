from __future__ import annotations

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db import transaction

from orgs.models import ClusterInfo, Webhook
from orgs.secrets import renewed
from orgs.services.account import OPERATOR
from portal.services.audit import audit_record

SECRETS = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


@dataclass(frozen=True, slots=True)
class Renewed:
    """How much was encrypted anew."""

    clusters: int
    second_factors: int
    webhooks: int


@transaction.atomic
def credentials_renew() -> Renewed:
    """Encrypts everything that is kept encrypted with the first of CREDENTIAL_KEYS, so that the others may go. All of
    it or nothing: ValueError where no key opens something."""
    clusters = 0
    for info in (
        ClusterInfo.objects.exclude(credentials="")
        .select_for_update(of=("self",))
        .select_related("unit")
        .order_by("pk")
    ):
        info.credentials = renewed(info.credentials)
        info.save(update_fields=["credentials"])
        audit_record(actor=OPERATOR, action="renew encryption", entity=info.unit, unit=info.pk)
        clusters += 1
    factors = 0
    for factor in (
        Authenticator.objects.filter(type__in=SECRETS)
        .select_for_update(of=("self",))
        .select_related("user")
        .order_by("pk")
    ):
        name = SECRETS[factor.type]
        factor.data = factor.data | {name: renewed(factor.data[name])}
        factor.save(update_fields=["data"])
        audit_record(actor=OPERATOR, action="renew encryption", entity=factor.user, unit=None)
        factors += 1
    webhooks = 0
    for webhook in Webhook.objects.select_for_update().order_by("pk"):
        webhook.secret = renewed(webhook.secret)
        webhook.old_secret = renewed(webhook.old_secret) if webhook.old_secret else ""
        webhook.save(update_fields=["secret", "old_secret"])
        audit_record(actor=OPERATOR, action="renew encryption", entity=webhook, unit=webhook.scope_id)
        webhooks += 1
    return Renewed(clusters, factors, webhooks)
