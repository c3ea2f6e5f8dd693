"""What Submit answers, held against the engine: for generated clusters, what starts "now" is started in the next cycle
in nearly all cases, and what "never" starts never is. Made from what the loop publishes of each cycle."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from quotas.models import PoolSummary
from scheduling.asking import Ask, FreeNodes, Room, Standing
from scheduling.engine import decide
from scheduling.engine.aftermath import after
from scheduling.engine.decisions import Decisions
from scheduling.engine.types import (
    Amounts,
    Near,
    Operator,
    Pod,
    Request,
    Requirement,
    Snapshot,
    SubGroup,
    Toleration,
    Workload,
)
from scheduling.forecast import Outcome, forecast
from scheduling.loops.cycle import Cycle
from scheduling.loops.summary import summary_values
from scheduling.loops.usage import beyond_quota
from scheduling.selectors.standing import room_of
from tests.examples import examples

from .engine.builder import CORE, GIB, MINUTE
from .engine.clusters import clusters
from .engine.simulator import advance
from .engine.test_properties import arriving

NEW = 10**6
RIGHT = 0.95
"""So often at least what is said to start now does. The others: work that waits before it takes the room, or its pods
would have to be put in another order."""


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    wishes = draw(st.sampled_from([{}, {}, {}, {"node_labels": {"kind": "x"}}, {"tolerations": (Toleration("only"),)}]))
    devices = draw(st.sampled_from([0, 1, 1, 1, 2, 4, 16]))
    milli = draw(st.sampled_from([1000, 1000, 500, 300])) if devices == 1 else 1000
    memory_mib = draw(st.sampled_from([0, 0, 0, 6000])) if devices == 1 and milli == 1000 else 0
    cores, memory = draw(st.sampled_from([1, 1, 4])) * CORE, draw(st.sampled_from([1, 1, 16])) * GIB
    request = Request(devices, milli, cores, memory, memory_mib)
    pods = draw(st.sampled_from([1, 1, 2, 4]))
    return Ask(
        request, pods, pods, draw(st.booleans()), level=draw(st.sampled_from(["", "", "", "rack", "zone"])), **wishes
    )


def chain(snapshot: Snapshot, decisions: Decisions, project: int) -> list[Standing]:
    shares = {share.unit: share for share in decisions.shares}
    beyond = beyond_quota(Cycle(1, timezone.now(), snapshot, decisions))
    units = {unit.id: unit for unit in snapshot.units}
    found, at = [], units.get(project)
    while at is not None:
        share = shares[at.id]
        found.append(
            Standing(
                at.id,
                at.name,
                at.quota,
                at.limit,
                at.over_quota,
                at.blocked,
                share.allocated,
                share.allocated_non_preemptible,
                share.fair_share,
                beyond.get(at.id, (0,))[0] if found else 0,
            )
        )
        at = units.get(at.parent) if at.parent else None
    return found


def published(snapshot: Snapshot, decisions: Decisions, ask: Ask) -> Room:
    """As the loop says it, and the rows of nodes."""
    nodes = snapshot.nodes
    summary = PoolSummary(**summary_values(Cycle(1, timezone.now(), snapshot, decisions)))
    kinds = {
        node.id: FreeNodes(labels=node.labels, taints=node.taints, device_memory_mib=node.device_memory_mib)
        for node in nodes
    }
    largest = Amounts(*(max(node.capacity[index] for node in nodes) for index in range(3)))
    memory = max((node.device_memory_mib for node in nodes if node.devices), default=0)
    matching = sum(ask.node_labels.items() <= dict(node.labels).items() for node in nodes)
    return replace(room_of(summary, kinds, len(nodes), largest, memory), matching_nodes=matching)


def joined(snapshot: Snapshot, ask: Ask, project: int) -> Snapshot:
    pods = tuple(Pod(NEW + number) for number in range(ask.pods))
    near = Near(1, ask.level) if ask.level else None
    wishes = tuple(Requirement(key, Operator.IN, (value,)) for key, value in ask.node_labels.items())
    request = replace(ask.request, nodes=(wishes,) if wishes else (), tolerations=ask.tolerations)
    group = SubGroup(NEW, request, ask.min_members, pods)
    created = snapshot.now_ms - MINUTE
    new = Workload(NEW, project, "new", 50, ask.preemptible, created, (group,), near=near)
    return replace(snapshot, workloads=(*snapshot.workloads, new))


def tally(whole: Snapshot, first: int, cycles: int, ask: Ask, at: int, found: Counter[str]) -> None:
    snapshot = arriving(whole, first)
    for _ in range(cycles):
        snapshot = advance(snapshot, decide(snapshot))
    decisions = decide(snapshot)
    projects = sorted({workload.unit for workload in whole.workloads})
    project = projects[at % len(projects)]
    room = published(snapshot, decisions, ask)
    said = forecast(ask, chain(snapshot, decisions, project), room).outcome
    made = decide(joined(after(snapshot, decisions), ask, project))
    starts = any(place.workload == NEW for place in made.places)
    found[f"{said.name} {'starts' if starts else 'waits'}"] += 1
    assert not (said is Outcome.NEVER and starts), "what never starts has started"
    assert said is not Outcome.NOT_KNOWN, "everything is published of so few nodes"


def test_now_is_now_and_never_is_never() -> None:
    found: Counter[str] = Counter()

    @given(clusters(rich=True), st.integers(0, 10), st.integers(0, 2), asks(), st.integers(0, 8))
    @examples(80)
    def run(whole: Snapshot, first: int, cycles: int, ask: Ask, at: int) -> None:
        tally(whole, first, cycles, ask, at, found)

    run()
    print(dict(sorted(found.items())))
    now = found["NOW starts"] + found["NOW waits"]
    others = sum(count for name, count in found.items() if name.endswith(" starts")) - found["NOW starts"]
    assert now >= 10
    assert found["NOW starts"] >= RIGHT * now
    assert others <= (1 - RIGHT) * sum(found.values()), "what starts is said to"
