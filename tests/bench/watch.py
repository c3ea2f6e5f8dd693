"""Following a real API server: 20,000 pods into PostgreSQL, live changes, a recording, and a cluster that is quiet."""

from __future__ import annotations

import multiprocessing
import os
import queue
import resource
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.context import SpawnContext
from typing import Any

from tests.bench.measure import Figure, measurement
from tests.harness.servers import postgres, postgres_bin, redis

NODES, PODS, PODS_EACH = 1000, 20_000, 5
LIVE_SECONDS, WRITERS = 15, 12
REPLAYED, REPLAYED_PER_SECOND = 20_000, 2200
"""A tenth faster than they have to be written, for the last batch is written after the last change."""
IDLE_SECONDS = 15
STAMP = "at "
"""Begins the message of a pod that was changed; its time follows."""
SPAWN: SpawnContext = multiprocessing.get_context("spawn")


@measurement
def watch() -> Iterator[Figure]:
    """Needs PostgreSQL and the control plane of the tests."""
    if postgres_bin() is None:
        return
    from tests.cluster.control_plane import ControlPlane

    with postgres() as address, redis() as wake_address, ControlPlane() as control_plane:
        os.environ |= {"BURSAR_DATABASE_URL": address, "BURSAR_REDIS_URL": wake_address}
        os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings.test"
        os.environ.pop("BURSAR_TEST_EMBEDDED", None)
        cluster, uids = _asked(fill, control_plane.kubeconfig())
        version = _stocked(control_plane, uids)
        stop, results = SPAWN.Event(), SPAWN.Queue()
        follower = SPAWN.Process(target=follow, args=(control_plane.kubeconfig(), cluster, stop, results))
        follower.start()
        seconds, mib, kept = results.get(timeout=300)
        assert kept == PODS, f"{kept} pods were written"
        yield Figure(f"watch, {PODS:,} pods from the server into PostgreSQL", seconds, "s", 8)
        yield Figure("watch, memory of the process after that", mib, "MiB", 300)
        changes = _changed(control_plane)
        time.sleep(2)
        stop.set()
        lags, cpu_seconds = results.get(timeout=60)
        follower.join()
        yield Figure("watch, live status changes", changes / LIVE_SECONDS, "/s")
        yield Figure("watch, live, lag p99", _p99(lags), "s", 1)
        yield Figure("watch, live, processor time of a change", cpu_seconds / changes * 1e6, "us")
        lines = _recorded(control_plane, version)
        rate, lags, cpu_seconds = _asked(replay, control_plane.kubeconfig(), cluster, lines)
        yield Figure("watch, replayed changes", rate, "/s", 2000, at_least=True)
        yield Figure("watch, replayed, lag p99", _p99(lags), "s", 1)
        yield Figure("watch, replayed, processor time of a change", cpu_seconds / REPLAYED * 1e6, "us")
        yield Figure("watch, quiet cluster, of a core", _asked(idle, cluster) * 100, "%", 1)


def _p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


def _asked(work: Any, *arguments: Any) -> Any:
    """What it puts, done in a process of its own."""
    results = SPAWN.Queue()
    worker = SPAWN.Process(target=work, args=(*arguments, results))
    worker.start()
    while worker.is_alive() or not results.empty():
        with suppress(queue.Empty):
            return results.get(timeout=1)
    raise RuntimeError(f"{work.__name__} failed.")


