"""What a unit may hold, whatever is free: access mode, limits, over quota off, quota for non-preemptible work.

Each rule is a matter of each level: a department without over quota still lets its projects borrow from each other
inside its quota. Only resources that are asked for count.
"""

from __future__ import annotations

from dataclasses import dataclass

from .arithmetic import RESOURCES, Numbers
from .decisions import WaitCode
from .ledger import Ledger
from .tree import Tree
from .types import Amounts, Bounds, Unit, Workload


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule that speaks against a workload, with its figures (`WaitCode` names them)."""

    code: WaitCode
    numbers: Numbers


def refusal(ledger: Ledger, tree: Tree, workload: Workload, asked: Amounts) -> Refusal | None:
    """The first rule, from the project upwards, that `asked` more would break; None = may start."""
    path = tree.path(workload.unit)
    for unit in path:
        if unit.blocked:
            return Refusal(WaitCode.BLOCKED, {"unit": unit.id})
    for unit in path:
        held = ledger.accounts[unit.id].held
        if found := _above(WaitCode.OVER_LIMIT, "limit", unit, unit.limit, held, asked):
            return found
    for unit in path:
        held = ledger.accounts[unit.id].held
        if not unit.over_quota and (found := _above(WaitCode.OVER_QUOTA_OFF, "quota", unit, unit.quota, held, asked)):
            return found
    if workload.preemptible:
        return None
    for unit in path:
        held = ledger.accounts[unit.id].held_non_preemptible
        if found := _above(WaitCode.NON_PREEMPTIBLE_OVER_QUOTA, "quota", unit, unit.quota, held, asked):
            return found
    return None


def _above(code: WaitCode, name: str, unit: Unit, bounds: Bounds, held: Amounts, asked: Amounts) -> Refusal | None:
    for resource, bound, used, more in zip(RESOURCES, bounds, held, asked, strict=True):
        if more and bound is not None and used + more > bound:
            return Refusal(
                code, {"unit": unit.id, "resource": resource, name: bound, "allocated": used, "requested": more}
            )
    return None
