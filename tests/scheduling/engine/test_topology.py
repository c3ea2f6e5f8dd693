"""Pods that belong together lie in one domain of the level that they ask for."""

from __future__ import annotations

from dataclasses import replace

from scheduling.engine import decide
from scheduling.engine.types import Near, Snapshot, SubGroup, SubGroupSet, Topology

from .builder import Pool, named

LEVELS = Topology(1, ("zone", "rack"))
RACKS = {"a1": ("east", "a"), "a2": ("east", "a"), "b1": ("east", "b"), "b2": ("east", "b"), "c1": ("west", "c")}


def pool(gpus: int = 2, **used: int) -> Pool:
    """Nodes in racks a and b of the zone east and in c of west; `used`: GPUs taken by name of node."""
    built = Pool(topologies=(LEVELS,))
    for name, (zone, rack) in RACKS.items():
        built.node(name, gpus)
        built.nodes[-1] = replace(built.nodes[-1], labels=(("rack", rack), ("zone", zone)))
    built.unit("a", 100)
    for node, taken in used.items():
        built.work(f"on-{node}", "a", taken, on=node, preemptible=False)
    return built


def near(snapshot: Snapshot, name: str, *, required: str | None = None, preferred: str | None = None) -> Snapshot:
    wish = Near(1, required, preferred)
    workloads = tuple(replace(item, near=wish) if item.name == name else item for item in snapshot.workloads)
    return replace(snapshot, workloads=workloads)


def test_a_required_level_keeps_a_gang_in_one_domain() -> None:
    built = pool(a1=2).work("gang", "a", 2, pods=2)
    assert sorted(named(built.snapshot()).placed["gang"]) == ["a2", "b1"]
    assert sorted(named(near(built.snapshot(), "gang", required="rack")).placed["gang"]) == ["b1", "b2"]


def test_the_fullest_domain_that_fits_is_taken() -> None:
    built = pool(4, a1=2, a2=2).work("gang", "a", 2, pods=2)
    assert sorted(named(near(built.snapshot(), "gang", required="rack")).placed["gang"]) == ["a1", "a2"]


def test_no_domain_is_large_enough() -> None:
    built = pool().work("gang", "a", 2, pods=3)
    outcome = named(near(built.snapshot(), "gang", required="rack"))
    assert outcome.placed == {}
    numbers = {"level": "rack", "pods": 3, "slots": 2, "domains": 3}
    assert outcome.reason("gang") == ("topology", numbers)


def test_a_preferred_level_is_given_up_for_a_wider_one() -> None:
    built = pool().work("gang", "a", 2, pods=3)
    assert len(named(near(built.snapshot(), "gang", preferred="rack")).placed["gang"]) == 3
    outcome = named(near(built.snapshot(), "gang", required="zone", preferred="rack"))
    assert set(outcome.placed["gang"]) <= {"a1", "a2", "b1", "b2"}


def test_who_grows_stays_in_its_domain() -> None:
    built = pool(b1=1).work("elastic", "a", 1, pods=3, minimum=1, on=["b1"])
    outcome = named(near(built.snapshot(), "elastic", required="rack"))
    assert set(outcome.placed["elastic"]) == {"b2"}


def test_each_set_of_a_workload_has_a_domain_of_its_own() -> None:
    """Two replicas of two groups, each replica in one rack, all in one zone."""
    built = pool().work("job", "a", 2, pods=1)
    for _ in range(3):
        built.group("job", 2, pods=1)
    job = built.workloads["job"]
    rack = Near(1, "rack")
    groups = tuple(replace(group, id=number, parent=1 + number // 2) for number, group in enumerate(job.sub_groups))
    sets = (SubGroupSet(1, "first", near=rack), SubGroupSet(2, "second", near=rack))
    built.workloads["job"] = replace(job, sub_groups=groups, sets=sets, near=Near(1, "zone"))
    snapshot = built.snapshot()
    racks = {place.pod: RACKS[snapshot.nodes[place.node - 1].name][1] for place in decide(snapshot).places}
    by_set = [{racks[pod.id] for group in pair for pod in group.pods} for pair in _pairs(groups)]
    assert sorted(map(sorted, by_set)) == [["a"], ["b"]]


def _pairs(groups: tuple[SubGroup, ...]) -> list[tuple[SubGroup, ...]]:
    return [groups[:2], groups[2:]]


def test_a_gang_is_reclaimed_for_inside_one_domain() -> None:
    built = pool().unit("b", 0)
    for node in RACKS:
        built.work(f"run-{node}", "b", 2, on=node)
    built.work("gang", "a", 2, pods=2)
    outcome = named(near(built.snapshot(), "gang", required="rack"))
    assert len(outcome.evicted) == 2
    assert {RACKS[node][1] for node in outcome.reserved["gang"]} in ({"a"}, {"b"})
