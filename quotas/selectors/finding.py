"""What does not add up, as far as somebody may see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from orgs.access import within
from orgs.models import OrgUnit, UnitState
from orgs.scope import limited
from quotas.guard import NOTHING, Level
from quotas.models import GuardFinding
from quotas.resources import RESOURCES

from .pools import NO_HARDWARE, Hardware, hardware
from .sums import sums

MOST_CONCERNED = 5
MOST_COUNTED = 999
LEVELS = {"departments": Level.CHILDREN, "hardware": Level.HARDWARE}
"""In addresses."""


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding with whom it concerns."""

    finding: GuardFinding
    concerned: list[tuple[OrgUnit, int]]
    """The units right below that have most, with what they have."""
    others: int
    """How many more have some."""
    lost: int
    """Of hardware, what is on nodes that are not ready."""


def findings_in_scope(
    request: HttpRequest,
    *,
    resolved: bool = False,
    search: str = "",
    resources: Collection[str] = (),
    levels: Collection[str] = (),
) -> QuerySet[GuardFinding]:
    """Of the units in the scope whose quotas the reader may see, the latest first; with `search` in the name of the
    unit or the pool, of these resources and comparisons (keys of RESOURCES and LEVELS), or all."""
    found = findings_seen(request).filter(resolved_at__isnull=not resolved)
    if search:
        found = found.filter(Q(unit__name__icontains=search) | Q(pool__name__icontains=search))
    if resources:
        found = found.filter(resource__in=[at for at, key in enumerate(RESOURCES) if key in resources])
    if levels:
        found = found.filter(level__in=[level for key, level in LEVELS.items() if key in levels])
    order = ("-resolved_at", "-id") if resolved else ("-since", "-id")
    return found.order_by(*order)


def findings_seen(request: HttpRequest) -> QuerySet[GuardFinding]:
    """All of the units in the scope whose quotas the reader may see."""
    found = GuardFinding.objects.filter(unit__state=UnitState.ACTIVE)
    return limited(found, request, "quota:read", "unit").select_related("unit", "unit__cluster", "pool")


def open_count(request: HttpRequest) -> int:
    """Of all that the reader may see, whatever the scope: for the menu, so capped."""
    found = GuardFinding.objects.filter(resolved_at=None, unit__state=UnitState.ACTIVE)
    return within(found, request.user, "quota:read", "unit").values("id")[:MOST_COUNTED].count()


def finding_lines(findings: Sequence[GuardFinding], most: int | None = MOST_CONCERNED) -> list[FindingLine]:
    """In a fixed number of queries. `most`: units named of each; None: all.

    The reader sees each one's unit, so everything below it, too.
    """
    children: dict[int, list[OrgUnit]] = defaultdict(list)
    units = {finding.unit_id for finding in findings}
    for unit in OrgUnit.objects.filter(parent__in=units, state=UnitState.ACTIVE).order_by("name"):
        children[unit.parent_id or 0].append(unit)
    guaranteed = sums(unit.pk for below in children.values() for unit in below).guaranteed
    over = _pools_over(units)
    machines = hardware({pool for pools in over.values() for pool in pools})
    lines = []
    for finding in findings:
        pools = over[finding.unit_id, finding.resource] if finding.pool_id is None else [finding.pool_id]
        amounts = [
            (unit, sum(guaranteed.get((unit.pk, pool), NOTHING)[finding.resource] for pool in pools))
            for unit in children[finding.unit_id]
        ]
        some = sorted((one for one in amounts if one[1]), key=lambda one: -one[1])
        lost = [machines.get(pool, NO_HARDWARE) for pool in pools] if finding.level == Level.HARDWARE else []
        named = some[:most]
        lines.append(FindingLine(finding, named, len(some) - len(named), _lost(lost, finding.resource)))
    return lines


def _pools_over(units: set[int]) -> dict[tuple[int, int], list[int]]:
    """(cluster, resource) -> the pools of it that are over now."""
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    rows = GuardFinding.objects.filter(unit__in=units, level=Level.HARDWARE, resolved_at=None)
    for unit, pool, resource in rows.exclude(pool=None).values_list("unit", "pool", "resource"):
        assert pool is not None
        found[unit, resource].append(pool)
    return found


def _lost(machines: list[Hardware], resource: int) -> int:
    return sum(one.lost[resource] for one in machines)
