"""In which pools work is tried, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from orgs.access import may
from orgs.hooks import UnitPoolOrder
from orgs.models import OrgUnit, UnitKind
from portal.errors import Refused
from quotas.models import Pool, PoolPreference

LONGEST_SHOWN = 63


class PoolOrder(NamedTuple):
    """Pools in the order to try, and the unit that says so; None: nobody does, which means the default pool."""

    pools: list[Pool]
    source: OrgUnit | None

    @property
    def names(self) -> list[str]:
        return [pool.name for pool in self.pools]

    def words(self, unit: OrgUnit | None = None) -> str:
        """Where it comes from, as `unit` sees it: "from department vision"; empty for its own."""
        if self.source is None:
            return "the default pool: nobody has said otherwise"
        if self.source == unit:
            return ""
        return f"from {self.source.get_kind_display()} {self.source.name}"


def pool_order(unit: OrgUnit, above: bool = False) -> PoolOrder:
    """What holds for a department or project; `above`: what holds where it has no order of its own. Two queries."""
    return pool_orders([unit], above)[unit.pk]


def pool_orders(units: Sequence[OrgUnit], above: bool = False) -> dict[int, PoolOrder]:
    """By unit, of one cluster. Two queries."""
    ancestors = {unit.pk: unit.ancestor_ids[:-1] if above else unit.ancestor_ids for unit in units}
    asked = {pk for ids in ancestors.values() for pk in ids}
    rows = PoolPreference.objects.filter(unit__in=asked).select_related("pool", "unit").order_by("place")
    found: dict[int, list[PoolPreference]] = {}
    for row in rows:
        found.setdefault(row.unit_id, []).append(row)
    orders: dict[int, PoolOrder] = {}
    for unit in units:
        own = next((found[pk] for pk in reversed(ancestors[unit.pk]) if pk in found), None)
        if own:
            orders[unit.pk] = PoolOrder([row.pool for row in own], own[0].unit)
    if left := [unit for unit in units if unit.pk not in orders]:
        usual = PoolOrder(list(Pool.objects.filter(cluster=left[0].cluster_id, is_default=True)), None)
        orders |= {unit.pk: usual for unit in left}
    return orders


def named_pools(cluster: int | None, names: Any) -> list[Pool]:
    """The pools of the cluster by these names, in this order. Raises Refused."""
    if not isinstance(names, Sequence) or isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise Refused({"pools": "Pools are a list of names. Choose from the pools of the project's cluster."})
    known = {pool.name: pool for pool in Pool.objects.filter(cluster=cluster)}
    for name in names:
        if name not in known:
            shown = "".join(character if character.isprintable() else "?" for character in name[:LONGEST_SHOWN])
            raise Refused({"pools": f"There is no pool {shown} here. Choose from {', '.join(known)}."})
    if len(set(names)) < len(names):
        raise Refused({"pools": "A pool is named twice. Name each once, in the order to try."})
    return [known[name] for name in names]


def reordered(names: Sequence[str], asked: str, known: Sequence[str]) -> list[str]:
    """The order after what a button of the list asks: `up:a100`, `down:a100`, `out:a100`, `add:a100`."""
    found = [name for name in dict.fromkeys(names) if name in known]
    act, _, name = asked.partition(":")
    if act == "add" and name in known and name not in found:
        found.append(name)
    elif act in ("up", "down", "out") and name in found:
        at = found.index(name)
        found.remove(name)
        if act in ("up", "down"):
            found.insert(max(0, at + (-1 if act == "up" else 1)), name)
    return found


def unit_pool_order(unit: OrgUnit, user: Any) -> UnitPoolOrder | None:
    """For the unit's panel: see `orgs.hooks`."""
    if unit.kind not in (UnitKind.DEPARTMENT, UnitKind.PROJECT) or not may(user, "read", "pool", unit):
        return None
    order = pool_order(unit)
    return UnitPoolOrder(order.names, order.words(unit), may(user, "update", "scheduling_rule", unit))
