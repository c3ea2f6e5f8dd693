"""What happens to nodes and pods of a simulated cluster, through observer and loop: as it would go on Kubernetes."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.actor import SYSTEM
from portal.errors import Refused
from quotas.models import Node, PoolSummary, UnitUsage
from scheduling.clusters.simulated.life import SILENT_MS
from scheduling.clusters.simulated.store import KIND, objects
from scheduling.models import Decision, Pod, SimObject, Workload
from scheduling.services.simulation import (
    NODE_ACTS,
    POD_ACTS,
    simulated_node_do,
    simulated_node_label,
    simulated_pods_do,
)
from scheduling.services.workload import workload_stop
from tests.examples import examples
from tests.factories import make_pool, make_quota

from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)
State, Phase = Workload.State, Pod.Phase


class Stage:
    """A world of two nodes with four GPUs each, whose loops go step by step."""

    def __init__(self) -> None:
        self.world = World()
        self.project = self.world.project("p")
        make_quota(self.project, self.world.pool, gpus=8)
        self.steps = Steps(self.world)

    def node(self, name: str, act: str) -> None:
        simulated_node_do(actor=SYSTEM, cluster=self.world.cluster, node=name, act=act)
        self.settle()

    def pods(self, workload: str, act: str) -> None:
        simulated_pods_do(actor=SYSTEM, cluster=self.world.cluster, pods=f"p/{workload}", act=act)
        self.settle()

    def settle(self, seconds: float = 0) -> None:
        """Until what follows from it has come about."""
        for _ in range(3):
            self.world.gateway._changed.set()
            self.steps.later(seconds)
            self.steps.cycle()
        self.check()

    def run(self, name: str, devices: int = 4, pods: int = 1) -> Workload:
        workload = self.world.submit(self.project, name, devices=devices, pods=pods)
        self.settle()
        self.settle(3)
        return workload

    def used(self) -> int:
        """milli-GPU of the project, as pages tell."""
        return UnitUsage.objects.filter(unit=self.project, pool=self.world.pool).values_list("gpu_milli", flat=True)[0]

    def alive(self) -> list[SimObject]:
        """Pods of the cluster."""
        return list(objects(self.world.cluster.pk, KIND.POD))

    def check(self) -> None:
        """Nothing double: neither a device of a node, nor the start of a pod."""
        held: Counter[tuple[str, str]] = Counter()
        for pod in self.alive():
            if "node" in pod.status and pod.status["phase"] in ("pending", "running"):
                held.update((pod.status["node"], device) for device in pod.status["devices"].split(","))
            assert "lacks" not in pod.status.get("message", ""), pod.status
        assert set(held.values()) <= {1}
        starts = Decision.objects.filter(kind=Decision.Kind.PLACE, state=Decision.State.OBSERVED)
        assert set(Counter(starts.values_list("pod_uid", flat=True)).values()) <= {1}


def state(workload: Workload) -> str:
    return State(Workload.objects.values_list("state", flat=True).get(pk=workload.pk)).label


def places(workload: Workload) -> set[tuple[str, str]]:
    """Of its pods: phase and node."""
    return {
        (Phase(phase).label, node or "")
        for phase, node in Pod.objects.filter(workload=workload).values_list("phase", "node__name")
    }


def test_work_of_a_node_that_vanishes_starts_elsewhere_and_the_node_takes_work_when_it_is_back() -> None:
    stage = Stage()
    first, second = stage.run("first"), stage.run("second")
    assert (places(first), places(second)) == ({("running", "big-01")}, {("running", "big-02")})
    stage.node("big-01", "vanish")
    stage.settle(3)
    assert (state(first), places(first), state(second)) == ("waiting", {("waiting", "")}, "running")
    assert stage.used() == 4000
    assert PoolSummary.objects.get(pool=stage.world.pool).gpu_milli == 4000
    assert not Node.objects.filter(name="big-01", removed_at=None).exists()
    stage.node("big-01", "return")
    stage.settle(3)
    assert (state(first), places(first), stage.used()) == ("running", {("running", "big-01")}, 8000)
    assert Node.objects.filter(name="big-01").count() == 2, "what was removed stays as history"


def test_a_silent_node_keeps_its_pods_and_returns_as_if_nothing_had_been() -> None:
    stage = Stage()
    work = stage.run("work")
    stage.node("big-01", "fail")
    node = Node.objects.get(name="big-01")
    assert (node.state, node.conditions[0]["reason"]) == (Node.State.NOT_READY, "NodeStatusUnknown")
    assert (state(work), places(work), stage.used()) == ("running", {("running", "big-01")}, 4000)
    assert PoolSummary.objects.get(pool=stage.world.pool).lost_gpu_milli == 4000
    other = stage.run("other")
    assert places(other) == {("running", "big-02")}, "nothing new is put there"
    stage.node("big-01", "return")
    assert (state(work), places(work), stage.used()) == ("running", {("running", "big-01")}, 8000)
    assert Node.objects.get(name="big-01").state == Node.State.READY


def test_pods_of_a_node_that_stays_silent_hang_until_it_is_back_or_gone() -> None:
    stage = Stage()
    work, more = stage.run("work"), stage.run("more")
    stage.node("big-01", "fail")
    stage.settle(SILENT_MS / 1000 + 1)
    assert places(work) == {("stopping", "big-01")}
    stage.settle(SILENT_MS / 1000 + 60)
    assert places(work) == {("stopping", "big-01")}, "its kubelet does not answer"
    assert state(more) == "running"
    stage.node("big-01", "vanish")
    assert places(work) == {("waiting", "")}
    stage.node("big-01", "return")
    stage.settle(3)
    assert (state(work), places(work), stage.used()) == ("running", {("running", "big-01")}, 8000)


def test_a_cordoned_node_takes_nothing_new_and_what_runs_there_goes_on() -> None:
    stage = Stage()
    work = stage.run("work", devices=2)
    stage.node("big-01", "cordon")
    stage.node("big-02", "cordon")
    waits = stage.run("waits", devices=1)
    assert (state(work), state(waits)) == ("running", "waiting")
    assert Workload.objects.get(pk=waits.pk).waiting.wait_class.code == "no_ready_node"
    stage.node("big-02", "uncordon")
    stage.settle(3)
    assert places(waits) == {("running", "big-02")}


def test_a_label_moves_a_node_to_another_pool_with_what_runs_charged_as_before() -> None:
    stage = Stage()
    other = make_pool("other", stage.world.cluster, label_key="tier", label_value="other")
    work = stage.run("work")
    simulated_node_label(
        actor=SYSTEM, cluster=stage.world.cluster, node="big-01", labels={"class": None, "tier": "other"}
    )
    stage.settle()
    assert Node.objects.get(name="big-01").pool == other
    assert (state(work), stage.used()) == ("running", 4000)
    assert PoolSummary.objects.get(pool=stage.world.pool).gpu_milli == 4000


def test_a_pod_that_cannot_start_holds_its_room_until_it_can_or_is_given_up() -> None:
    stage = Stage()
    work = stage.world.submit(stage.project, "work", devices=4, pods=2)
    stage.settle()
    pod = Pod.objects.filter(workload=work).order_by("name")[0]
    simulated_pods_do(actor=SYSTEM, cluster=stage.world.cluster, pods=pod.name, act="hang")
    stage.settle(60)
    pod.refresh_from_db()
    assert (pod.phase, pod.message) == (Phase.STARTING, "ImagePullBackOff: Back-off pulling image.")
    assert (state(work), stage.used()) == ("starting", 8000)
    simulated_pods_do(actor=SYSTEM, cluster=stage.world.cluster, pods=pod.name, act="release")
    stage.settle(60)
    pod.refresh_from_db()
    assert (pod.phase, pod.message, state(work)) == (Phase.RUNNING, "", "running")


def test_the_room_of_a_pod_that_hangs_while_stopping_is_given_to_nobody() -> None:
    stage = Stage()
    work, more = stage.run("work"), stage.run("more")
    stage.pods("work", "hang")
    workload_stop(actor=SYSTEM, workload=work)
    waits = stage.run("waits")
    stage.settle(120)
    assert (state(work), places(work)) == ("stopping", {("stopping", "big-01")})
    assert (state(waits), state(more)) == ("waiting", "running")
    simulated_pods_do(
        actor=SYSTEM, cluster=stage.world.cluster, pods=Pod.objects.get(workload=work).name, act="release"
    )
    stage.settle(3)
    stage.settle(6)
    assert (state(work), state(waits), places(waits)) == ("stopped", "running", {("running", "big-01")})
    assert stage.used() == 8000


def test_a_pod_deleted_by_hand_is_replaced_and_a_failed_one_ends_its_workload() -> None:
    stage = Stage()
    work = stage.run("work", devices=2, pods=2)
    before = set(Pod.objects.values_list("uid", flat=True))
    name = Pod.objects.order_by("name")[0].name
    simulated_pods_do(actor=SYSTEM, cluster=stage.world.cluster, pods=name, act="delete")
    stage.settle()
    stage.settle(3)
    stage.settle(6)
    assert (state(work), stage.used()) == ("running", 4000)
    assert len(before & set(Pod.objects.values_list("uid", flat=True))) == 1
    stage.pods("work", "fail")
    stage.settle(6)
    assert (state(work), stage.used()) == ("failed", 0)
    assert Workload.objects.get(pk=work.pk).state_message == "Failed by hand."


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 60.0), (10.0, 6.0)])
def test_time_may_run_faster(settings: Any, speed: float, seconds: float) -> None:
    settings.SIMULATED_SPEED = speed
    stage = Stage()
    work = stage.world.submit(stage.project, "work", run_seconds=60)
    stage.settle()
    stage.settle(2.1 / speed)
    assert state(work) == "running"
    stage.settle(seconds / 2)
    assert state(work) == "running"
    stage.settle(seconds + 2)
    assert state(work) == "completed"


NODES = ("big-01", "big-02")
HAPPENINGS = (
    [f"node {act}" for act in NODE_ACTS] + [f"pod {act}" for act in POD_ACTS] + ["submit"] * 5 + ["stop", "later"]
)


@pytest.mark.hypothesis
@examples(3)
@given(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 99)), min_size=6, max_size=10))
def test_whatever_happens_nothing_is_double_and_nothing_lost(happenings: list[tuple[str, int]]) -> None:
    stage = Stage()
    made: list[Workload] = []
    for happening, number in happenings:
        what, _, act = happening.partition(" ")
        alive = stage.alive()
        with suppress(Refused):
            if what == "node":
                stage.node(NODES[number % 2], act)
            elif what == "pod" and alive:
                name = alive[number % len(alive)].name
                simulated_pods_do(actor=SYSTEM, cluster=stage.world.cluster, pods=name, act=act)
            elif what == "submit":
                devices, pods = ((1, 1), (2, 1), (4, 1), (2, 2))[number % 4]
                made.append(stage.world.submit(stage.project, f"w{len(made)}", devices=devices, pods=pods))
            elif what == "stop" and made:
                workload_stop(actor=SYSTEM, workload=made[number % len(made)])
        stage.settle(3 if what == "later" else 0)
    for act in ("return", "uncordon"):
        for name in NODES:
            with suppress(Refused):
                stage.node(name, act)
    for pod in stage.alive():
        with suppress(Refused):
            simulated_pods_do(actor=SYSTEM, cluster=stage.world.cluster, pods=pod.name, act="release")
    for _ in range(4):
        stage.settle(5)
    holds = 0
    for workload in made:
        workload.refresh_from_db()
        pods = Pod.objects.filter(workload=workload, phase__in=(Phase.PENDING, Phase.STARTING, Phase.RUNNING))
        assert workload.state in (State.RUNNING, State.WAITING, State.STOPPED, State.FAILED), (
            workload.get_state_display()
        )
        assert pods.count() == (workload.pods_wanted if workload.is_active else 0)
        holds += workload.allocated_gpu_milli
    if made:
        assert stage.used() == holds
    if any(workload.state == State.WAITING for workload in made):
        assert holds > 4000, "who waits finds no room"
