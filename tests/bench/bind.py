"""Binding on a real API server: a bare loop of calls, kube-scheduler and Bursar, one after the other on one server."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.bench.database import empty_database
from tests.bench.measure import Figure, measurement
from tests.cluster.api import MERGE_PATCH, Object
from tests.cluster.build import CONTROL_PLANE, BuildError, ensure_binaries
from tests.cluster.control_plane import ControlPlane
from tests.cluster.shipped import shipped_kubeconfig
from tests.cluster.waiting import eventually
from tests.harness.servers import postgres, postgres_bin, redis

if TYPE_CHECKING:
    from scheduling.clusters.kubernetes.credentials import Credentials

NODES, GPUS, PODS, PODS_EACH = 1000, 32, 5000, 50
"""PODS_EACH: of a workload, which start together."""
IN_FLIGHT = 16
LONGEST_SECONDS = 600
NAMESPACE = "bursar-bench"
NAME = re.compile(rb'"metadata":{"name":"([^"]+)"')
PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"


@measurement
def bind() -> Iterator[Figure]:
    """Binds per second, from when the pods are there to the last bound, and the processor time of each bind."""
    try:
        ensure_binaries(CONTROL_PLANE)
    except BuildError as error:
        print(f"No binds measured: {error}")
        return
    if postgres_bin() is None:
        return
    with _servers(), empty_database(), ControlPlane() as control_plane:
        credentials = _prepare(control_plane)
        bare: dict[str, float] = {}
        for name, send in (("threads", _with_threads), ("aiohttp", _with_aiohttp)):
            bare[name], cpu_ms = _bare(control_plane, name, partial(send, credentials))
            yield Figure(f"bare loop, {name}", bare[name], "/s")
            yield Figure(f"bare loop, {name}: client's CPU of a bind", cpu_ms, "ms")
        best = max(bare.values())
        theirs, theirs_whole, cpu_ms = _kube_scheduler(control_plane)
        yield Figure("kube-scheduler, from its first bind to its last", theirs, "/s")
        yield Figure("kube-scheduler, from its start to its last bind", theirs_whole, "/s")
        yield Figure("kube-scheduler: CPU of a bind", cpu_ms, "ms")
        phase, first, whole, cpu_ms = _bursar(control_plane, credentials)
        yield Figure("Bursar, bind phase", phase, "/s")
        yield Figure("Bursar, bind phase to the bare loop", phase / best, "", 0.8, at_least=True)
        yield Figure("Bursar, from pods to the last bound", whole, "/s")
        yield Figure("Bursar, all of it to the bare loop", whole / best, "", 0.5, at_least=True)
        yield Figure("Bursar, all of it to kube-scheduler from its first bind", whole / theirs, "", 2, at_least=True)
        yield Figure("Bursar to kube-scheduler, both from their start", whole / theirs_whole, "")
        yield Figure("Bursar to kube-scheduler, both from their first bind", first / theirs, "")
        yield Figure("Bursar: CPU of a bind, all of it", cpu_ms, "ms")


@contextmanager
def _servers() -> Iterator[None]:
    """PostgreSQL and Redis, and the settings that say so."""
    with postgres() as database, redis() as broker:
        os.environ |= {"BURSAR_DATABASE_URL": database, "BURSAR_REDIS_URL": broker, "BURSAR_TEST_EMBEDDED": "0"}
        yield


def _prepare(control_plane: ControlPlane) -> Credentials:
    """Nodes that are ready, the namespace, and the account that ships for Bursar."""
    from scheduling.clusters.kubernetes.kubeconfig import parse_kubeconfig

    api = control_plane.api
    amounts = {"cpu": "256", "memory": "2048Gi", "pods": "250", "nvidia.com/gpu": str(GPUS)}
    ready = {"type": "Ready", "status": "True", "reason": "Bench", "lastTransitionTime": "2026-01-01T00:00:00Z"}

    def add(number: int) -> None:
        name = f"node-{number}"
        status = {"capacity": amounts, "allocatable": amounts, "conditions": [ready]}
        api.create("/api/v1/nodes", {"metadata": {"name": name}, "status": status})
        api.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": None}}, MERGE_PATCH)

    labels = {"bursar.dev/project": "bench"}
    api.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
    eventually(lambda: api.items(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"))
    _at_once(add, range(NODES))
    return parse_kubeconfig(shipped_kubeconfig(control_plane, more=[]), allow_local=True)


def _at_once(act: Callable[[Any], object], items: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, items))


def _create(control_plane: ControlPlane, run: str, scheduler: str, labels: list[dict[str, str]]) -> list[Object]:
    """A pod of one GPU for each of the labels."""
    amounts = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"}
    container = {"name": "main", "image": "busybox", "resources": {"requests": amounts, "limits": amounts}}
    made: list[Object] = []

    def add(item: tuple[int, dict[str, str]]) -> None:
        number, more = item
        metadata = {"name": f"{run}-{number}", "labels": {"run": run, **more}}
        spec = {"schedulerName": scheduler, "containers": [container]}
        made.append(control_plane.api.create(PATH, {"metadata": metadata, "spec": spec}))

    _at_once(add, enumerate(labels))
    # Into which run the server's own collection falls, chance would decide.
    urllib.request.urlopen(
        f"{control_plane.address}/debug/pprof/heap?gc=1", context=_admin(control_plane.folder)
    ).read()
    return made


class Watcher:
    """Somebody watches the pods of a run in a process of its own, as schedulers do: that too is the server's work, and
    tells when the last is bound. To ask the server would make it read all pods each time."""

    def __init__(self, control_plane: ControlPlane, run: str, pods: int) -> None:
        arguments = [control_plane.address, str(control_plane.folder), run, str(pods)]
        self.process = subprocess.Popen([sys.executable, "-m", "tests.bench.bind", *arguments], stdout=subprocess.PIPE)
        assert self._said() == 0

    def _said(self) -> float:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "The watcher died"
        return float(line)

    def first(self) -> float:
        """When one was bound, by the monotonic clock. Waits for it."""
        return self._said()

    def last(self) -> float:
        """When all were. After `first`."""
        bound = self._said()
        self.process.wait()
        return bound


def watch_pods(address: str, folder: Path, run: str, pods: int) -> None:
    """Says 0 when it watches, and when the first and the last of so many pods were bound."""
    selected = f"labelSelector=run%3D{run}&fieldSelector=spec.nodeName!%3D"
    request = urllib.request.Request(f"{address}/api/v1/pods?watch=1&resourceVersion=0&{selected}")
    seen: set[bytes] = set()
    with urllib.request.urlopen(request, context=_admin(folder), timeout=LONGEST_SECONDS) as answer:
        print(0, flush=True)
        for line in answer:
            if not seen:
                print(time.monotonic(), flush=True)
            seen.update(NAME.findall(line))
            if len(seen) == pods:
                break
    print(time.monotonic(), flush=True)


def _admin(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(str(folder / "admin.crt"), str(folder / "admin.key"))
    return context


def _clear(control_plane: ControlPlane, run: str) -> None:
    """The next run finds a cluster that is as empty: what the server keeps in memory costs it time."""
    of_run = {"labelSelector": f"run={run}"}
    while control_plane.api.items(PATH, limit="1", **of_run):
        control_plane.api.delete(f"{PATH}?{urlencode(of_run | {'limit': '1000'})}", {"gracePeriodSeconds": 0})


def _bare(
    control_plane: ControlPlane, run: str, send: Callable[[list[tuple[str, bytes]]], None]
) -> tuple[float, float]:
    """Binds a second, and ms of processor time of each, with nothing but the call."""
    import msgspec

    from scheduling.clusters.kubernetes import manifests

    pods = _create(control_plane, run, "nobody", [{}] * PODS)
    calls = []
    for number, pod in enumerate(pods):
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        node = f"node-{number % NODES}"
        body = manifests.binding(pod=name, namespace=NAMESPACE, uid=uid, node=node, decision=number, devices="0")
        calls.append((f"{PATH}/{name}/binding", msgspec.json.encode(body)))
    watcher = Watcher(control_plane, run, PODS)
    begun, cpu = time.monotonic(), time.process_time()
    send(calls)
    seconds, cpu = time.monotonic() - begun, time.process_time() - cpu
    watcher.first(), watcher.last()
    _clear(control_plane, run)
    return len(calls) / seconds, cpu / len(calls) * 1000


def _with_threads(credentials: Credentials, calls: list[tuple[str, bytes]]) -> None:
    from scheduling.clusters.kubernetes.request import Request
    from scheduling.clusters.kubernetes.transport import Transport

    transport = Transport(credentials, connections=IN_FLIGHT, allow_local=True)
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(lambda call: transport.send(Request("POST", call[0], 10, call[1])), calls))
    transport.close()


def _with_aiohttp(credentials: Credentials, calls: list[tuple[str, bytes]]) -> None:
    import asyncio

    import aiohttp

    async def send() -> None:
        waiting = iter(calls)
        context = ssl.create_default_context(cadata=credentials.ca_data.decode())
        connector = aiohttp.TCPConnector(ssl=context, limit=IN_FLIGHT)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {credentials.token}"}
        async with aiohttp.ClientSession(credentials.server, connector=connector, headers=headers) as session:

            async def work() -> None:
                for path, body in waiting:
                    async with session.post(path, data=body) as answer:
                        answer.raise_for_status()
                        await answer.read()

            await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))

    asyncio.run(send())


def _kube_scheduler(control_plane: ControlPlane) -> tuple[float, float, float]:
    """Binds a second from its first to its last, and from its start; ms of processor time of each."""
    _create(control_plane, "theirs", "default-scheduler", [{}] * PODS)
    watcher = Watcher(control_plane, "theirs", PODS)
    started = time.monotonic()
    process = control_plane.start_scheduler()
    begun = watcher.first()
    cpu = _cpu_seconds(process)
    ended = watcher.last()
    cpu = _cpu_seconds(process) - cpu
    control_plane.stop_scheduler()
    _clear(control_plane, "theirs")
    return PODS / (ended - begun), PODS / (ended - started), cpu / PODS * 1000


def _bursar(control_plane: ControlPlane, credentials: Credentials) -> tuple[float, float, float, float]:
    """Binds a second while it binds, from its first to its last, and from its start with the pods there; ms of
    processor time of each."""
    from portal.collector import collect_rarely
    from scheduling.clusters.registry import make_ready
    from scheduling.loops.actor import Actor
    from scheduling.loops.supervisor import supervise

    labels = _workloads(control_plane, credentials)
    _create(control_plane, "ours", "bursar", labels)
    acts: list[tuple[float, float]] = []
    act = Actor.act

    def timed(self: Actor, *arguments: Any) -> int:
        begun = time.monotonic()
        sent = act(self, *arguments)
        if sent:
            acts.append((begun, time.monotonic()))
        return sent

    Actor.act = timed  # type: ignore[method-assign]
    stop = threading.Event()
    worker = threading.Thread(target=supervise, args=(stop,))
    # As a worker process begins, before there is anything to do.
    collect_rarely()
    make_ready()
    watcher = Watcher(control_plane, "ours", PODS)
    begun, cpu = time.monotonic(), time.process_time()
    worker.start()
    try:
        first = watcher.first()
        ended = watcher.last()
        cpu = time.process_time() - cpu
    finally:
        stop.set()
        worker.join()
        Actor.act = act  # type: ignore[method-assign]
    phase = sum(end - begin for begin, end in acts)
    return PODS / phase, PODS / (ended - first), PODS / (ended - begun), cpu / PODS * 1000


def _workloads(control_plane: ControlPlane, credentials: Credentials) -> list[dict[str, str]]:
    """Workloads that are submitted and have their Jobs; labels of the pods that are to come."""
    from orgs.models import ClusterInfo
    from orgs.secrets import encrypt
    from tests import factories as make

    cluster = make.make_cluster("bench", ClusterInfo.Mode.KUBERNETES)
    ClusterInfo.objects.filter(pk=cluster.pk).update(credentials=encrypt(credentials.dump()))
    project = make.make_project("bench", make.make_department("bench", cluster))
    pool = make.default_pool_of(cluster)
    labels: list[dict[str, str]] = []
    for number in range(PODS // PODS_EACH):
        name = f"work-{number}"
        workload = make.make_workload(name, project, pool, gpus=1, pods=PODS_EACH, applied=True)
        own = {"bursar.dev/workload": str(workload.uid), "bursar.dev/sub-group": "workers"}
        own |= {"bursar.dev/pool": pool.name, "bursar.dev/project": project.name}
        # Asks for no pods: they come from here, all at once. Not suspended, for then it would be made to go on.
        template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}}
        job = {"metadata": {"name": name, "labels": own}, "spec": {"parallelism": 0, "template": template}}
        control_plane.api.create(f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs", job)
        labels += [own] * PODS_EACH
    return labels


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    watch_pods(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
