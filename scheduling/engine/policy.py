"""What a unit may hold, whatever is free: access mode, limits, over quota off, quota for non-preemptible work.

Each rule is a matter of each level: a department without over quota still lets its projects borrow from each other
inside its quota. Only resources that are asked for count. Fair shares never hold back what fits into free room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .arithmetic import RESOURCES, UNLIMITED, Numbers
from .decisions import WaitCode
from .working import Account, Job


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule that speaks against a workload, with its figures (`WaitCode` names them)."""

    code: WaitCode
    numbers: Numbers


def allows(job: Job, asked: Sequence[int]) -> bool:
    """Whether so much more of the workload would break no rule."""
    for account in job.path:
        if account.is_open:
            continue
        held, limit = account.held, account.ceiling
        if (
            (asked[0] and held[0] + asked[0] > limit[0])
            or (asked[1] and held[1] + asked[1] > limit[1])
            or (asked[2] and held[2] + asked[2] > limit[2])
            or account.blocked
        ):
            return False
    return job.preemptible or all(stays_non_preemptible(account, asked) for account in job.path)


def stays_non_preemptible(account: Account, asked: Sequence[int]) -> bool:
    """Work that may not be stopped stays inside quota."""
    held, quota = account.non_preemptible, account.quota
    return not (
        (asked[0] and held[0] + asked[0] > quota[0])
        or (asked[1] and held[1] + asked[1] > quota[1])
        or (asked[2] and held[2] + asked[2] > quota[2])
    )


def refusal(job: Job, asked: Sequence[int]) -> Refusal | None:
    """The first rule, from the project upwards, that `asked` more would break; None = `allows`."""
    for account in job.path:
        if account.blocked:
            return Refusal(WaitCode.BLOCKED, {"unit": account.unit.id})
    for account in job.path:
        if found := _above(WaitCode.OVER_LIMIT, "limit", account, account.limit, account.held, asked):
            return found
    for account in job.path:
        if not account.over_quota and (
            found := _above(WaitCode.OVER_QUOTA_OFF, "quota", account, account.quota, account.held, asked)
        ):
            return found
    if job.preemptible:
        return None
    for account in job.path:
        if found := _above(
            WaitCode.NON_PREEMPTIBLE_OVER_QUOTA, "quota", account, account.quota, account.non_preemptible, asked
        ):
            return found
    return None


def _above(
    code: WaitCode, name: str, account: Account, bounds: Sequence[int], held: Sequence[int], asked: Sequence[int]
) -> Refusal | None:
    for resource, bound, used, more in zip(RESOURCES, bounds, held, asked, strict=True):
        if more and bound < UNLIMITED and used + more > bound:
            numbers: Numbers = {
                "unit": account.unit.id,
                "resource": resource,
                name: bound,
                "allocated": used,
                "requested": more,
            }
            return Refusal(code, numbers)
    return None
