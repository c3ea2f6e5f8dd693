"""Watching a real API server: everything first, then every change, through breaks and restarts."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes import reflector as module
from scheduling.clusters.kubernetes import watching
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.clusters.kubernetes.kinds import KINDS
from scheduling.clusters.kubernetes.kubeconfig import parse_kubeconfig
from scheduling.clusters.kubernetes.reflector import Change, Changed, Listed, Reflector
from scheduling.clusters.kubernetes.transport import Transport
from scheduling.clusters.seen import PodPhase, Seen
from tests.cluster.api import Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.waiting import eventually

PODS = next(kind for kind in KINDS if kind.name == "pods")


def pod(name: str, node: str = "", **spec: object) -> Object:
    content = {"containers": [{"name": "main", "image": "busybox"}], **spec}
    return {"metadata": {"name": name}, "spec": content | ({"nodeName": node} if node else {})}


class Following:
    """What a watch has told so far, put together as an observer would."""

    def __init__(self) -> None:
        self.batches: list[Seen] = []
        self.stop = threading.Event()

    def pod(self, namespace: str, name: str) -> PodPhase | None:
        """The phase last told of the pod; None when it was never told of, or is gone."""
        known: dict[str, PodPhase] = {}
        uids: set[str] = set()
        for batch in self.batches:
            known = {} if "pods" in batch.complete else known
            for seen in batch.pods:
                if (seen.namespace, seen.name) == (namespace, name):
                    uids.add(seen.uid)
                    known[seen.uid] = seen.phase
            for uid in batch.gone_pods:
                known.pop(uid, None)
        return next(iter(known.values()), None)


@contextmanager
def following(gateway: KubernetesGateway) -> Iterator[Following]:
    told = Following()

    def follow() -> None:
        for batch in gateway.watch(told.stop):
            told.batches.append(batch)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield told
    finally:
        told.stop.set()
        thread.join(5)
    assert not thread.is_alive(), "a watch has to end soon after it was told to"


def test_first_comes_everything_then_each_change_until_it_is_gone(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("watched", gpus=4)
    control_plane.api.create(f"/api/v1/namespaces/{namespace}/pods", pod("early", "watched"))
    path = f"/api/v1/namespaces/{namespace}/pods"
    with following(gateway) as told:
        eventually(lambda: any(batch.complete for batch in told.batches))
        first = next(batch for batch in told.batches if batch.complete)
        assert {node.gpu_count for node in first.nodes if node.name == "watched"} == {4}
        assert told.pod(namespace, "early") is not None
        control_plane.api.create(path, pod("late", "watched"))
        eventually(lambda: told.pod(namespace, "late") is PodPhase.RUNNING)
        control_plane.api.delete(f"{path}/late")
        eventually(lambda: told.pod(namespace, "late") is None)


def test_first_batch_is_complete_however_small_batches_are(
    gateway: KubernetesGateway, kubelet: FakeKubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "BATCH_SIZE", 1)
    for name in ("one", "two"):
        kubelet.add_node(f"many-{name}")
    with following(gateway) as told:
        first = eventually(lambda: next((batch for batch in told.batches if batch.complete), None))
        assert {"many-one", "many-two"} <= {node.name for node in first.nodes}
        assert first.complete.keys() == {kind.name for kind in KINDS}


def test_batches_keep_time_while_nothing_happens(gateway: KubernetesGateway) -> None:
    stop = threading.Event()
    batches = gateway.watch(stop)
    while not next(batches).complete:
        pass
    began = time.monotonic()
    for _ in range(5):
        next(batches)
    assert time.monotonic() - began < 3
    batches.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reflector")]


def test_node_that_falls_ill_or_leaves_is_told(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet
) -> None:
    kubelet.add_node("frail")
    uid = control_plane.api.get("/api/v1/nodes/frail")["metadata"]["uid"]
    with following(gateway) as told:

        def last_ready() -> bool | None:
            seen = [node.ready for batch in told.batches for node in batch.nodes if node.uid == uid]
            return seen[-1] if seen else None

        eventually(lambda: last_ready() is True)
        kubelet.set_ready("frail", is_ready=False)
        eventually(lambda: last_ready() is False)
        kubelet.remove_node("frail")
        eventually(lambda: any(uid in batch.gone_nodes for batch in told.batches))


def test_list_is_read_in_pages(control_plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_SIZE", 2)
    for number in range(5):
        control_plane.api.create(f"/api/v1/namespaces/{namespace}/pods", pod(f"p{number}"))
    with reflecting(control_plane, streams=False) as (_, changes):
        listed = changes.get(timeout=10)
        assert isinstance(listed, Listed)
        names = {item.name for item in listed.items if item.namespace == namespace}  # type: ignore[union-attr]
    assert names == {f"p{number}" for number in range(5)}


def test_version_that_is_too_old_leads_to_a_new_list() -> None:
    with ControlPlane() as control_plane:
        for name in ("one", "two"):
            control_plane.api.create("/api/v1/namespaces/default/pods", pod(name))
        control_plane.stop_api_server()
        # After a start the API server knows no version that is older.
        control_plane.start_api_server()
        with reflecting(control_plane) as (reflector, changes):
            assert isinstance(changes.get(timeout=10), Listed)
            eventually(lambda: reflector._stream and reflector._version)
            reflector._version = "1"
            reflector.interrupt()
            assert isinstance(changes.get(timeout=10), Listed)
            eventually(lambda: reflector._stream)


def test_a_watch_that_begins_with_everything_tells_the_same_as_pages(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.api.create(f"/api/v1/namespaces/{namespace}/pods", pod("there"))
    told = []
    for streams in (True, False):
        with reflecting(control_plane, streams=streams) as (reflector, changes):
            listed = changes.get(timeout=10)
            assert isinstance(listed, Listed)
            assert reflector._streams is streams, "the server can"
            told.append({item.name for item in listed.items})  # type: ignore[union-attr]
    assert "there" in told[0] & told[1]


def test_broken_watch_goes_on_where_it_broke(control_plane: ControlPlane, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    with reflecting(control_plane) as (reflector, changes):
        assert isinstance(changes.get(timeout=10), Listed)
        eventually(lambda: reflector._stream)
        reflector.interrupt()
        control_plane.api.create(path, pod("meanwhile"))
        told = ""
        while told != "meanwhile":
            change = changes.get(timeout=10)
            # Other tests' pods may change too; what must not come is a new list.
            assert isinstance(change, Changed)
            told = change.item.name


def test_api_server_that_dies_ends_the_watch_and_a_new_one_tells_what_was_missed() -> None:
    with ControlPlane() as control_plane, FakeKubelet(control_plane.api) as kubelet:
        kubelet.add_node("stays")
        credentials = parse_kubeconfig(control_plane.kubeconfig(), allow_local=True)
        gateway = KubernetesGateway(credentials, call_timeout_seconds=4, allow_local=True)
        control_plane.api.create("/api/v1/namespaces/default/pods", pod("before", "stays"))
        stop = threading.Event()
        batches = gateway.watch(stop)
        while not next(batches).complete:
            pass
        control_plane.stop_api_server()
        with pytest.raises(GatewayError, match="cannot be reached"):
            list(batches)
        control_plane.start_api_server()
        control_plane.api.create("/api/v1/namespaces/default/pods", pod("after", "stays"))
        with following(gateway) as told:
            eventually(lambda: told.pod("default", "after") is PodPhase.RUNNING)
            assert told.pod("default", "before") is PodPhase.RUNNING
        gateway.close()


@contextmanager
def reflecting(control_plane: ControlPlane, *, streams: bool = True) -> Iterator[tuple[Reflector, queue.Queue[Change]]]:
    """A reflector of pods alone, and the queue it fills."""
    credentials = parse_kubeconfig(control_plane.kubeconfig(), allow_local=True)
    transport = Transport(credentials, connections=2, allow_local=True)
    changes: queue.Queue[Change] = queue.Queue()
    ended = threading.Event()
    reflector = Reflector(transport, PODS, changes, ended)
    reflector._streams = streams
    reflector.start()
    try:
        yield reflector, changes
    finally:
        ended.set()
        reflector.interrupt()
        reflector.join(5)
        transport.close()
    assert not reflector.is_alive()