def _stocked(control_plane: Any, uids: list[str]) -> str:
    """Nodes, and pods of these workloads on them. The version from which on things change."""
    from tests.cluster.kubelet import FakeKubelet
    from tests.cluster.stocking import copies, stock
    from tests.cluster.waiting import eventually

    api = control_plane.api
    kubelet = FakeKubelet(api)
    kubelet.add_node("node")
    stock(control_plane, "minions", copies(api.get("/api/v1/nodes/node"), NODES))
    path = "/api/v1/namespaces/default/pods"
    labels = {"bursar.dev/workload": "", "bursar.dev/sub-group": "workers", "bursar.dev/pool": "default"}
    requests = {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "1"}
    container = {"name": "main", "image": "python:3.12", "resources": {"requests": requests, "limits": requests}}
    spec = {"schedulerName": "bursar", "nodeName": "node", "containers": [container]}
    api.create(path, {"metadata": {"name": "pod", "labels": labels}, "spec": spec})
    kubelet._set_phase(api.get(f"{path}/pod"), "Running")
    template = api.get(f"{path}/pod")
    api.delete(f"{path}/pod", {"gracePeriodSeconds": 0})

    def pods() -> Iterator[Any]:
        for number, pod in enumerate(copies(template, PODS)):
            pod["metadata"]["labels"]["bursar.dev/workload"] = uids[number // PODS_EACH]
            pod["spec"]["nodeName"] = f"node-{number % NODES}"
            yield pod

    stock(control_plane, "pods", pods())
    last = f"{path}/pod-{PODS - 1}"
    return str(eventually(lambda: api.get(last), 60)["metadata"]["resourceVersion"])


def _changed(control_plane: Any) -> int:
    """Changes the statuses of pods for a while, as fast as the server takes it; how many."""
    with SPAWN.Pool(2) as pool:
        arguments = [(control_plane.address, str(control_plane.folder), half) for half in range(2)]
        return sum(pool.starmap(change, arguments))


def change(address: str, folder: str, half: int) -> int:
    """In a process of its own: half of the pods, again and again."""
    from itertools import count
    from pathlib import Path

    from tests.cluster.api import Api

    numbers, made = count(half, 2), count()
    until = time.monotonic() + LIVE_SECONDS

    def write() -> None:
        api = Api(address, *(Path(folder) / name for name in ("ca.crt", "admin.crt", "admin.key")))
        while time.monotonic() < until:
            path = f"/api/v1/namespaces/default/pods/pod-{next(numbers) % PODS}/status"
            api.patch(path, {"status": {"message": f"{STAMP}{time.time()}"}})
            next(made)

    threads = [threading.Thread(target=write) for _ in range(WRITERS // 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return next(made)


def _recorded(control_plane: Any, version: str) -> list[bytes]:
    """Lines of a watch, as they came live."""
    import json

    query = {"resourceVersion": version, "timeoutSeconds": "5"}
    events = control_plane.api.watch("/api/v1/pods", **query)
    changed = (event for event in events if event["object"].get("status", {}).get("message", "").startswith(STAMP))
    return [json.dumps(event, separators=(",", ":")).encode() for event in changed][:REPLAYED]


def fill(kubeconfig: str, results: Any) -> None:
    """In a process of its own: an empty database with a cluster, and in it workloads that run; its id, their uids."""
    import django
    from psycopg import connect, errors

    address = os.environ["BURSAR_DATABASE_URL"]
    with (
        connect(address.rsplit("/", 1)[0] + "/postgres", autocommit=True) as server,
        suppress(errors.DuplicateDatabase),
    ):
        server.execute("CREATE DATABASE bursar")
    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    from orgs.models import ClusterInfo
    from orgs.secrets import encrypt
    from scheduling.clusters.kubernetes.kubeconfig import parse_kubeconfig
    from tests import factories as make

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        cluster = make.make_cluster("north", mode=ClusterInfo.Mode.KUBERNETES)
        credentials = encrypt(parse_kubeconfig(kubeconfig, allow_local=True).dump())
        ClusterInfo.objects.filter(pk=cluster.pk).update(credentials=credentials)
        pool, project = (
            make.default_pool_of(cluster),
            make.make_project(department=make.make_department(parent=cluster)),
        )
        uids = [
            str(make.make_workload(project=project, pool=pool, pods=PODS_EACH, applied=True).uid)
            for _ in range(PODS // PODS_EACH)
        ]
    results.put((cluster.pk, uids))


def follow(kubeconfig: str, cluster: int, stop: Any, results: Any) -> None:
    """In a process of its own: an observer's watching and writing. First seconds, MiB and pods of the first listing;
    when stopped the lags of the changes, in seconds, and the processor's."""
    lags: list[float] = []
    used = 0.0
    with _following(kubeconfig, cluster) as (gateway, write):
        from scheduling.models import Pod

        began = time.perf_counter()
        for seen in gateway.watch(stop):
            lags += write(seen)
            if seen.complete:
                seconds = time.perf_counter() - began
                mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                results.put((seconds, mib, Pod.objects.count()))
                used = time.process_time()
    results.put((lags, time.process_time() - used))


def replay(kubeconfig: str, cluster: int, lines: list[bytes], results: Any) -> None:
    """In a process of its own: the recording instead of the server's watch of pods. Changes a second, lags, and
    seconds of the processor."""
    stop = threading.Event()
    lags: list[float] = []
    began = ended = used = 0.0
    before = 0
    with _following(kubeconfig, cluster) as (gateway, write):
        recording = Recording(gateway.transport, lines)
        gateway.transport = recording
        for seen in gateway.watch(stop):
            lags += write(seen)
            if seen.complete:
                recording.may_begin.set()
                used = time.process_time()
            elif seen.pods:
                ended = time.perf_counter()
                if not began:
                    began, before = ended, len(lags)
            elif recording.is_over.is_set():
                stop.set()
        results.put(((len(lags) - before) / (ended - began), lags, time.process_time() - used))


def idle(cluster: int, results: Any) -> None:
    """In a process of its own: a whole observer, of a cluster in which nothing happens. Its part of a core."""
    import django

    django.setup()
    from scheduling.loops.observer import Observer
    from scheduling.loops.tenure import Tenure
    from scheduling.loops.thread import LeasedThread

    tenure = Tenure.take(f"observer:cluster:{cluster}", "bench")
    assert tenure is not None
    thread = LeasedThread(tenure, Observer(cluster, threading.Event(), threading.Event()))
    thread.start()
    time.sleep(IDLE_SECONDS)
    used = time.process_time()
    time.sleep(IDLE_SECONDS)
    used = time.process_time() - used
    thread.stop.set()
    thread.join()
    results.put(used / IDLE_SECONDS)


class Recording:
    """Plays the transport: passes lists on, and gives the lines of a recording, at their pace, as the watch of pods."""

    def __init__(self, transport: Any, lines: list[bytes]) -> None:
        self.server = transport.server
        self.send = transport.send
        self.silences = transport.silences
        self.may_begin, self.is_over = threading.Event(), threading.Event()
        self._lines = lines
        self._ended = threading.Event()

    def stream(self, path: str, query: Mapping[str, str], *, read_seconds: float) -> Recording:
        from scheduling.clusters.kubernetes.errors import ApiError

        if "sendInitialEvents" in query:
            raise ApiError(422, "A recording holds only what changes.")
        return self

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def interrupt(self) -> None:
        self._ended.set()

    close = interrupt

    def __iter__(self) -> Iterator[bytes]:
        if threading.current_thread().name.startswith("reflector of pods"):
            self.may_begin.wait()
            yield from self._played()
            self.is_over.set()
        self._ended.wait()

    def _played(self) -> Iterator[bytes]:
        began = time.monotonic()
        stamp = STAMP.encode()
        for number in range(REPLAYED):
            time.sleep(max(0.0, began + number / REPLAYED_PER_SECOND - time.monotonic()))
            before, _, after = self._lines[number % len(self._lines)].partition(stamp)
            yield before + stamp + str(time.time()).encode() + after[after.index(b'"') :]


@contextmanager
def _following(kubeconfig: str, cluster: int) -> Iterator[tuple[Any, Callable[[Any], list[float]]]]:
    """A gateway, and what writes a batch and gives the lags of the changes in it."""
    import django

    django.setup()
    from django.db import transaction

    from scheduling.clusters.kubernetes.gateway import KubernetesGateway
    from scheduling.clusters.kubernetes.kubeconfig import parse_kubeconfig
    from scheduling.clusters.seen import Seen
    from scheduling.loops.observed import Observed

    credentials = parse_kubeconfig(kubeconfig, allow_local=True)
    gateway = KubernetesGateway(credentials, call_timeout_seconds=4, allow_local=True)
    observed = Observed(cluster)

    def write(seen: Seen) -> list[float]:
        if seen == Seen():
            return []
        with transaction.atomic():
            observed.write(seen)
        now = time.time()
        told = [pod.message.removeprefix(STAMP) for pod in seen.pods if pod.message.startswith(STAMP)]
        return [] if seen.complete else [now - float(at) for at in told]

    yield gateway, write
    gateway.close()
