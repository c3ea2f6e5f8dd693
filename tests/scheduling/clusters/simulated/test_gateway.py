"""The simulated cluster behaves like a cluster: idempotent calls, pods with a life, a watch that misses nothing."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import connection

from scheduling.clusters.orders import Bind, Eviction, Outcome, PodGroup, WorkloadKey, WorkloadObject
from scheduling.clusters.seen import ObjectState, PodPhase, SeenPod
from scheduling.clusters.simulated import SimulatedGateway, simulate_cluster
from scheduling.clusters.simulated.life import FINISHED_MS, GRACE_MS, start_delay_ms
from scheduling.models import SimObject
from tests.factories import make_cluster

pytestmark = pytest.mark.django_db(transaction=True)
NODES = Path(__file__).parents[2] / "loops" / "nodes.json"
UID = "5f4b6f5e-0000-4000-8000-000000000001"


@pytest.fixture
def gateway() -> SimulatedGateway:
    cluster = make_cluster()
    simulate_cluster(cluster, NODES)
    return SimulatedGateway(cluster.pk)


def group(name: str = "workers", pods: int = 1, **fields: Any) -> PodGroup:
    values: dict[str, Any] = {"devices": 1, "device_milli": 1000, "cpu_millicores": 1000, "memory_bytes": 1024**3}
    return PodGroup(name=name, pods=pods, **(values | fields))


def workload(uid: str = UID, pods: int = 1, **fields: Any) -> WorkloadObject:
    values: dict[str, Any] = {
        "name": "train",
        "namespace": "bursar-a",
        "project": "a",
        "pool": "gpu",
        "kind": "training",
        "image": "i",
        "command": (),
        "env": {},
        "groups": (group(pods=pods),),
        "extra": {"run_seconds": 60, "fail_after_seconds": None},
    }
    return WorkloadObject(uid=uid, **(values | fields))


class Watcher:
    """Everything that one watch has shown."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self._watch = gateway.watch(threading.Event())
        self.pods: dict[str, SeenPod] = {}
        self.objects: dict[str, ObjectState] = {}
        self.look()

    def look(self) -> list[SeenPod]:
        seen = next(self._watch)
        self.pods |= {pod.uid: pod for pod in seen.pods}
        self.objects |= {item.workload: item.state for item in seen.objects}
        for uid in seen.gone_pods:
            self.pods.pop(uid, None)
        for uid in seen.gone_objects:
            self.objects.pop(uid, None)
        return list(self.pods.values())


def now() -> int:
    return time.time_ns() // 1_000_000


def bind(pod: SeenPod, decision: int = 1, node: str = "big-01", devices: str = "0", uid: str = "") -> Bind:
    return Bind(decision, pod.namespace, pod.name, uid or pod.uid, node, devices)


def yes() -> bool:
    return True


def test_the_first_look_is_complete(gateway: SimulatedGateway) -> None:
    seen = next(gateway.watch(threading.Event()))
    assert seen.complete.keys() == {"nodes", "pods", "jobs"}
    assert [node.name for node in seen.nodes] == ["big-01", "big-02", "plain-01", "plain-02"]
    assert (seen.nodes[0].gpu_count, seen.nodes[0].cpu_millicores, seen.nodes[0].labels) == (
        4,
        64_000,
        {"class": "gpu"},
    )


