"""Where the things of this app lie that the audit log names."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.urls import reverse

from orgs.access import may, within
from orgs.models import AccessRule, User
from orgs.scope import visible_units


def unit_links(user: Any, ids: Collection[int]) -> dict[int, str]:
    page = reverse("organization")
    return {pk: f"{page}?unit={pk}" for pk in visible_units(user).filter(pk__in=ids).values_list("pk", flat=True)}


def rule_links(user: Any, ids: Collection[int]) -> dict[int, str]:
    rules = within(AccessRule.objects.filter(pk__in=ids), user, "access_rule:read", "scope")
    return {pk: f"{reverse('organization')}?unit={scope}" for pk, scope in rules.values_list("pk", "scope_id")}


def person_links(user: Any, ids: Collection[int]) -> dict[int, str]:
    if not may(user, "read", "user"):
        return {}
    people = User.objects.filter(pk__in=ids).values_list("pk", "email")
    return {pk: f"{reverse('people')}?q={email}" for pk, email in people}
