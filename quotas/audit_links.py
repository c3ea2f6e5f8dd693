"""Where the things of this app lie that the audit log names."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.urls import reverse

from orgs.access import may, within
from quotas.models import Pool, Quota, Topology


def quota_links(user: Any, ids: Collection[int]) -> dict[int, str]:
    quotas = within(Quota.objects.filter(pk__in=ids), user, "quota:read", "unit")
    return {pk: f"{reverse('quotas')}?scope={unit}" for pk, unit in quotas.values_list("pk", "unit_id")}


def pool_links(user: Any, ids: Collection[int]) -> dict[int, str]:
    if not may(user, "read", "pool"):
        return {}
    pools = Pool.objects.filter(pk__in=ids).values_list("pk", flat=True)
    return {pk: reverse("pool", args=[pk]) for pk in pools}


def topology_links(user: Any, ids: Collection[int]) -> dict[int, str]:
    if not may(user, "update", "pool"):
        return {}
    return {
        pk: reverse("topology", args=[pk]) for pk in Topology.objects.filter(pk__in=ids).values_list("pk", flat=True)
    }
