"""What was tried for a waiting workload, and that each remedy is enough and asks for no more than it must."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.engine import Options, decide
from scheduling.engine.aftermath import after
from scheduling.engine.alone import Step, find, long, way
from scheduling.engine.cycle import Cycle
from scheduling.engine.decisions import EvictCode, WaitCode
from scheduling.engine.explain import Attempt, Explainer, Explanation, explain, settled
from scheduling.engine.obstacles import Obstacle
from scheduling.engine.remedies import Remedy, RemedyCode, apply
from scheduling.engine.types import (
    NODE_NAME,
    Bounds,
    Near,
    Operator,
    PodState,
    Requirement,
    Snapshot,
    Topology,
)
from tests.examples import examples

from .builder import MINUTE, NOW, Pool
from .clusters import clusters
from .simulator import advance
from .test_properties import arriving, joined
from .weaker import weaker

PATIENCE = 1000
"""In small pools no search needs to be cut short."""


def gets_place(snapshot: Snapshot, workload: int) -> bool:
    """In a cycle of its own of this state, tried alone."""
    cycle = Cycle(snapshot, Options())
    return way(cycle, find(cycle, workload), patience=PATIENCE).step is not None


def state_of(cycle: Cycle) -> object:
    accounts = [
        (one.unit, *map(tuple, (one.held, one.fair, one.entitled, one.requested, one.usable, one.quota, one.ceiling)))
        for one in cycle.accounts
    ]
    tasks = [(task.state, task.node, task.kept, task.kind.index) for job in cycle.jobs for task in job.tasks]
    jobs = [(job.preemptible, job.asked, job.key, [task.pod.id for task in job.chunk]) for job in cycle.jobs]
    later = cycle.nodes.later
    return accounts, tasks, jobs, later.devices, later.cpu, later.memory, later.bits, cycle.ledger.changes


def check(snapshot: Snapshot, workload: int, explanation: Explanation) -> None:
    assert (explanation.succeeds is not None) == gets_place(snapshot, workload)
    for remedy in explanation.remedies:
        assert remedy.is_least
        assert gets_place(apply(snapshot, remedy), workload), remedy
        for less in weaker(remedy, snapshot.topologies):
            assert not gets_place(apply(snapshot, less), workload), (remedy, less)


def units_in(explanation: Explanation) -> set[int]:
    named = {int(attempt.numbers["unit"]) for attempt in explanation.attempts if "unit" in attempt.numbers}
    for remedy in explanation.remedies:
        named |= {item.unit for item in remedy.raises} | set(remedy.units)
    return named


def path_of(snapshot: Snapshot, workload: int) -> set[int]:
    parents = {unit.id: unit.parent for unit in snapshot.units}
    unit: int | None = next(one.unit for one in snapshot.workloads if one.id == workload)
    found = set()
    while unit is not None:
        found.add(unit)
        unit = parents[unit]
    return found


@given(st.booleans().flatmap(lambda rich: clusters(rich=rich)), st.integers(0, 10), st.integers(0, 2))
@examples(60)
def test_each_remedy_is_enough_and_one_unit_less_is_not(whole: Snapshot, first: int, early_cycles: int) -> None:
    snapshot = arriving(whole, first)
    for _ in range(early_cycles):
        snapshot = advance(snapshot, decide(snapshot))
    snapshot = joined(snapshot, whole)
    decisions = decide(snapshot)
    rest = after(snapshot, decisions)
    cycle = Cycle(rest, Options())
    before = state_of(cycle)
    explainer = Explainer(cycle, PATIENCE)
    for wait in decisions.waits:
        explanation = explainer.explain(wait.workload)
        check(rest, wait.workload, explanation)
        assert units_in(explanation) <= path_of(rest, wait.workload), "it names units that its reader may not see"
    assert repr(state_of(cycle)) == repr(before)


def alone(snapshot: Snapshot, workload: int) -> Snapshot | None:
    """Without the other workloads that wait; None where one of them runs in part."""
    others = {job.workload.id for job in Cycle(snapshot, Options()).jobs if job.chunk and job.workload.id != workload}
    left = tuple(one for one in snapshot.workloads if one.id not in others)
    gone = [one for one in snapshot.workloads if one.id in others]
    runs = any(pod.state is not PodState.PENDING for one in gone for group in one.sub_groups for pod in group.pods)
    return None if runs else replace(snapshot, workloads=left)


def is_decided_for(snapshot: Snapshot, workload: int) -> bool:
    decisions = decide(snapshot)
    return any(item.workload == workload for item in (*decisions.places, *decisions.reserves))


@given(clusters(), st.integers(0, 10))
@examples(60)
def test_where_nothing_else_waits_the_next_cycle_agrees(whole: Snapshot, first: int) -> None:
    early = arriving(whole, first)
    snapshot = joined(advance(early, decide(early)), whole)
    decisions = decide(snapshot)
    for wait in decisions.waits[:3]:
        rest = alone(after(snapshot, decisions), wait.workload)
        if rest is None:
            continue
        explanation = Explainer(Cycle(rest, Options()), PATIENCE).explain(wait.workload)
        if explanation.pods:
            assert is_decided_for(rest, wait.workload) == (explanation.succeeds is not None)
        for remedy in explanation.remedies:
            assert is_decided_for(apply(rest, remedy), wait.workload), remedy
            for less in weaker(remedy, rest.topologies):
                assert not is_decided_for(apply(rest, less), wait.workload), (remedy, less)


def said(pool: Pool, workload: str, **options: object) -> Explanation:
    """Of the state that the next cycle leaves; and every remedy in it is checked."""
    chosen = Options(**options)
    cycle = settled(pool.snapshot(), chosen)
    explanation = Explainer(cycle, PATIENCE).explain(pool.workloads[workload].id)
    if chosen == Options():
        check(cycle.snapshot, explanation.workload, explanation)
    return explanation


def codes(explanation: Explanation) -> dict[str, str]:
    return {attempt.step.value: attempt.code.value for attempt in explanation.attempts}


def numbers(explanation: Explanation, step: Step) -> dict[str, int | str]:
    return next(attempt.numbers for attempt in explanation.attempts if attempt.step is step)


def remedies(explanation: Explanation) -> dict[str, object]:
    return {one.code.value: one.numbers or by_unit(one) or one.units or True for one in explanation.remedies}


def by_unit(remedy: Remedy) -> dict[tuple[int, str], int]:
    return {(item.unit, item.resource): item.by for item in remedy.raises}


def test_what_runs_or_starts_needs_no_explanation() -> None:
    pool = Pool().node("n", 4).unit("a", 4).work("runs", "a", 1, on="n").work("starts", "a", 1)
    assert said(pool, "runs") == Explanation(1, 0, ())
    assert said(pool, "starts") == Explanation(2, 0, ())
    early = Explainer(Cycle(pool.snapshot(), Options())).explain(2)
    assert early == Explanation(2, 1, (), Step.START)
    with pytest.raises(KeyError):
        explain(pool.snapshot(), 99)


def test_what_concerns_only_the_workload() -> None:
    pool = Pool().node("n", 4).unit("a", 4).work("backs", "a", 1).work("lacks", "a", 1, pods=2, minimum=3)
    pool.workloads["backs"] = replace(pool.workloads["backs"], backs_off_until_ms=NOW + MINUTE)
    explanation = said(pool, "backs")
    assert explanation.attempts == (Attempt(Step.START, WaitCode.BACKING_OFF, {"until_ms": NOW + MINUTE}),)
    assert explanation.remedies == ()
    explanation = said(pool, "lacks")
    assert explanation.attempts == (Attempt(Step.START, WaitCode.INCOMPLETE, {"pods": 2, "minimum": 3}),)
    assert remedies(explanation) == {"smaller_minimum": {"pods": 2, "instead_of": 3}}
    pool = Pool().node("n", 2).unit("a", 2).unit("b").work("r", "b", 2, on="n").work("x", "a", 1)
    explanation = said(pool, "x")
    assert explanation.attempts == (Attempt(Step.START, WaitCode.ROOM_RESERVED, {"nodes": 1, "pods": 1}),)


def test_a_limit_in_the_way_of_every_step() -> None:
    pool = Pool().node("n", 8).unit("d", 8, limit=5).unit("a", 8, "d", limit=4).work("r", "a", 4, on="n")
    explanation = said(pool.work("x", "a", 3), "x")
    assert codes(explanation) == {
        "start": "over_limit",
        "consolidate": "over_limit",
        "reclaim": "over_limit",
        "preempt": "no_lower_priority",
    }
    assert numbers(explanation, Step.START)["unit"] == pool.units["a"].id
    assert numbers(explanation, Step.PREEMPT) == {"priority": 50, "workloads": 1, "lowest": 50}
    assert remedies(explanation) == {"limit": {(2, "gpu_milli"): 3000, (1, "gpu_milli"): 2000}}


def test_fewer_gpus_a_pod_or_fewer_pods_fit_under_a_limit() -> None:
    pool = Pool().node("n", 8).unit("a", 8, limit=5).work("x", "a", 2, pods=4)
    explanation = said(pool, "x")
    assert remedies(explanation) == {
        "smaller_minimum": {"pods": 2, "instead_of": 4},
        "fewer_devices": {"devices": 1, "instead_of": 2},
        "limit": {(1, "gpu_milli"): 3000},
    }


def test_shares_of_a_device_raise_a_limit_by_the_thousandth() -> None:
    pool = Pool().node("n", 8).unit("a", 8, limit=1).work("r", "a", 1, milli=800, on="n")
    assert remedies(said(pool.work("x", "a", 1, milli=300), "x")) == {"limit": {(1, "gpu_milli"): 100}}


def test_over_quota_off_at_two_levels() -> None:
    pool = Pool().node("n", 8).unit("d", 2, over_quota=False).unit("a", 1, "d", over_quota=False)
    explanation = said(pool.work("x", "a", 4), "x")
    assert codes(explanation)["start"] == codes(explanation)["reclaim"] == "over_quota_off"
    assert remedies(explanation) == {
        "fewer_devices": {"devices": 1, "instead_of": 4},
        "over_quota": (2, 1),
        "quota": {(2, "gpu_milli"): 3000, (1, "gpu_milli"): 2000},
    }


def test_work_that_may_not_be_stopped_stays_inside_quota() -> None:
    pool = Pool().node("n", 8).unit("d", 8).unit("a", 2, "d").work("x", "a", 3, preemptible=False)
    explanation = said(pool, "x")
    assert set(codes(explanation).values()) == {"non_preemptible_over_quota"}
    assert remedies(explanation) == {
        "preemptible": True,
        "fewer_devices": {"devices": 2, "instead_of": 3},
        "quota": {(2, "gpu_milli"): 1000},
    }


def test_a_blocked_unit() -> None:
    pool = Pool().node("n", 8).unit("a", 0, over_quota=False, quota_cores=0).work("x", "a", 1)
    pool.units["a"] = replace(pool.units["a"], quota=Bounds(0, 0, 0))
    pool.workloads["x"] = replace(pool.workloads["x"], unit=1)
    explanation = said(pool, "x")
    assert set(codes(explanation).values()) == {"blocked"}
    assert remedies(explanation) == {"over_quota": (1,), "quota": {(1, "gpu_milli"): 1000}}


def test_beyond_its_fair_share_it_has_no_claim_and_quota_gives_it_one() -> None:
    pool = Pool().node("n", 8).unit("a", 1, weight_milli=0).unit("b", 1)
    pool.work("mine", "a", 1, on="n").work("theirs", "b", 1, pods=7, minimum=1, on=["n"] * 7)
    explanation = said(pool.work("x", "a", 1), "x")
    assert codes(explanation)["reclaim"] == "above_fair_share"
    figures = numbers(explanation, Step.RECLAIM)
    assert (figures["unit"], figures["allocated"], figures["requested"]) == (1, 1000, 1000)
    assert remedies(explanation) == {"quota": {(1, "gpu_milli"): 1000}}


def test_consolidation_needs_enough_in_sum_preemptible_work_and_a_pool_that_packs() -> None:
    pool = Pool().node("n1", 4).node("n2", 4).unit("a", 8)
    pool.work("r1", "a", 3, on="n1", preemptible=False).work("r2", "a", 1, on="n2", preemptible=False)
    assert codes(said(pool.work("x", "a", 4), "x"))["consolidate"] == "not_movable"
    assert codes(said(pool.work("y", "a", 5, pods=1), "y"))["consolidate"] == "never_fits"
    assert codes(said(pool.work("z", "a", 4, pods=2), "z"))["consolidate"] == "too_little_free"
    assert codes(said(pool.work("v", "a", 4, preemptible=False), "v"))["consolidate"] == "not_preemptible"
    assert codes(said(pool.spread(), "x"))["consolidate"] == "spreads"
    assert codes(said(pool, "x", actions=("allocate",)))["reclaim"] == "switched_off"


def test_nobody_to_take_from_or_too_little_or_not_in_one_place() -> None:
    pool = Pool().node("n1", 4).node("n2", 4).unit("a", 8).unit("b", 0)
    pool.work("fixed", "a", 4, on="n1", preemptible=False).work("r", "a", 4, on="n2", preemptible=False)
    pool.unit("c", 8)
    assert codes(said(pool.work("x", "c", 1), "x"))["reclaim"] == "nobody_above"
    pool = Pool().node("n1", 4).node("n2", 4).unit("a", 8).unit("b", 2)
    for node in ("n1", "n2"):
        pool.work(f"fixed {node}", "b", 1, on=node, preemptible=False).work(node, "b", 3, on=node)
    explanation = said(pool.work("x", "a", 4), "x")
    assert codes(explanation)["reclaim"] == "not_together"
    figures = {"resource": "gpu_milli", "requested": 4000, "free": 0, "units": 1, "above": 6000}
    assert numbers(explanation, Step.RECLAIM) == figures
    pool = Pool().node("n", 8).unit("a", 8).unit("b", 6)
    explanation = said(pool.work("r", "b", 1, pods=7, minimum=1, on=["n"] * 7).work("x", "a", 4), "x")
    assert codes(explanation)["reclaim"] == "too_little_above"
    figures = {"resource": "gpu_milli", "requested": 4000, "free": 1000, "units": 1, "above": 1000}
    assert numbers(explanation, Step.RECLAIM) == figures
    assert remedies(explanation) == {"fewer_devices": {"devices": 2, "instead_of": 4}}


def test_more_would_be_disturbed_than_the_pool_lets_for_more_than_quota() -> None:
    pool = Pool(disruptions_per_workload=2).node("n", 8).unit("a", 0).unit("b", 0)
    for number in range(8):
        pool.work(f"r{number}", "a", 1, on="n")
    explanation = said(pool.work("x", "b", 3), "x")
    assert codes(explanation)["reclaim"] == "too_disruptive"
    assert numbers(explanation, Step.RECLAIM) == {"pods": 3, "most": 2}
    assert remedies(explanation)["quota"] == {(2, "gpu_milli"): 3000}


def test_disruption_budgets_hold_victims_back_until() -> None:
    pool = Pool(disruption_budget_delay_ms=200 * MINUTE).node("n", 1).unit("a", 0).unit("b", 1).unit("c", 0)
    pool.work("r", "a", 1, on="n", disruptions_allowed=0).work("x", "b", 1).work("y", "c", 1)
    explanation = said(pool, "x")
    assert codes(explanation)["reclaim"] == "disruption_budget"
    created = NOW - 99 * MINUTE
    assert numbers(explanation, Step.RECLAIM) == {"workloads": 1, "until_ms": created + 200 * MINUTE}


def test_preemption_takes_only_what_is_lower_and_enough() -> None:
    pool = Pool().node("n", 4).unit("a", 4)
    pool.work("fixed", "a", 3, on="n", preemptible=False).work("low", "a", 1, on="n", priority=10)
    explanation = said(pool.work("x", "a", 2), "x")
    assert codes(explanation)["preempt"] == "too_little_below"
    assert numbers(explanation, Step.PREEMPT)["below"] == 1000
    assert remedies(explanation) == {"fewer_devices": {"devices": 1, "instead_of": 2}}


def test_the_minimum_runtime_protects_until() -> None:
    pool = Pool(min_runtime_ms=10 * MINUTE).node("n", 2).unit("a", 2).unit("b", 0)
    pool.work("old", "b", 1, on="n", started_ago_ms=7 * MINUTE).work("new", "b", 1, on="n", started_ago_ms=MINUTE)
    explanation = said(pool.work("x", "a", 2), "x")
    assert codes(explanation)["reclaim"] == "protected"
    assert numbers(explanation, Step.RECLAIM) == {"workloads": 2, "until_ms": NOW + 9 * MINUTE}
    explanation = said(pool.work("y", "a", 1), "y")
    assert numbers(explanation, Step.RECLAIM)["workloads"] == 1
    pool = Pool(min_runtime_ms=10 * MINUTE).node("n", 1).unit("a", 2)
    pool.work("low", "a", 1, on="n", started_ago_ms=4 * MINUTE, priority=10).work("x", "a", 1)
    assert numbers(said(pool, "x"), Step.PREEMPT) == {"workloads": 1, "until_ms": NOW + 6 * MINUTE}


def test_the_preemption_delay() -> None:
    pool = Pool().node("n", 1).unit("a", 1).unit("b", 0).work("r", "b", 1, on="n").work("x", "a", 1)
    pool.workloads["x"] = replace(pool.workloads["x"], displaces_after_ms=NOW + MINUTE)
    explanation = said(pool, "x")
    assert codes(explanation)["reclaim"] == "not_yet"
    assert numbers(explanation, Step.RECLAIM) == {"until_ms": NOW + MINUTE}


def test_a_wider_level_or_no_topology() -> None:
    pool = Pool(topologies=(Topology(1, ("zone", "rack")),)).unit("a", 8)
    for name, zone, rack in (("n1", "z1", "r1"), ("n2", "z1", "r2"), ("n3", "z2", "r3")):
        pool.node(name, 2)
        pool.nodes[-1] = replace(pool.nodes[-1], labels=(("rack", rack), ("zone", zone)))
    pool.work("x", "a", 2, pods=2).work("y", "a", 2, pods=3)
    for name in ("x", "y"):
        pool.workloads[name] = replace(pool.workloads[name], near=Near(1, "rack"))
    cycle = Cycle(pool.snapshot(), Options())
    explanation = Explainer(cycle, PATIENCE).explain(pool.workloads["x"].id)
    assert numbers(explanation, Step.START) == {"level": "rack", "pods": 2, "slots": 1, "domains": 3}
    assert remedies(explanation)["wider_topology"] == {"level": "zone", "instead_of": "rack"}
    check(pool.snapshot(), explanation.workload, explanation)
    explanation = Explainer(cycle, PATIENCE).explain(pool.workloads["y"].id)
    assert remedies(explanation)["without_topology"] == {"instead_of": "rack"}
    check(pool.snapshot(), explanation.workload, explanation)


def test_without_the_node_selector() -> None:
    pool = Pool().node("n1", 2).node("n2", 2).unit("a", 8).work("r", "a", 2, on="n1", preemptible=False)
    pool.work("x", "a", 2).work("y", "a", 2)
    for name, node in (("x", "n1"), ("y", "n9")):
        group = pool.workloads[name].sub_groups[0]
        terms = ((Requirement(NODE_NAME, Operator.IN, (node,)),),)
        group = replace(group, request=replace(group.request, nodes=terms))
        pool.workloads[name] = replace(pool.workloads[name], sub_groups=(group,))
    explanation = said(pool, "x")
    assert remedies(explanation) == {"without_selector": True}
    explanation = said(pool, "y")
    assert set(codes(explanation).values()) == {"no_matching_node"}
    assert remedies(explanation) == {"without_selector": True}


def test_a_search_that_ends_early_says_so() -> None:
    pool = Pool().unit("a", 400).unit("b", 0)
    for number in range(600):
        pool.node(f"n{number}", 2).work(f"r{number}", "b", 1, on=f"n{number}").work(
            f"s{number}", "b", 1, on=f"n{number}", preemptible=False
        )
    cycle = Cycle(pool.work("x", "a", 2).snapshot(), Options())
    explanation = Explainer(cycle).explain(pool.workloads["x"].id)
    reclaim = next(attempt for attempt in explanation.attempts if attempt.step is Step.RECLAIM)
    assert reclaim.code.value == "search_ended"
    assert reclaim.numbers == {"steps": long(find(cycle, explanation.workload))}


def test_every_code_is_on_the_page_of_reasons() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reasons.md").read_text()
    for codes_of in (WaitCode, EvictCode, Step, Obstacle, RemedyCode):
        for code in codes_of:
            assert f"`{code.value}`" in page, code
