"""The division of one resource among siblings, and down the tree."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.engine import Options
from scheduling.engine.cycle import Cycle
from scheduling.engine.fair_share import Claim, divide
from scheduling.engine.shares import divide_again, divide_pool
from scheduling.engine.types import Snapshot
from tests.examples import examples

from .builder import Pool
from .clusters import clusters


def claim(asked: int, *, quota: int | None = 0, rank: int = 0, weight: int = 2000, age: int = 0) -> Claim:
    return Claim(quota, asked, rank, weight, (-age, 0))


@dataclass(frozen=True)
class Case:
    name: str
    amount: int
    claims: list[Claim]
    shares: list[int]


CASES = [
    Case("quota first", 10, [claim(9, quota=6), claim(9, quota=4)], [6, 4]),
    Case("quota that is not asked for is spare", 10, [claim(2, quota=6), claim(9, quota=4)], [2, 8]),
    Case("equal weights", 10, [claim(9), claim(9)], [5, 5]),
    Case("by weight", 10, [claim(9, weight=1000), claim(9, weight=4000)], [2, 8]),
    Case("what one does not need goes round again", 12, [claim(2), claim(12), claim(12)], [2, 5, 5]),
    Case("weight 0 gets nothing above quota", 10, [claim(9, weight=0, quota=1), claim(4)], [1, 4]),
    Case("higher rank first", 10, [claim(7, rank=1), claim(9, rank=0)], [7, 3]),
    Case("rank does not touch quota", 10, [claim(20, rank=1), claim(9, quota=4)], [6, 4]),
    Case("rounding goes to who lost most", 10, [claim(9, weight=1000), claim(9, weight=2000)], [3, 7]),
    Case("then to the older", 5, [claim(5), claim(5, age=1), claim(5, age=2)], [1, 2, 2]),
    Case("rounding goes on to lower ranks", 5, [*[claim(5, rank=1)] * 3, claim(1)], [2, 1, 1, 1]),
    Case("quotas above what there is are not scaled", 4, [claim(9, quota=4), claim(9, quota=4)], [4, 4]),
    Case("no quota bound: everything there is", 8, [claim(20, quota=None), claim(5, quota=0)], [8, 0]),
    Case("nothing to give", 0, [claim(3), claim(4)], [0, 0]),
    Case("nobody", 7, [], []),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_divide(case: Case) -> None:
    assert divide(case.amount, case.claims) == case.shares


claims = st.builds(
    claim,
    asked=st.integers(0, 60),
    quota=st.integers(0, 12),
    rank=st.integers(0, 2),
    weight=st.sampled_from([0, 1000, 2000, 3000, 7000]),
    age=st.integers(0, 3),
)


@given(st.integers(0, 100), st.lists(claims, min_size=1, max_size=7), st.sampled_from([1, 5]))
@examples(400)
def test_division_is_exact_and_respects_quota_and_rank(amount: int, siblings: list[Claim], grain: int) -> None:
    shares = divide(amount, siblings, grain=grain)
    guaranteed = [min(sibling.quota or 0, sibling.asked) for sibling in siblings]
    assert all(
        low <= share < sibling.asked + grain for low, share, sibling in zip(guaranteed, shares, siblings, strict=True)
    )
    hungry = [
        sibling for share, sibling in zip(shares, siblings, strict=True) if share < sibling.asked and sibling.weight
    ]
    if hungry:
        assert sum(shares) == max(amount, sum(guaranteed))
        highest = max(sibling.rank for sibling in hungry)
        below = [index for index, sibling in enumerate(siblings) if sibling.rank < highest]
        rounding = grain * sum(sibling.rank >= highest for sibling in siblings)
        assert sum(shares[index] - guaranteed[index] for index in below) < rounding


@given(st.integers(0, 10**15), st.lists(st.integers(1, 9000), min_size=1, max_size=6))
@examples(200)
def test_spare_is_within_one_unit_of_the_exact_part_by_weight(amount: int, weights: list[int]) -> None:
    shares = divide(amount, [claim(amount, weight=weight) for weight in weights])
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - amount * weight) < sum(weights)


def test_children_divide_the_fair_share_of_their_parent() -> None:
    pool = Pool().node("n", 12).unit("red", 8).unit("blue", 4)
    pool.unit("r1", 2, "red").unit("r2", 2, "red").unit("b1", 4, "blue")
    pool.work("x", "r1", pods=9, minimum=1).work("y", "r2", pods=3, minimum=1).work("z", "b1", pods=9, minimum=1)
    assert pool.decide().fair == {"red": 8, "r1": 5, "r2": 3, "blue": 4, "b1": 4}


def test_what_a_child_may_not_have_does_not_count_for_its_department() -> None:
    pool = Pool().node("n", 12).unit("red", 0).unit("blue", 0)
    pool.unit("capped", 0, "red", limit=1).unit("shut", 0, "red", over_quota=False).unit("b1", 0, "blue")
    for project in ("capped", "shut", "b1"):
        pool.work(f"of-{project}", project, pods=20, minimum=1)
    pool.work("cpu-of-shut", "shut", 0, cores=1)
    outcome = pool.decide()
    assert outcome.fair == {"red": 1, "capped": 1, "shut": 0, "blue": 11, "b1": 11}
    assert not any(share.fair_share.cpu_millicores for share in outcome.decisions.shares)


def test_over_quota_off_caps_the_fair_share_at_the_quota() -> None:
    pool = Pool().node("n", 12).unit("strict", 3, over_quota=False).unit("open", 3)
    pool.work("x", "strict", pods=9, minimum=1).work("y", "open", pods=12, minimum=1)
    assert pool.decide().fair == {"strict": 3, "open": 9}


def test_only_nodes_that_take_new_work_are_divided() -> None:
    pool = Pool().node("up", 4).node("down", 4, ready=False).unit("a", 0).work("x", "a", pods=9, minimum=1)
    assert pool.decide().fair == {"a": 4}


def test_spare_gpus_are_whole_devices_and_none_is_lost() -> None:
    pool = Pool().node("n", 5)
    for name in ("a", "b", "c"):
        pool.unit(name).work(f"of-{name}", name, pods=5, minimum=1)
    assert pool.decide().fair == {"a": 2, "b": 2, "c": 1}


def test_a_quota_of_parts_stays_as_it_is() -> None:
    pool = Pool().node("n", 2).unit("a", 0.5).unit("b", 0.25)
    pool.work("x", "a", pods=4, minimum=1).work("y", "b", 1, milli=250, pods=2, minimum=1)
    assert pool.decide().fair == {"a": 1.5, "b": 0.5}


@given(clusters(), st.data())
@examples(100)
def test_dividing_again_is_dividing_anew(snapshot: Snapshot, data: st.DataObject) -> None:
    cycle = Cycle(snapshot, Options())
    leaf = data.draw(st.sampled_from([account for account in cycle.accounts if not account.children]))
    first = _parts(cycle)
    for account in leaf.path:
        account.requested[0] += data.draw(st.integers(0, 9)) * 500
        account.quota[0] += data.draw(st.sampled_from([0, 0, 1000]))
    before = divide_again(cycle.tops, leaf.path, cycle.capacity, snapshot.usage_weight_milli)
    again = _parts(cycle)
    divide_pool(cycle.accounts, cycle.capacity, snapshot.usage_weight_milli)
    assert again == _parts(cycle)
    changed = {was.account for was in before}
    assert all(account in changed for account, old, new in zip(cycle.accounts, first, again, strict=True) if old != new)


@given(clusters(), st.data())
@examples(50)
def test_dividing_again_is_taken_back(snapshot: Snapshot, data: st.DataObject) -> None:
    cycle = Cycle(snapshot, Options())
    leaf = data.draw(st.sampled_from([account for account in cycle.accounts if not account.children]))
    first = _parts(cycle)
    leaf.requested[0] += 5000
    for was in divide_again(cycle.tops, leaf.path, cycle.capacity, snapshot.usage_weight_milli):
        was.restore()
    assert _parts(cycle) == first


def _parts(cycle: Cycle) -> list[tuple[list[int], ...]]:
    return [
        (list(one.usable), list(one.fair), list(one.entitled), list(one.whole), list(one.thousandths))
        for one in cycle.accounts
    ]
