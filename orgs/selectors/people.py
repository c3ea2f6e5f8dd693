from __future__ import annotations

from django.db.models import Prefetch, Q, QuerySet

from orgs.models import AccessRule, User


def people(search: str = "") -> QuerySet[User]:
    """Everybody by name, with their rules; those whose name or address has `search` in it."""
    rules = AccessRule.objects.select_related("role", "scope").order_by("scope__path", "role__name")
    found = User.objects.select_related("subject").prefetch_related(Prefetch("subject__rules", rules, "listed_rules"))
    if search:
        found = found.filter(Q(name__icontains=search) | Q(email__icontains=search))
    return found.order_by("name", "id")
