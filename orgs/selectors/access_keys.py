"""Access keys as lists show them: the owner's, or those that somebody administers."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from orgs.access import may
from orgs.models import AccessKey, Application, OrgUnit, UnitKind, usable


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


def applications(search: str = "") -> QuerySet[Application]:
    """All by name, or those with `search` in name, description or client id."""
    found = Application.objects.select_related("user__subject")
    if search:
        wanted = Q(name__icontains=search) | Q(description__icontains=search) | Q(client_id__icontains=search)
        found = found.filter(wanted)
    return found.order_by("name", "id")
