"""Generated clusters for the property tests."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from scheduling.engine.types import (
    Amounts,
    Bounds,
    Near,
    Node,
    Operator,
    Placement,
    Pod,
    PodRule,
    Request,
    Requirement,
    Snapshot,
    SubGroup,
    SubGroupSet,
    Taint,
    Toleration,
    Topology,
    Unit,
    Workload,
)

from .builder import CORE, GIB, GPU, MINUTE, NOW


def _milli(*amounts: int | None) -> st.SearchStrategy[int | None]:
    return st.sampled_from([None if amount is None else amount * GPU for amount in amounts])


def _nodes(draw: st.DrawFn, rich: bool) -> tuple[Node, ...]:
    nodes = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        gpus = draw(st.sampled_from([0, 2, 4, 8]))
        capacity = Amounts(gpus * GPU, draw(st.sampled_from([8, 32])) * CORE, draw(st.sampled_from([32, 128])) * GIB)
        ready = draw(st.sampled_from([True, True, True, False]))
        labels = (("rack", draw(st.sampled_from("abc"))), ("zone", "z"), ("kind", draw(st.sampled_from("xy"))))
        taints = draw(st.sampled_from([(), (), (), (Taint("only", "x"),)]))
        nodes.append(
            Node(
                id=number,
                name=f"n{number}",
                devices=gpus,
                capacity=capacity,
                pod_slots=draw(st.sampled_from([3, 110])),
                ready=ready,
                device_memory_mib=draw(st.sampled_from([0, 8000, 24000])) if rich else 0,
                labels=tuple(sorted(labels)) if rich else (),
                taints=taints if rich else (),
            )
        )
    return tuple(nodes)


def _unit(draw: st.DrawFn, number: int, parent: int | None) -> Unit:
    return Unit(
        id=number,
        parent=parent,
        name=f"u{number}",
        created_ms=draw(st.sampled_from([0, number * MINUTE])),
        rank=draw(st.sampled_from([0, 0, 0, 1])),
        weight_milli=draw(st.sampled_from([0, 1000, 2000, 2000, 3000])),
        quota=Bounds(draw(_milli(0, 1, 2, 4, 8)), draw(_milli(None, None, 0, 4, 16)), None),
        limit=Bounds(draw(_milli(None, None, None, 2, 8)), draw(_milli(None, None, None, 16)), None),
        over_quota=draw(st.sampled_from([True, True, True, False])),
    )


def _units(draw: st.DrawFn) -> tuple[tuple[Unit, ...], list[int]]:
    """Departments with projects, and the ids of the projects."""
    units: list[Unit] = []
    projects: list[int] = []
    for _ in range(draw(st.integers(1, 3))):
        department = _unit(draw, len(units) + 1, None)
        units.append(department)
        for _ in range(draw(st.integers(1, 3))):
            units.append(_unit(draw, len(units) + 1, department.id))
            projects.append(units[-1].id)
    return tuple(units), projects


def _rules(draw: st.DrawFn) -> dict[str, object]:
    """Rules about nodes and other pods, seldom used."""
    labels = (("app", draw(st.sampled_from("pq"))),)
    about = PodRule(draw(st.sampled_from(["rack", "kind"])), (("app", draw(st.sampled_from("pq"))),))
    selector = (Requirement("kind", draw(st.sampled_from([Operator.IN, Operator.NOT_IN])), ("x",)),)
    return draw(
        st.sampled_from(
            [
                {},
                {},
                {"labels": labels},
                {"nodes": (selector,)},
                {"tolerations": (Toleration("only"),)},
                {"labels": labels, "apart": (about,)},
                {"labels": labels, "together": (about,)},
                {"devices": 1, "device_memory_mib": 6000},
            ]
        )
    )


def _near(draw: st.DrawFn) -> Near | None:
    return draw(st.sampled_from([None, None, None, Near(1, "rack"), Near(1, None, "rack"), Near(1, "zone", "rack")]))


def _request(draw: st.DrawFn) -> Request:
    devices = draw(st.sampled_from([0, 1, 1, 1, 2, 4]))
    part = draw(st.sampled_from([1000, 1000, 1000, 500, 300]))
    return Request(devices, part, draw(st.sampled_from([0, 1, 4])) * CORE, draw(st.sampled_from([0, 4, 16])) * GIB)


def _workloads(draw: st.DrawFn, projects: list[int], most: int, rich: bool) -> tuple[Workload, ...]:
    workloads = []
    pods = 0
    for number in range(1, draw(st.integers(1, most)) + 1):
        groups = []
        for group in range(1, draw(st.sampled_from([1, 1, 1, 2])) + 1):
            size = draw(st.integers(1, 4))
            members = tuple(Pod(pods + index) for index in range(1, size + 1))
            pods += size
            request = _request(draw)
            if rich:
                request = replace(request, **_rules(draw))
            parent = draw(st.sampled_from([None, 1])) if rich else None
            groups.append(
                SubGroup(
                    group,
                    request,
                    draw(st.integers(1, size)),
                    members,
                    f"g{group}",
                    parent,
                    (rich and _near(draw)) or None,
                )
            )
        workloads.append(
            Workload(
                id=number,
                unit=draw(st.sampled_from(projects)),
                name=f"w{number}",
                priority=draw(st.sampled_from([50, 50, 75, 100])),
                preemptible=draw(st.sampled_from([True, True, True, False])),
                created_ms=draw(st.sampled_from([0, number * MINUTE])),
                sub_groups=tuple(groups),
                sets=(SubGroupSet(1, "s", near=_near(draw)),) if any(group.parent for group in groups) else (),
                near=_near(draw) if rich else None,
                disruptions_allowed=draw(st.sampled_from([None, None, None, 0, 1])),
            )
        )
    return tuple(workloads)


@st.composite
def clusters(draw: st.DrawFn, rich: bool = False) -> Snapshot:
    """Anything that can be: all of it pending. `rich`: with labels, taints, topology, sets, rules about other pods."""
    units, projects = _units(draw)
    placement = draw(st.sampled_from(list(Placement)))
    return Snapshot(
        pool=1,
        now_ms=NOW,
        nodes=_nodes(draw, rich),
        units=units,
        workloads=_workloads(draw, projects, most=14, rich=rich),
        gpu_placement=placement,
        cpu_placement=placement,
        min_runtime_ms=draw(st.sampled_from([0, 0, 2500])),
        disruptions_per_workload=draw(st.sampled_from([None, None, None, 2])),
        disruptions_per_cycle=draw(st.sampled_from([None, None, None, 3])),
        disruption_budget_delay_ms=draw(st.sampled_from([None, 0, 100 * MINUTE])),
        topologies=(Topology(1, ("zone", "rack")),) if rich else (),
    )


@st.composite
def plain_clusters(draw: st.DrawFn) -> Snapshot:
    """One preemptible GPU per workload, whole quotas that add up at every level, no limits."""
    units: list[Unit] = []
    projects: list[int] = []
    gpus = 0
    for _ in range(draw(st.integers(1, 3))):
        place, quota = len(units), 0
        units.append(Unit(place + 1, None, f"d{place}", place))
        for _ in range(draw(st.integers(1, 3))):
            own = draw(st.integers(0, 3))
            weight = draw(st.sampled_from([1000, 2000, 3000]))
            units.append(
                Unit(
                    len(units) + 1,
                    place + 1,
                    f"p{len(units)}",
                    len(units),
                    weight_milli=weight,
                    quota=Bounds(own * GPU),
                )
            )
            projects.append(len(units))
            quota += own
        quota += draw(st.integers(0, 2))
        units[place] = replace(units[place], quota=Bounds(quota * GPU))
        gpus += quota
    gpus += draw(st.integers(0, 4))
    nodes = tuple(
        Node(number, f"n{number}", size, Amounts(size * GPU, 1000 * CORE, 1000 * GIB), 110)
        for number, size in enumerate([gpus - gpus // 2, gpus // 2], start=1)
    )
    owners = draw(st.lists(st.sampled_from(projects), min_size=1, max_size=24))
    workloads = tuple(
        Workload(number, owner, f"w{number}", 50, True, number, (SubGroup(1, Request(1), 1, (Pod(number),)),))
        for number, owner in enumerate(owners, start=1)
    )
    return Snapshot(1, NOW, nodes, tuple(units), workloads)
