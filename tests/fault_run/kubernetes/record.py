"""The cluster's own truth: what the API server tells at its own address, past proxy and code that is watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import urllib3

from scheduling.models import SimObject
from tests.cluster.api import Api, ApiError, Object
from tests.cluster.turmoil import OURS, labels
from tests.fault_run.checks import overbooked
from tests.fault_run.moment import KIND, LATELY_MS, Moment

RETRY_SECONDS = 0.2
WATCH_SECONDS = "60"
DISRUPTED, EVICTED = "DisruptionTarget", "EvictionByEvictionAPI"
PHASES = {"Pending": "pending", "Running": "running", "Succeeded": "completed", "Failed": "failed"}
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@dataclass(frozen=True, slots=True)
class Bound:
    """A pod on a node, as it was first seen there."""

    pod: str
    uid: str
    node: str


class Record:
    """Follows nodes, Jobs and pods in a thread each. Of pods it remembers for good who was bound, and who was evicted.

    `found`: what was wrong at the very moment when a pod was bound.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._items: dict[int, dict[str, SimObject]] = {KIND.NODE: {}, KIND.JOB: {}, KIND.POD: {}}
        self.bound: dict[str, Bound] = {}
        """By uid of the pod."""
        self.evicted: dict[str, str] = {}
        """Names by uid."""
        self.found: list[str] = []
        self._ended = threading.Event()
        kinds: list[tuple[int, str, Callable[[Object], SimObject]]] = [
            (KIND.NODE, "/api/v1/nodes", node_of),
            (KIND.JOB, "/apis/batch/v1/jobs", job_of),
            (KIND.POD, "/api/v1/pods", pod_of),
        ]
        self._threads = [threading.Thread(target=self._repeat, args=kind, daemon=True) for kind in kinds]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Those that wait for news end with the process."""
        self._ended.set()

    @property
    def is_alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def show(self, moment: Moment) -> None:
        with self._lock:
            moment.nodes = dict(self._items[KIND.NODE])
            moment.jobs = {item.uid: item for item in self._items[KIND.JOB].values() if item.uid}
            pods = self._items[KIND.POD]
            for key in [key for key, pod in pods.items() if pod.deleted and (pod.due_ms or 0) < now_ms() - LATELY_MS]:
                del pods[key]
            # Whose owner is not Bursar's, and has no room, is a sign of life.
            moment.pods = [pod for pod in pods.values() if pod.owner or "node" in pod.status]

    def jobs(self) -> list[SimObject]:
        with self._lock:
            return [item for item in self._items[KIND.JOB].values() if item.uid]

    def _repeat(self, kind: int, path: str, shape: Callable[[Object], SimObject]) -> None:
        while not self._ended.is_set():
            try:
                self._follow(kind, path, shape)
            except (ApiError, urllib3.exceptions.HTTPError, ValueError):
                self._ended.wait(RETRY_SECONDS)

    def _follow(self, kind: int, path: str, shape: Callable[[Object], SimObject]) -> None:
        listed = self._api.get(path)
        there = [shape(item) for item in listed["items"]]
        with self._lock:
            gone = self._items[kind].keys() - {_key(item) for item in there}
            for item in (self._items[kind][key] for key in gone):
                self._went(item)
            for item in there:
                self._take(item)
        version = listed["metadata"]["resourceVersion"]
        for event in self._api.watch(path, resourceVersion=version, timeoutSeconds=WATCH_SECONDS):
            if event["type"] == "ERROR" or self._ended.is_set():
                return
            with self._lock:
                self._take(shape(event["object"]))
                if event["type"] == "DELETED":
                    self._went(self._items[kind][_key(shape(event["object"]))])

    def _take(self, item: SimObject) -> None:
        self._items[item.kind][_key(item)] = item
        if item.kind != KIND.POD:
            return
        if item.status.get("is_evicted"):
            self.evicted[item.uid] = item.name
        if "node" in item.status and item.uid not in self.bound:
            self.bound[item.uid] = Bound(item.name, item.uid, item.status["node"])
            moment = Moment(now_ms(), nodes=self._items[KIND.NODE], pods=list(self._items[KIND.POD].values()))
            self.found += [sentence for sentence in overbooked(moment) if sentence not in self.found]

    def _went(self, item: SimObject) -> None:
        """A node keeps its place: what is bound to it may find it again."""
        if item.kind == KIND.JOB:
            self._items[KIND.JOB].pop(_key(item), None)
        elif item.kind == KIND.POD and not item.deleted:
            item.deleted, item.due_ms = True, now_ms()


def _key(item: SimObject) -> str:
    """A Job's own name, as the uid is that of its workload."""
    return item.uid if item.kind == KIND.POD else item.name


def node_of(node: Object) -> SimObject:
    amounts = node["status"].get("allocatable", {})
    spec = {
        "gpu_count": int(amounts.get("nvidia.com/gpu", "0")),
        "cpu_millicores": millicores(amounts.get("cpu", "0")),
        "memory_bytes": whole_bytes(amounts.get("memory", "0")),
    }
    return SimObject(kind=KIND.NODE, uid=node["metadata"]["uid"], name=node["metadata"]["name"], spec=spec)


def job_of(job: Object) -> SimObject:
    """Under the uid of its workload."""
    conditions = {each["type"] for each in job["status"].get("conditions", ()) if each["status"] == "True"}
    state = "completed" if "Complete" in conditions else "failed" if "Failed" in conditions else "active"
    if state == "active" and job["spec"].get("suspend"):
        state = "stopped"
    metadata = job["metadata"]
    status = {"state": state, "deleting": "deletionTimestamp" in metadata}
    status["done"] = job["status"].get("succeeded", 0)
    return SimObject(kind=KIND.JOB, uid=labels(job).get(OURS, ""), name=metadata["name"], status=status)


def pod_of(pod: Object) -> SimObject:
    metadata, spec = pod["metadata"], pod["spec"]
    notes = metadata.get("annotations", {})
    asked = [container.get("resources", {}).get("requests", {}) for container in spec.get("containers", ())]
    status: Object = {"phase": PHASES.get(pod["status"].get("phase", ""), "running")}
    if "nodeName" in spec:
        status |= {"node": spec["nodeName"], "devices": notes.get("bursar.dev/devices", "")}
        status["decision"] = int(notes.get("bursar.dev/decision", "0"))
    if "deletionTimestamp" in metadata:
        status["deleting_ms"] = int(datetime.fromisoformat(metadata["deletionTimestamp"]).timestamp() * 1000)
    reasons = [each.get("reason") for each in pod["status"].get("conditions", ()) if each["type"] == DISRUPTED]
    status["is_evicted"] = EVICTED in reasons
    return SimObject(
        kind=KIND.POD,
        uid=metadata["uid"],
        name=metadata["name"],
        owner=labels(pod).get(OURS, ""),
        status=status,
        spec={
            # When an answer to it is lost, the Job controller may make a pod twice; it takes one away again.
            "index": metadata["name"],
            "devices": sum(int(each.get("nvidia.com/gpu", "0")) for each in asked),
            "device_milli": 1000,
            "cpu_millicores": sum(millicores(each.get("cpu", "0")) for each in asked),
            "memory_bytes": sum(whole_bytes(each.get("memory", "0")) for each in asked),
        },
    )


def millicores(text: str) -> int:
    return int(text.removesuffix("m")) if text.endswith("m") else int(text) * 1000


def whole_bytes(text: str) -> int:
    return int(text[:-2]) * UNITS[text[-2:]] if text[-2:] in UNITS else int(text)


def now_ms() -> int:
    return int(time.time() * 1000)
