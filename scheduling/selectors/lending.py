"""Who lends to whom now, as far as the reader may know."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from orgs.access import may, within
from orgs.hooks import UnitLending
from orgs.models import OrgUnit, UnitKind
from orgs.scope import below, limited
from portal.flow import Flow
from portal.formats import gpus, gpus_counted
from quotas.models import Pool, PoolSummary, UnitUsage
from scheduling.lending import UNASSIGNED, flows, lent_by

from .promises import breach_words, promises

MOST = 7
"""Names on each side; the rest is one line."""
OTHERS, REST = -1, -2
"""Outside of what the reader looks at or may see; inside, but one of many."""


@dataclass(frozen=True, slots=True)
class Lending:
    """milli-GPU."""

    flow: Flow | None
    borrowed: int
    """By the projects that the reader looks at, from whomever."""
    lent: int
    """By them, to whomever."""
    whole: bool
    """They are all there are in these pools."""


def lending_now(pools: Collection[int], projects: Iterable[tuple[int, str]], *, whole: bool) -> Lending:
    """Between projects, in these pools. `projects`: the ids and names of those the reader looks at; the others are one
    party, to which the capacity belongs that nobody is guaranteed. `whole`: there are no others. Two queries more."""
    names = dict(projects)
    lent: dict[int, Counter[int]] = {}
    borrowed: dict[int, Counter[int]] = {}
    for pool, over, idle, unassigned in _levels(pools):
        lent[pool] = Counter(lent_by(sum(over.values()), idle, unassigned))
        borrowed[pool] = Counter({unit: amount for unit, amount in over.items() if amount})
    give = _parties(lent.values(), names, whole)
    take = _parties(borrowed.values(), names, whole)
    links: Counter[tuple[int, int]] = Counter()
    for pool, given in lent.items():
        links.update(flows(_gathered(given, give), _gathered(borrowed[pool], take)))
    # What is between others concerns nobody here.
    links = Counter({pair: part for pair, part in links.items() if pair != (OTHERS, OTHERS)})
    here = (names.keys() | {REST}) - {OTHERS}
    return Lending(
        flow=_drawn(links, names, whole),
        borrowed=sum(part for (_, taker), part in links.items() if taker in here),
        lent=sum(part for (giver, _), part in links.items() if giver in here),
        whole=whole,
    )


def _levels(pools: Collection[int]) -> list[tuple[int, dict[int, int], dict[int, int], int]]:
    """By pool: what projects have over quota and what idle, and the capacity that nobody is guaranteed."""
    over: dict[int, dict[int, int]] = defaultdict(dict)
    idle: dict[int, dict[int, int]] = defaultdict(dict)
    guaranteed: Counter[int] = Counter()
    rows = UnitUsage.objects.filter(pool__in=pools, unit__kind=UnitKind.PROJECT).values_list(
        "pool_id", "unit_id", "gpu_milli", "over_gpu_milli", "idle_gpu_milli"
    )
    for pool, unit, used, above, left in rows:
        over[pool][unit], idle[pool][unit] = above, left
        guaranteed[pool] += used - above + left
    there = dict(PoolSummary.objects.filter(pool__in=pools).values_list("pool_id", "gpu_milli"))
    return [(pool, over[pool], idle[pool], there.get(pool, 0) - guaranteed[pool]) for pool in sorted(over)]


def _parties(sides: Iterable[Counter[int]], names: dict[int, str], whole: bool) -> dict[int, int]:
    """Project -> the party as which it is shown."""
    sums: Counter[int] = Counter()
    for side in sides:
        sums.update(side)
    named = sorted((unit for unit in sums if unit in names), key=lambda unit: (-sums[unit], unit))
    keep = len(named) if len(named) <= MOST + 1 else MOST
    shown = {unit: unit if place < keep else REST for place, unit in enumerate(named)}
    return {unit: shown.get(unit, UNASSIGNED if unit == UNASSIGNED and whole else OTHERS) for unit in sums}


def _gathered(amounts: Counter[int], parties: dict[int, int]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for unit, amount in amounts.items():
        found[parties[unit]] += amount
    return dict(found)


def _drawn(links: Counter[tuple[int, int]], names: dict[int, str], whole: bool) -> Flow | None:
    if not links:
        return None
    givers, takers = (_side(links, place, names, whole) for place in (0, 1))
    at = [{party: index for index, (party, _, _) in enumerate(side)} for side in (givers, takers)]
    return Flow(
        givers=[(name, amount) for _, name, amount in givers],
        takers=[(name, amount) for _, name, amount in takers],
        links={(at[0][giver], at[1][taker]): part for (giver, taker), part in links.items()},
    )


def _side(
    links: Counter[tuple[int, int]], place: int, names: dict[int, str], whole: bool
) -> list[tuple[int, str, int]]:
    """Party, name and amount; the largest first, then nobody's, the rest and others."""
    sums: Counter[int] = Counter()
    for pair, part in links.items():
        sums[pair[place]] += part
    words = {UNASSIGNED: "unassigned", REST: "all the rest", OTHERS: "others"}
    order = sorted(sums, key=lambda party: (party <= 0, -sums[party], party))
    return [(party, words.get(party) or names[party], sums[party]) for party in order]


def lending_words(found: Lending) -> str:
    """The finding, in a line."""
    if not (found.borrowed or found.lent):
        return "Nothing is lent now."
    if found.whole:
        return f"{gpus_counted(found.borrowed)} lent now"
    return f"{gpus(found.borrowed)} borrowed, {gpus(found.lent)} lent now"


def lending_here(request: HttpRequest, pools: Sequence[Pool], *, whole: bool) -> Lending:
    """In the scope of a page. `whole`: it is about whole pools."""
    projects = limited(OrgUnit.objects.filter(kind=UnitKind.PROJECT), request, "project:read")
    return lending_now([pool.pk for pool in pools], projects.values_list("pk", "name"), whole=whole)


def unit_lending(unit: OrgUnit, user: Any) -> UnitLending | None:
    """For the panel of a unit on the Organization page."""
    if unit.kind == UnitKind.ACCOUNT:
        return None
    projects = list(
        within(OrgUnit.objects.filter(below(unit), kind=UnitKind.PROJECT), user, "project:read").values_list(
            "pk", "name"
        )
    )
    if not projects:
        return None
    whole = unit.kind == UnitKind.CLUSTER and may(user, "read", "project", unit)
    pools = list(Pool.objects.filter(cluster=unit.cluster_id or 0).values_list("pk", flat=True))
    found = lending_now(pools, projects, whole=whole)
    waits = promises(user, below(unit, "project"))
    return UnitLending(
        words=lending_words(found),
        flow=found.flow,
        waits=waits.words,
        breaches=tuple(breach_words(breach) for breach in waits.worst),
    )
