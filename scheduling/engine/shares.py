"""Fair shares of the units of a pool, and how a unit stands against its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .arithmetic import SHIFT, UNLIMITED
from .fair_share import Claim, divide
from .types import NOTHING, Amounts, Unit
from .working import Account, accounts_of

GRAINS = Amounts(gpu_milli=1000, cpu_millicores=1, memory_bytes=1)
"""What spare is handed out in: whole devices, millicores, bytes."""
Key = tuple[object, ...]
_SCALE = 1000 << SHIFT
"""Shares are worked out as integers that compare as the exact fractions do (`arithmetic.ratio`)."""


def fair_shares(
    units: Sequence[Unit], requested: Mapping[int, Amounts], capacity: Amounts, usage_weight_milli: int
) -> dict[int, Amounts]:
    """By unit, what a cycle of a pool with this capacity would come to. `requested`: by the units without others below
    them, held and pending."""
    accounts = accounts_of(units)
    for account in accounts:
        account.requested = list(requested.get(account.unit.id, NOTHING))
    divide_pool(accounts, capacity, usage_weight_milli)
    return {account.unit.id: Amounts(*account.fair) for account in accounts}


def divide_pool(accounts: Sequence[Account], capacity: Sequence[int], usage_weight_milli: int) -> None:
    """Set the fair share of every account; parents come before children."""
    for account in reversed(accounts):
        account.usable = _usable(account)
    _divide([account for account in accounts if account.parent is None], capacity, usage_weight_milli)
    for account in accounts:
        _entitle(account, capacity)
        if account.children:
            _divide(account.children, account.fair, usage_weight_milli)


class Before(NamedTuple):
    """An account's part as it was."""

    account: Account
    usable: list[int]
    fair: list[int]
    entitled: list[int]
    whole: list[int]

    def restore(self) -> None:
        account = self.account
        account.usable, account.fair, account.entitled, account.whole = self[1:]
        account.settle()
        account.version += 1


def divide_again(
    tops: Sequence[Account], path: Sequence[Account], capacity: Sequence[int], usage_weight_milli: int
) -> list[Before]:
    """The same as `divide_pool`, where only what the units of one path ask for or are given has changed since. Returns
    everybody whose part is another now, as it was."""
    before = {
        account.index: Before(account, account.usable, account.fair, account.entitled, account.whole)
        for account in path
    }
    for account in path:
        account.usable = _usable(account)
    left = [(tops, capacity)]
    while left:
        siblings, amounts = left.pop()
        for account in siblings:
            was = Before(account, account.usable, account.fair, account.entitled, account.whole)
            before.setdefault(account.index, was)
            account.fair = list(account.fair)
        _divide(siblings, amounts, usage_weight_milli)
        for account in siblings:
            if account.fair == before[account.index].fair and account not in path:
                account.fair = before.pop(account.index).fair
                continue
            account.entitled, account.whole = list(account.entitled), list(account.whole)
            _entitle(account, capacity)
            account.version += 1
            if account.children:
                left.append((account.children, account.fair))
    return list(before.values())


def _usable(account: Account) -> list[int]:
    """What of its request it may have; of a unit with others below it, what those may."""
    if account.blocked:
        return [0, 0, 0]
    asked: Sequence[int] = account.requested
    if account.children:
        asked = [sum([child.usable[resource] for child in account.children]) for resource in (0, 1, 2)]
    return [min(pair) for pair in zip(asked, account.ceiling, strict=True)]


def _entitle(account: Account, capacity: Sequence[int]) -> None:
    for resource in range(3):
        quota, limit, fair = account.quota[resource], account.limit[resource], account.fair[resource]
        entitled = limit if quota == UNLIMITED else min(limit, max(quota, fair))
        account.entitled[resource] = entitled
        account.whole[resource] = capacity[resource] if entitled == UNLIMITED else entitled
    account.settle()


def _divide(siblings: Sequence[Account], amounts: Sequence[int], usage_weight_milli: int) -> None:
    for resource, grain in enumerate(GRAINS):
        claims = [
            Claim(
                account.unit.quota[resource],
                account.usable[resource],
                account.unit.rank,
                _weight(account.unit, resource),
                account.seniority,
                account.unit.usage_ppm[resource],
            )
            for account in siblings
        ]
        shares = divide(amounts[resource], claims, grain=grain, usage_weight_milli=usage_weight_milli)
        for account, share in zip(siblings, shares, strict=True):
            account.fair[resource] = share


def _weight(unit: Unit, resource: int) -> int:
    weight = unit.weight_milli
    return weight if isinstance(weight, int) else weight[resource]


def within(held: Sequence[int], asked: Sequence[int], bounds: Sequence[int]) -> bool:
    """In all resources."""
    return held[0] + asked[0] <= bounds[0] and held[1] + asked[1] <= bounds[1] and held[2] + asked[2] <= bounds[2]


def exceeds(held: Sequence[int], bounds: Sequence[int]) -> bool:
    """In one of the resources."""
    return held[0] > bounds[0] or held[1] > bounds[1] or held[2] > bounds[2]


def _dominant(gpu: int, cpu: int, memory: int, gpus: int, cpus: int, memories: int) -> int:
    """The largest of the three parts, exactly. Where a rounded division says which that is, it is so."""
    of_gpu, of_cpu, of_memory = gpu / gpus, cpu / cpus, memory / memories
    if of_gpu > of_cpu and of_gpu > of_memory and gpu > 0:
        return gpu * _SCALE // gpus
    if of_cpu > of_gpu and of_cpu > of_memory and cpu > 0:
        return cpu * _SCALE // cpus
    if of_memory > of_gpu and of_memory > of_cpu and memory > 0:
        return memory * _SCALE // memories
    return max(0, gpu * _SCALE // gpus, cpu * _SCALE // cpus, memory * _SCALE // memories)


def serving_key(account: Account, asked: Sequence[int], gone: Sequence[int] = NOTHING) -> Key:
    """Less is served earlier. `asked`: by the workload that the unit would send next; `gone`: of what it holds, where
    victims are looked for: it counts for the dominant share with the workload only."""
    h0, h1, h2 = held = account.held
    m0, m1, m2 = h0 + asked[0], h1 + asked[1], h2 + asked[2]
    q0, q1, q2 = account.quota
    f0, f1, f2 = account.fair
    w0, w1, w2 = account.thousandths
    share = account.known_share if account.known_held == held else _dominant(h0, h1, h2, w0, w1, w2)
    if gone is NOTHING:
        # Once the workload has started this is what the unit holds, and is not worked out again.
        share_with = _dominant(m0, m1, m2, w0, w1, w2)
        account.known_held, account.known_share = [m0, m1, m2], share_with
    else:
        share_with = _dominant(m0 - gone[0], m1 - gone[1], m2 - gone[2], w0, w1, w2)
        account.known_held, account.known_share = [h0, h1, h2], share
    return (
        h0 > f0 and h1 > f1 and h2 > f2,
        m0 > q0 or m1 > q1 or m2 > q2,
        account.minus_rank,
        account.lacks_some and any(m and not e for m, e in zip((m0, m1, m2), account.entitled, strict=True)),
        share_with,
        share,
        account.entitled_key,
        account.seniority,
    )
