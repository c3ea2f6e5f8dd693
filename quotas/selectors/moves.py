"""Which sums of quotas a move in the tree would change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from orgs.hooks import SumChange
from orgs.models import OrgUnit, UnitKind
from orgs.services.unit import is_default_department
from quotas.models import Pool

from .pools import NO_HARDWARE, hardware
from .sums import guaranteed, sums


def quota_move_impact(unit: OrgUnit, new_parent: OrgUnit) -> list[SumChange]:
    """In five queries; nothing when the unit has no quota."""
    own = {pool: amounts.gpu_milli for (_, pool), amounts in guaranteed([unit.pk]).items() if amounts.gpu_milli}
    assert unit.parent is not None
    changes: dict[OrgUnit, int] = defaultdict(int)
    for sign, parent in ((-1, unit.parent), (1, new_parent)):
        changes[parent] += sign
        if is_default_department(parent) and parent.parent is not None:
            # It has no quota of its own: what it is guaranteed is what its projects are.
            changes[parent.parent] += sign
    changed = {parent: sign for parent, sign in changes.items() if sign}
    if not own or not changed:
        return []
    pools = {pool.pk: pool.name for pool in Pool.objects.filter(pk__in=own).order_by("name")}
    now, whole = given(changed), available(list(changed), list(pools))
    return [
        SumChange(
            unit=parent,
            pool=name,
            before=now.get((parent.pk, pool), 0),
            after=now.get((parent.pk, pool), 0) + sign * own[pool],
            available=whole.get((parent.pk, pool), 0),
        )
        for parent, sign in changed.items()
        for pool, name in pools.items()
    ]


def given(parents: Iterable[OrgUnit]) -> dict[tuple[int, int], int]:
    """(unit, pool) -> what the units right below it are guaranteed."""
    return {key: amounts.gpu_milli for key, amounts in sums([parent.pk for parent in parents]).given.items()}


def available(parents: Collection[OrgUnit], pools: Collection[int]) -> dict[tuple[int, int], int]:
    """(unit, pool) -> what the guard compares that with: its quota, of a cluster what its ready nodes have."""
    clusters = [parent for parent in parents if parent.kind == UnitKind.CLUSTER]
    others = [parent.pk for parent in parents if parent.kind != UnitKind.CLUSTER]
    found = {key: amounts.gpu_milli for key, amounts in guaranteed(others).items()}
    machines = hardware(pools)
    found |= {(one.pk, pool): machines.get(pool, NO_HARDWARE).ready.gpu_milli for one in clusters for pool in pools}
    return found
