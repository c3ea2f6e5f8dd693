"""What must hold of any pool, tried on generated ones."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduling.engine import decide
from scheduling.engine.types import PodState, Snapshot, Unit
from tests.examples import examples

from .builder import GPU
from .clusters import clusters, plain_clusters
from .invariants import check
from .simulator import advance, pods, settle

MOST_CYCLES = 60
"""Far more than any of the generated clusters needs to come to rest."""


def arriving(snapshot: Snapshot, first: int) -> Snapshot:
    """Only the first workloads of the cluster, so that the others find it in use."""
    return replace(snapshot, workloads=snapshot.workloads[:first])


def joined(running: Snapshot, whole: Snapshot) -> Snapshot:
    late = whole.workloads[len(running.workloads) :]
    return replace(running, workloads=(*running.workloads, *late))


@given(clusters(), st.integers(0, 14), st.integers(0, 3))
@examples(250)
def test_every_cycle_keeps_the_invariants_and_steady_demand_comes_to_rest(
    whole: Snapshot, first: int, early_cycles: int
) -> None:
    snapshot = arriving(whole, first)
    for _ in range(early_cycles):
        decisions = decide(snapshot)
        check(snapshot, decisions)
        snapshot = advance(snapshot, decisions)
    snapshot = joined(snapshot, whole)
    quiet = 0
    for _ in range(MOST_CYCLES):
        decisions = decide(snapshot)
        check(snapshot, decisions)
        acted = decisions.places or decisions.reserves or decisions.evicts
        stopping = any(pod.state is PodState.RELEASING for pod in pods(snapshot))
        protected = snapshot.min_runtime_ms // 1000 + 1
        quiet = 0 if acted or stopping else quiet + 1
        if quiet > protected:
            return
        snapshot = advance(snapshot, decisions)
    raise AssertionError(f"No rest after {MOST_CYCLES} cycles.")


@given(plain_clusters(), st.integers(0, 24))
@examples(150)
def test_at_rest_every_unit_has_its_quota_and_the_spare_goes_by_fair_share(whole: Snapshot, first: int) -> None:
    running, _, _ = settle(arriving(whole, first), MOST_CYCLES)
    _, decisions, _ = settle(joined(running, whole), MOST_CYCLES)
    for share in decisions.shares:
        held = share.allocated.gpu_milli
        assert held >= min(share.quota.gpu_milli, share.requested.gpu_milli)
        assert held == share.fair_share.gpu_milli
    capacity = sum(node.capacity.gpu_milli for node in whole.nodes)
    asked = len(whole.workloads) * GPU
    departments = {unit.id for unit in whole.units if unit.parent is None}
    total = sum(share.allocated.gpu_milli for share in decisions.shares if share.unit in departments)
    assert total == min(asked, capacity)


@given(clusters(), st.integers(0, 14))
@examples(60)
def test_deciding_changes_nothing_and_repeats_itself(whole: Snapshot, first: int) -> None:
    early = arriving(whole, first)
    snapshot = joined(advance(early, decide(early)), whole)
    assert decide(snapshot) == decide(snapshot)


@given(clusters(), st.integers(0, 14))
@examples(60)
def test_a_limit_lowered_under_way_is_a_finding_and_not_made_worse(whole: Snapshot, first: int) -> None:
    early = arriving(whole, first)
    running = advance(early, decide(early))

    def cut(unit: Unit) -> Unit:
        return replace(unit, limit=unit.limit._replace(gpu_milli=GPU), quota=unit.quota._replace(gpu_milli=0))

    snapshot = replace(joined(running, whole), units=tuple(map(cut, running.units)))
    before = {share.unit: share.allocated.gpu_milli for share in decide(replace(snapshot, nodes=())).shares}
    for share in decide(snapshot).shares:
        assert share.allocated.gpu_milli <= max(GPU, before[share.unit])