def test_applying_twice_makes_one_job_with_its_pods(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    gateway.apply_workload(workload(pods=3))
    gateway.apply_workload(workload(pods=3))
    pods = watcher.look()
    assert len(pods) == 3
    assert {(pod.phase, pod.node, pod.workload, pod.pool) for pod in pods} == {(PodPhase.PENDING, "", UID, "gpu")}
    gateway.tick(now() + 10_000)
    assert len(watcher.look()) == 3


def test_a_pod_runs_as_long_as_it_is_told_to_and_then_its_job_is_done(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    gateway.apply_workload(workload())
    (pod,) = watcher.look()
    before = now()
    assert gateway.bind([bind(pod)], yes)[0].outcome is Outcome.CONFIRMED
    assert 1000 <= start_delay_ms(pod.uid) < 2000
    gateway.tick(before + start_delay_ms(pod.uid) - 1)
    assert watcher.look()[0].phase is PodPhase.PENDING
    gateway.tick(now() + start_delay_ms(pod.uid))
    assert watcher.look()[0].phase is PodPhase.RUNNING
    gateway.tick(before + 59_000)
    assert watcher.look()[0].phase is PodPhase.RUNNING
    gateway.tick(now() + 63_000)
    assert watcher.look()[0].phase is PodPhase.SUCCEEDED
    assert watcher.objects[UID] is ObjectState.SUCCEEDED
    for _ in range(3):
        gateway.tick(now() + 63_000 + FINISHED_MS)
    assert watcher.look() == []
    assert watcher.objects == {}


def test_a_pod_fails_when_told_to_and_takes_its_job_with_it(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    gateway.apply_workload(workload(pods=2, extra={"run_seconds": 60, "fail_after_seconds": 5}))
    first, second = watcher.look()
    gateway.bind([bind(first, 1), bind(second, 2, devices="1")], yes)
    gateway.tick(now() + 2000)
    gateway.tick(now() + 8000)
    gateway.tick(now() + 8000 + GRACE_MS)
    watcher.look()
    assert watcher.objects[UID] is ObjectState.FAILED
    assert {pod.phase for pod in watcher.pods.values()} == {PodPhase.FAILED}


def test_binding_has_the_uid_as_precondition_and_is_idempotent(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    gateway.apply_workload(workload())
    (pod,) = watcher.look()
    results = gateway.bind(
        [
            bind(pod, 1, uid="another"),
            bind(pod, 2, node="nowhere"),
            bind(pod, 3),
            bind(pod, 3),
            bind(pod, 4, node="big-02"),
        ],
        yes,
    )
    assert [result.outcome is Outcome.CONFIRMED for result in results] == [False, False, True, True, False]
    assert results[4].message == "The pod is bound to big-01 already, by decision 3."
    found = gateway.read_pod(pod.namespace, pod.name, pod.uid)
    assert found is not None
    assert (found.node, found.decision, found.devices) == ("big-01", 3, "0")
    assert gateway.read_pod(pod.namespace, pod.name, "another") is None


def test_nothing_is_sent_once_the_caller_says_stop(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    gateway.apply_workload(workload())
    (pod,) = watcher.look()
    answers = iter([False])
    assert gateway.bind([bind(pod)], lambda: next(answers))[0].outcome is Outcome.NOT_SENT
    eviction = Eviction(2, pod.namespace, pod.name, pod.uid)
    assert gateway.evict([eviction], lambda: False)[0].outcome is Outcome.NOT_SENT
    watcher.look()
    assert (watcher.pods[pod.uid].node, watcher.pods[pod.uid].deleting) == ("", False)


def test_a_node_without_room_fails_the_pod(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    gateway.apply_workload(workload(pods=2))
    first, second = watcher.look()
    gateway.bind([bind(first, 1), bind(second, 2)], yes)
    watcher.look()
    assert watcher.pods[first.uid].phase is PodPhase.PENDING
    assert watcher.pods[second.uid].phase is PodPhase.FAILED
    assert "lacks a free GPU" in watcher.pods[second.uid].message


def test_an_evicted_pod_goes_and_its_job_makes_another(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    gateway.apply_workload(workload())
    (pod,) = watcher.look()
    gateway.bind([bind(pod)], yes)
    gateway.tick(now() + 2000)
    for _ in range(2):
        assert gateway.evict([Eviction(2, pod.namespace, pod.name, pod.uid)], yes)[0].outcome is Outcome.CONFIRMED
    assert watcher.look()[0].deleting
    gateway.tick(now() + GRACE_MS + 1)
    (successor,) = watcher.look()
    assert successor.uid != pod.uid
    assert (successor.phase, successor.node) == (PodPhase.PENDING, "")
    assert gateway.evict([Eviction(3, pod.namespace, pod.name, pod.uid)], yes)[0].outcome is Outcome.CONFIRMED


def test_a_deleted_workload_goes_with_its_pods(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    gateway.apply_workload(workload(pods=2))
    first, _ = watcher.look()
    gateway.bind([bind(first)], yes)
    gateway.tick(now() + 2000)
    for _ in range(2):
        gateway.delete_workload(WorkloadKey(UID, "train", "bursar-a", "training"))
    gateway.tick(now())
    assert all(pod.deleting for pod in watcher.look())
    gateway.tick(now() + GRACE_MS)
    gateway.tick(now() + GRACE_MS)
    assert watcher.look() == []
    assert watcher.objects == {}


def test_a_watch_misses_nothing_while_several_write(gateway: SimulatedGateway) -> None:
    uids = [f"5f4b6f5e-0000-4000-8000-0000000001{number:02}" for number in range(24)]
    watcher = Watcher(gateway)

    def write(part: list[str]) -> None:
        for uid in part:
            gateway.apply_workload(workload(uid, groups=(group(devices=0),)))
            gateway.tick(now())
        connection.close()

    threads = [threading.Thread(target=write, args=(uids[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        watcher.look()
    watcher.look()
    watcher.look()
    assert set(watcher.objects) == set(uids)
    assert sorted(pod.workload for pod in watcher.pods.values()) == sorted(uids)
    versions = SimObject.objects.filter(cluster=gateway.cluster).exclude(kind=SimObject.Kind.CLOCK)
    numbers = list(versions.values_list("resource_version", flat=True))
    assert len(numbers) == len(set(numbers))


def test_a_file_that_describes_no_nodes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nodes.json"
    path.write_text('[{"name": "x", "count": "many"}]')
    with pytest.raises(msgspec.ValidationError, match="count"):
        simulate_cluster(make_cluster(), path)


def test_a_new_simulated_cluster_has_nodes_for_three_pools() -> None:
    cluster = make_cluster()
    simulate_cluster(cluster)
    seen = next(SimulatedGateway(cluster.pk).watch(threading.Event()))
    classes = [node.labels["gpu.bursar.dev/class"] for node in seen.nodes]
    assert {name: classes.count(name) for name in classes} == {"h100": 8, "l40s": 8, "none": 8}
    assert sum(node.gpu_count for node in seen.nodes) == 96


def test_groups_of_pods_differ_in_what_they_ask_for(gateway: SimulatedGateway) -> None:
    watcher = Watcher(gateway)
    groups = (group("launcher", devices=0, cpu_millicores=500), group("workers", 2))
    gateway.apply_workload(workload(groups=groups))
    gateway.tick(now())
    pods = sorted(watcher.look(), key=lambda pod: pod.name)
    assert [(pod.sub_group, pod.gpu_milli, pod.cpu_millicores) for pod in pods] == [
        ("launcher", 0, 500),
        ("workers", 1000, 1000),
        ("workers", 1000, 1000),
    ]
    for number, pod in enumerate(pods):
        devices = "" if pod.sub_group == "launcher" else str(number)
        (result,) = gateway.bind([Bind(number, pod.namespace, pod.name, pod.uid, "big-01", devices)], lambda: True)
        assert result.outcome is Outcome.CONFIRMED
    gateway.tick(now() + 3_000)
    gateway.tick(now() + 70_000)
    watcher.look()
    assert watcher.objects == {UID: ObjectState.SUCCEEDED}, "once the pods of all groups have ended"


def test_gpu_memory_is_a_part_of_the_nodes_gpus(gateway: SimulatedGateway) -> None:
    for node in SimObject.objects.filter(kind=SimObject.Kind.NODE):
        node.spec["gpu_memory_bytes"] = 40 * 2**30
        node.save()
    watcher = Watcher(gateway)
    gateway.apply_workload(workload(groups=(group(pods=3, device_memory_mib=15 * 1024),)))
    gateway.tick(now())
    for number, pod in enumerate(watcher.look()):
        gateway.bind([Bind(number, pod.namespace, pod.name, pod.uid, "big-01", "0")], lambda: True)
    pods = sorted(watcher.look(), key=lambda pod: pod.decision or 0)
    assert [pod.gpu_milli for pod in pods] == [375] * 3
    assert [pod.phase for pod in pods] == [PodPhase.PENDING, PodPhase.PENDING, PodPhase.FAILED]
    assert pods[2].message == "big-01 lacks a free GPU for the pod."


def test_a_job_of_an_earlier_version_lives_on(gateway: SimulatedGateway) -> None:
    gateway.apply_workload(workload(pods=2))
    job = SimObject.objects.get(kind=SimObject.Kind.JOB)
    (one,) = job.spec.pop("groups")
    job.spec |= one
    job.save()
    gateway.tick(now())
    assert SimObject.objects.filter(kind=SimObject.Kind.POD).count() == 2
