"""Access keys as lists show them: the owner's, or those that somebody administers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from orgs.access import may
from orgs.models import AccessKey, Application, OrgUnit, UnitKind, usable

UNUSED = timedelta(days=90)


def keys_of(owner: Any) -> QuerySet[AccessKey]:
    """Those that work first, the newest first among them; with where and when they were last used."""
    works = Exists(AccessKey.objects.filter(usable(), pk=OuterRef("pk")))
    keys = AccessKey.objects.filter(user=owner).select_related("scope", "use", "replaced_by")
    ordered: QuerySet[AccessKey] = keys.annotate(works=works).order_by("-works", "-created", "-id")
    return ordered


def keys_visible(user: Any) -> QuerySet[AccessKey]:
    """One's own; everybody's to who may read them on the account, to which people and applications belong."""
    keys = AccessKey.objects.select_related("user", "scope", "use")
    account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
    if account is not None and may(user, "read", "access_key", account):
        return keys
    return keys.filter(user=user.pk)


def keys_found(keys: QuerySet[AccessKey], search: str) -> QuerySet[AccessKey]:
    """All of them, or those with `search` in their name, their beginning or their owner's name or address; those that
    were used last first."""
    if search:
        wanted = Q(name__icontains=search) | Q(token_key__startswith=search)
        wanted |= Q(user__name__icontains=search) | Q(user__email__icontains=search)
        keys = keys.filter(wanted)
    return keys.order_by(F("use__at").desc(nulls_last=True), "-created", "-id")


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """Of keys whose end has not come."""

    total: int
    owners: int
    unused: int
    """Not used for 90 days."""
    endless: int


def key_counts(keys: QuerySet[AccessKey]) -> KeyCounts:
    """One query."""
    late = timezone.now() - UNUSED
    idle = Q(use__at__lt=late) | Q(use=None, created__lt=late)
    found = keys.filter(usable()).aggregate(
        total=Count("id"),
        owners=Count("user", distinct=True),
        unused=Count("id", filter=idle),
        endless=Count("id", filter=Q(expiry=None)),
    )
    return KeyCounts(**found)


def applications(search: str = "") -> QuerySet[Application]:
    """All by name, or those with `search` in name, description or client id."""
    found = Application.objects.select_related("user__subject")
    if search:
        wanted = Q(name__icontains=search) | Q(description__icontains=search) | Q(client_id__icontains=search)
        found = found.filter(wanted)
    return found.order_by("name", "id")
