"""Why moving or stopping others does not give a workload its place."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from .alone import Step, is_on, long, rule_of, search, spreads
from .arithmetic import RESOURCES, Numbers
from .cycle import Cycle
from .decisions import Wait, WaitCode
from .disruption import Spent, bound, disturbed, is_inside_quota, since_ms
from .runtime import is_protected
from .shares import within
from .working import Account, Job


class Obstacle(StrEnum):
    """Besides the codes of `WaitCode`, which stand where the same reason speaks against a step as against starting."""

    SWITCHED_OFF = "switched_off"
    """The pool does not take this step."""
    SPREADS = "spreads"
    """The pool spreads work out, so it moves nothing together."""
    NOT_YET = "not_yet"
    """Nobody is stopped or moved for it before `until_ms` (its preemption delay)."""
    NOT_PREEMPTIBLE = "not_preemptible"
    """Others are moved only for preemptible work."""
    TOO_LITTLE_FREE = "too_little_free"
    """Moving others frees nothing: `requested` of `resource`, `free` with what is being freed."""
    NOT_MOVABLE = "not_movable"
    """Enough is free in sum, but no moving of the `workloads` preemptible ones makes room in one place."""
    ABOVE_FAIR_SHARE = "above_fair_share"
    """No claim: its project `unit` would pass its fair share of `resource`: `fair_share`, `allocated`, `requested`."""
    NOBODY_ABOVE = "nobody_above"
    """Of `units` that could give, none holds more than it is entitled to: `requested` of `resource`."""
    TOO_LITTLE_ABOVE = "too_little_above"
    """What `units` hold above their entitlement is too little: `above` of `resource`, `free`, `requested`."""
    NOT_TOGETHER = "not_together"
    """It would be enough in sum, but what may be taken makes no room in the places it needs: the same figures."""
    NO_LOWER_PRIORITY = "no_lower_priority"
    """Nothing preemptible of lower priority runs in its project: `priority`, `workloads` running, the `lowest` of
    their priorities where there are any."""
    TOO_LITTLE_BELOW = "too_little_below"
    """The `workloads` of lower priority in its project make no room: they hold `below` of `resource`, `free`,
    `requested`."""
    TOO_DISRUPTIVE = "too_disruptive"
    """It would take `pods` running ones, and for more than its quota the pool lets `most` be stopped or moved."""
    DISRUPTION_BUDGET = "disruption_budget"
    """The disruption budgets of `workloads` of those that would go do not allow it; inside its quota it may all the
    same from `until_ms` on."""
    SEARCH_ENDED = "search_ended"
    """Nothing was found when the search ended after `steps`; a cycle searches longer and may find something."""
    PROTECTED = "protected"
    """The minimum runtime protects `workloads` of those that would go; it could have their room at `until_ms`."""


_FINAL = {
    WaitCode.BLOCKED,
    WaitCode.NON_PREEMPTIBLE_OVER_QUOTA,
    WaitCode.NO_READY_NODE,
    WaitCode.NEVER_FITS,
    WaitCode.NO_MATCHING_NODE,
}
"""What stopping others cannot change."""
_RULES = {WaitCode.OVER_LIMIT, WaitCode.OVER_QUOTA_OFF}
Found = tuple[WaitCode | Obstacle, Numbers]


def obstacle(cycle: Cycle, job: Job, step: Step, start: Wait, cut_after: int | None = None) -> Found:
    """Why a step that failed did; `start` is why the workload does not start in free room; `cut_after`: its
    search ended after so many steps, before all was looked at."""
    if cut_after is not None:
        return Obstacle.SEARCH_ENDED, {"steps": cut_after}
    if not is_on(cycle, step):
        is_spread = step is Step.CONSOLIDATE and spreads(cycle)
        return (Obstacle.SPREADS if is_spread else Obstacle.SWITCHED_OFF), {}
    if start.code in _FINAL and not _is_about_pods(start):
        return start.code, start.numbers
    if job.workload.displaces_after_ms > cycle.snapshot.now_ms:
        return Obstacle.NOT_YET, {"until_ms": job.workload.displaces_after_ms}
    if found := _disruptive(cycle, job, step):
        return found
    if step is Step.CONSOLIDATE:
        return _of_moving(cycle, job, start)
    return _of_reclaim(cycle, job, start) if step is Step.RECLAIM else _of_preemption(cycle, job, start)


def _is_about_pods(start: Wait) -> bool:
    """Other pods can be stopped; labels and taints stay."""
    return start.code is WaitCode.NO_MATCHING_NODE and start.numbers["by"] == "pods"


def _disruptive(cycle: Cycle, job: Job, step: Step) -> Found | None:
    """Where only disruption budgets or the bound on disturbed pods are in the way."""
    most = bound(cycle, job)
    has_budgets = any(other.workload.disruptions_allowed is not None for other in cycle.running)
    if most is None and not has_budgets:
        return None
    solution = search(cycle, job, step, long(job), in_spite_of_budgets=True).solution
    if solution is None:
        return None
    pods = disturbed(solution)
    if most is not None and sum(pods.values()) > most:
        return Obstacle.TOO_DISRUPTIVE, {"pods": sum(pods.values()), "most": most}
    spent = Spent(cycle)
    held_back = {batch.job.index for batch in (*solution.stopped, *solution.moved) if not spent.allows(batch)}
    numbers: Numbers = {"workloads": len(held_back)}
    delay_ms = cycle.snapshot.disruption_budget_delay_ms
    if step is Step.RECLAIM and delay_ms is not None and is_inside_quota(job):
        numbers["until_ms"] = since_ms(job) + delay_ms
    return Obstacle.DISRUPTION_BUDGET, numbers


def _of_moving(cycle: Cycle, job: Job, start: Wait) -> Found:
    if start.code in _RULES:
        return start.code, start.numbers
    if not job.preemptible:
        return Obstacle.NOT_PREEMPTIBLE, {}
    if not rule_of(cycle, Step.CONSOLIDATE).has_claim(job):
        return Obstacle.TOO_LITTLE_FREE, _needs(cycle, job)
    movable = sum(other is not job for other in cycle.running)
    return Obstacle.NOT_MOVABLE, {"workloads": movable}


def _of_reclaim(cycle: Cycle, job: Job, start: Wait) -> Found:
    if start.code in _RULES:
        return start.code, start.numbers
    account = job.account
    for resource, more in enumerate(job.asked):
        if account.held[resource] + more > account.fair[resource]:
            return Obstacle.ABOVE_FAIR_SHARE, {
                "unit": account.unit.id,
                "resource": RESOURCES[resource],
                "fair_share": account.fair[resource],
                "allocated": account.held[resource],
                "requested": more,
            }
    if numbers := _protected(cycle, job, Step.RECLAIM):
        return Obstacle.PROTECTED, numbers
    needs, resource = _needs(cycle, job), _resource(job)
    asked = [side for mine in job.path for side in _siblings(cycle, mine)]
    rule = rule_of(cycle, Step.RECLAIM)
    may_give = rule.may_give(job)
    giving = [side for side in asked if may_give(side) and any(_above(job, side, one) for one in (0, 1, 2))]
    if not giving:
        return Obstacle.NOBODY_ABOVE, {
            "units": len(asked),
            "resource": RESOURCES[resource],
            "requested": job.asked[resource],
        }
    above = sum(_above(job, side, resource) for side in giving)
    numbers = {**needs, "units": len(giving), "above": above}
    is_enough = above + int(needs["free"]) >= job.asked[resource]
    return (Obstacle.NOT_TOGETHER if is_enough else Obstacle.TOO_LITTLE_ABOVE), numbers


def _siblings(cycle: Cycle, account: Account) -> list[Account]:
    around = cycle.tops if account.parent is None else account.parent.children
    return [other for other in around if other is not account]


def _above(job: Job, side: Account, resource: int) -> int:
    """What a side holds above what protects it from the workload: its entitlement, or only its quota where the other
    side stays inside its own."""
    mine = next(account for account in job.path if account.parent is side.parent)
    floor = side.entitled[resource]
    if within(mine.held, job.asked, mine.quota):
        floor = min(floor, side.quota[resource])
    return max(0, side.held[resource] - floor)


def _of_preemption(cycle: Cycle, job: Job, start: Wait) -> Found:
    running = [other for _, _, other in cycle.running.of(job.account)]
    lower = [other for other in running if other.priority < job.priority]
    if not lower:
        numbers: Numbers = {"priority": job.priority, "workloads": len(running)}
        if running:
            numbers["lowest"] = running[-1].priority
        return Obstacle.NO_LOWER_PRIORITY, numbers
    if numbers := _protected(cycle, job, Step.PREEMPT) or {}:
        return Obstacle.PROTECTED, numbers
    if start.code in _RULES:
        return start.code, start.numbers
    below = sum(other.size[_resource(job)] for other in lower)
    return Obstacle.TOO_LITTLE_BELOW, {**_needs(cycle, job), "workloads": len(lower), "below": below}


def _protected(cycle: Cycle, job: Job, step: Step) -> Numbers | None:
    """Who would go if every minimum runtime were over, and when that is so of all that it takes."""
    snapshot = cycle.snapshot
    runtimes = {snapshot.min_runtime_ms}
    for unit in snapshot.units:
        runtimes |= {unit.reclaim_min_runtime_ms or 0, unit.preempt_min_runtime_ms or 0}
    runtimes.discard(0)
    if not runtimes:
        return None
    solution = _at(cycle, job, step, snapshot.now_ms + max(runtimes))
    if solution is None:
        return None
    reclaimer = job if step is Step.RECLAIM else None
    protected = [other for other in solution if is_protected(cycle, other, reclaimer)]
    starts = [other.workload.started_ms for other in solution if other.workload.started_ms is not None]
    ends = sorted({start + more for start in starts for more in runtimes if start + more > snapshot.now_ms})
    enough, too_early = len(ends) - 1, -1
    while enough - too_early > 1:
        middle = (enough + too_early) // 2
        if _at(cycle, job, step, ends[middle]) is None:
            too_early = middle
        else:
            enough = middle
    until_ms = ends[enough] if ends else snapshot.now_ms + max(runtimes)
    return {"workloads": max(1, len(protected)), "until_ms": until_ms}


def _at(cycle: Cycle, job: Job, step: Step, now_ms: int) -> list[Job] | None:
    """Who would be stopped for the workload at another moment, all else as it is."""
    snapshot = cycle.snapshot
    cycle.snapshot = replace(snapshot, now_ms=now_ms)
    try:
        solution = search(cycle, job, step, long(job)).solution
    finally:
        cycle.snapshot = snapshot
    return None if solution is None else list({batch.job.index: batch.job for batch in solution.stopped}.values())


def _resource(job: Job) -> int:
    """The first that it asks for."""
    return next((resource for resource, asked in enumerate(job.asked) if asked), 0)


def _needs(cycle: Cycle, job: Job) -> Numbers:
    resource = _resource(job)
    return {
        "resource": RESOURCES[resource],
        "requested": job.asked[resource],
        "free": _free_later(cycle, resource),
    }


def _free_later(cycle: Cycle, resource: int) -> int:
    """Of ready nodes in sum, once everything that is stopping has gone."""
    nodes, later = cycle.nodes, cycle.nodes.later
    if resource:
        column = later.cpu if resource == 1 else later.memory
        return sum(max(0, free) for free, node in zip(column, nodes.all, strict=True) if node.ready)
    found = 0
    for free, unit, node in zip(later.devices, nodes.unit, nodes.all, strict=True):
        if node.ready and free:
            whole = sum(free) if min(free) >= 0 else sum(part for part in free if part > 0)
            found += whole * 1000 // unit
    return found
