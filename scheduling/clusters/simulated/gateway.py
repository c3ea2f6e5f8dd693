"""The simulated cluster's gateway: like an API server, with rows for objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.orders import (
    Bind,
    Eviction,
    Outcome,
    PodReason,
    PoolLabel,
    Result,
    WorkloadKey,
    WorkloadObject,
)
from scheduling.clusters.seen import Health, LogLine, Seen, SeenNamespace, SeenObject, SeenPod, Told
from scheduling.models import SimObject

from . import life
from .bind import bind_pod
from .seen import seen, seen_object, seen_pod
from .store import KIND, objects, writing

WATCH_SECONDS = 0.2
BATCH = 1000
NOTHING = "The cluster is simulated and runs nothing:"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class SimulatedGateway:
    """One simulated cluster. Everything is in the database, so any number of processes may use it at once.

    Its time passes while somebody watches it.
    """

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self._changed = Event()
        """Lets the watch of this process look at once."""

    def check(self) -> str:
        return "simulated"

    def require_rights(self) -> None:
        """None are needed."""

    def identity(self) -> str:
        return ""

    def health(self) -> Health:
        return Health()

    def watch(self, stop: Event) -> Iterator[Seen]:
        asked_at = time.monotonic()
        items = list(objects(self.cluster))
        version = max((item.resource_version for item in items), default=0)
        yield seen(items, asked_at)
        while not stop.is_set():
            self._changed.wait(WATCH_SECONDS)
            self._changed.clear()
            self.tick(now_ms())
            changed = SimObject.objects.filter(cluster_id=self.cluster, resource_version__gt=version)
            items = list(changed.exclude(kind=KIND.CLOCK).order_by("resource_version")[:BATCH])
            if items:
                version = items[-1].resource_version
            yield seen(items)

    def tick(self, now: int) -> None:
        """Lets happen what is due at `now`, in ms since the epoch."""
        if life.due(self.cluster, now).exists():
            with writing(self.cluster) as change:
                life.tick(change, now)

    def bind(self, binds: Sequence[Bind], keep_going: Callable[[], bool]) -> list[Result]:
        results = []
        for bind in binds:
            with writing(self.cluster) as change:
                # Asked inside: who is frozen after it loses the transaction before anybody takes over.
                if not keep_going():
                    results.append(Result(bind.decision, Outcome.NOT_SENT))
                    continue
                refusal = bind_pod(change, bind, now_ms())
            results.append(Result(bind.decision, Outcome.FAILED if refusal else Outcome.CONFIRMED, refusal))
        self._changed.set()
        return results

    def evict(self, evictions: Sequence[Eviction], keep_going: Callable[[], bool]) -> list[Result]:
        results = []
        for eviction in evictions:
            with writing(self.cluster) as change:
                if not keep_going():
                    results.append(Result(eviction.decision, Outcome.NOT_SENT))
                    continue
                pod = change.get(KIND.POD, eviction.uid)
                if pod:
                    life.stop_pod(change, pod, now_ms())
            results.append(Result(eviction.decision, Outcome.CONFIRMED))
        self._changed.set()
        return results

    def read_pod(self, namespace: str, pod: str, uid: str) -> SeenPod | None:
        found = objects(self.cluster, KIND.POD).filter(uid=uid).first()
        return seen_pod(found) if found else None

    def apply_namespace(self, name: str, project: str, *, adopted: bool = False) -> SeenNamespace:
        """There is nothing to create: a name is enough."""
        return SeenNamespace(name, name, project)

    def access_missing(self) -> tuple[str, ...]:
        return ()

    def apply_binding(self, namespace: str, role: str, people: Sequence[str]) -> None:
        """Nobody works in it but through the pages."""

    def delete_binding(self, namespace: str, role: str) -> None:
        """There is none."""

    def apply_workload(self, workload: WorkloadObject) -> SeenObject:
        with writing(self.cluster) as change:
            if found := change.get(KIND.JOB, workload.uid):
                return seen_object(found)
            spec = {
                "namespace": workload.namespace,
                "pool": workload.pool,
                "groups": [
                    {
                        "sub_group": group.name,
                        "pods": group.pods,
                        "devices": group.devices,
                        "device_milli": group.device_milli,
                        "device_memory_mib": group.device_memory_mib,
                        "cpu_millicores": group.cpu_millicores,
                        "memory_bytes": group.memory_bytes,
                    }
                    for group in workload.groups
                ],
                "run_seconds": workload.extra.get("run_seconds"),
                "fail_after_seconds": workload.extra.get("fail_after_seconds"),
            }
            job = SimObject(cluster_id=self.cluster, kind=KIND.JOB, uid=workload.uid, name=workload.name, spec=spec)
            job.status, job.due_ms = {"state": "active"}, now_ms()
            change.save(job)
        self._changed.set()
        return seen_object(job)

    def wake_workload(self, workload: WorkloadKey, groups: Sequence[str]) -> None:
        """What makes pods here never loses count."""

    def label_pool(self, label: PoolLabel) -> None:
        with writing(self.cluster) as change:
            found = [change.get(KIND.JOB, label.workload.uid), *(change.get(KIND.POD, uid) for _, uid in label.pods)]
            for item in found:
                if item and item.spec["pool"] != label.pool:
                    item.spec["pool"] = label.pool
                    change.save(item)
        self._changed.set()

    def explain(self, why: PodReason) -> bool:
        """Nobody looks at its pods but through the pages."""
        return True

    def start_workload(self, workload: WorkloadKey, pods: int) -> None:
        """Nothing is found in it."""

    def stop_workload(self, workload: WorkloadKey) -> None:
        """A job that goes on later there is none."""
        self.delete_workload(workload)

    def delete_workload(self, workload: WorkloadKey) -> None:
        with writing(self.cluster) as change:
            job = change.get(KIND.JOB, workload.uid)
            if job and not job.status.get("deleting"):
                job.status["deleting"], job.due_ms = True, now_ms()
                change.save(job)
        self._changed.set()

    def read_log(self, namespace: str, pod: str, lines: int, after_ns: int = 0) -> list[LogLine]:
        raise GatewayError(f"{NOTHING} its pods write nothing.")

    def read_events(self, workload: WorkloadKey) -> list[Told]:
        raise GatewayError(f"{NOTHING} what happened is on the first tab.")

    def read_manifest(self, workload: WorkloadKey) -> str:
        raise GatewayError(f"{NOTHING} a workload has no object in it.")

    def close(self) -> None:
        """Holds no connection of its own."""
