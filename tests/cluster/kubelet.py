"""A stand-in for the kubelets of all nodes: says of pods what kubelets would say, and runs nothing.

Annotations of a pod tell what becomes of it: `bursar.dev/run-seconds` (it ends after so long; without it, it runs until
it is stopped) and `bursar.dev/exit-code` (what it ends with; 0 without it). Kubelets that obey commands go by what the
pod is to run, where that is `sleep 5`, or `sleep 5; exit 1`.
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import urllib3

from tests.cluster.api import MERGE_PATCH, Api, ApiError, Object

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.05
RETRY_SECONDS = 0.5
WATCH_SECONDS = 60
COMMAND = re.compile(r"sleep (\d+)(?:; exit (\d+))?")


class FakeKubelet:
    """Works in two threads inside the `with` block: one watches pods, the other does what is due.

    A pod takes `termination_seconds` to stop.
    """

    def __init__(self, api: Api, termination_seconds: float = 0, *, obeys: bool = False) -> None:
        self._api = api
        self._termination_seconds = termination_seconds
        self._obeys = obeys
        self._nodes: set[str] = set()
        self._pods: dict[str, Object] = {}
        # Each act is done once per pod uid, although the watch brings its effect later.
        self._done_at: dict[tuple[str, str], float] = {}
        self._stopping = threading.Event()
        # Daemons, because a watch that is quiet when all is over would hold up the end of the tests.
        self._threads = [
            threading.Thread(target=self._repeat, args=(act, pause), daemon=True)
            for act, pause in ((self._watch_pods, 0.0), (self._run_pods, STEP_SECONDS))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()

    def add_node(
        self, name: str, gpus: int = 8, labels: dict[str, str] | None = None, cpus: int = 64, memory_gib: int = 512
    ) -> None:
        """A Ready node with so many `nvidia.com/gpu`; one that is there is left."""
        amounts = {"cpu": str(cpus), "memory": f"{memory_gib}Gi", "pods": "110"}
        if gpus:
            amounts["nvidia.com/gpu"] = str(gpus)
        node = {
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
            "status": {"capacity": amounts, "allocatable": amounts, "conditions": [_condition("Ready")]},
        }
        try:
            self._api.create("/api/v1/nodes", node)
        except ApiError as error:
            # It was asked for before, and the answer was lost.
            if error.status != 409:
                raise
        # Admission taints every new node as not ready; in a real cluster the node-lifecycle controller takes that off.
        self._api.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": None}}, MERGE_PATCH)
        self._nodes.add(name)

    def set_ready(self, name: str, *, is_ready: bool) -> None:
        """What the API server hears of the node's health."""
        condition = _condition("Ready", "True" if is_ready else "False")
        self._api.patch(f"/api/v1/nodes/{name}/status", {"status": {"conditions": [condition]}})

    def remove_node(self, name: str) -> None:
        self._nodes.discard(name)
        self._api.delete(f"/api/v1/nodes/{name}")

    def _repeat(self, act: Callable[[], None], pause: float) -> None:
        while not self._stopping.wait(pause):
            try:
                act()
            # An API server that dies may leave half a line.
            except (ApiError, urllib3.exceptions.HTTPError, ValueError) as error:
                logger.info("Kubelet goes on after: %s", error)
                self._stopping.wait(RETRY_SECONDS)

    def _watch_pods(self) -> None:
        """Know all pods: list, then watch from there until the server ends it."""
        listed = self._api.get("/api/v1/pods")
        self._pods = {pod["metadata"]["uid"]: pod for pod in listed["items"]}
        version = listed["metadata"]["resourceVersion"]
        for event in self._api.watch("/api/v1/pods", resourceVersion=version, timeoutSeconds=str(WATCH_SECONDS)):
            pod = event["object"]
            if event["type"] == "ERROR" or self._stopping.is_set():
                return
            if event["type"] == "DELETED":
                self._pods.pop(pod["metadata"]["uid"], None)
            else:
                self._pods[pod["metadata"]["uid"]] = pod

    def _run_pods(self) -> None:
        for uid, pod in list(self._pods.items()):
            if pod["spec"].get("nodeName") not in self._nodes:
                continue
            try:
                self._run_pod(uid, pod)
            except ApiError as error:
                # Somebody else may have deleted the pod meanwhile, or replaced it by one of the same name.
                if error.status not in (404, 409):
                    raise

    def _run_pod(self, uid: str, pod: Object) -> None:
        now = time.monotonic()
        phase = pod["status"]["phase"]
        has_ended = phase in ("Succeeded", "Failed")
        if "deletionTimestamp" in pod["metadata"]:
            asked_at = self._done_at.setdefault((uid, "ask to stop"), now)
            if now >= asked_at + self._termination_seconds:
                # A Job waits for ever for a pod of its own that vanishes without having ended.
                if not has_ended:
                    self._once(uid, "stop", lambda: self._set_phase(pod, "Failed", exit_code=143))
                body = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
                self._once(uid, "delete", lambda: self._api.delete(_path(pod), body))
        elif phase == "Pending":
            self._once(uid, "run", lambda: self._set_phase(pod, "Running"))
        elif not has_ended:
            run_seconds, exit_code = self._told(pod)
            if now >= self._done_at.setdefault((uid, "run"), now) + run_seconds:
                self._once(uid, "end", lambda: self._set_phase(pod, "Failed" if exit_code else "Succeeded", exit_code))

    def _told(self, pod: Object) -> tuple[float, int]:
        """After so many seconds it ends, with this exit code."""
        command = COMMAND.search(" ".join(pod["spec"]["containers"][0].get("command", ())))
        if self._obeys and command:
            return float(command[1]), int(command[2] or 0)
        annotations = pod["metadata"].get("annotations", {})
        run_seconds = float(annotations.get("bursar.dev/run-seconds", "inf"))
        return run_seconds, int(annotations.get("bursar.dev/exit-code", "0"))

    def _once(self, uid: str, name: str, act: Callable[[], object]) -> None:
        if (uid, name) not in self._done_at:
            act()
            self._done_at[uid, name] = time.monotonic()

    def _set_phase(self, pod: Object, phase: str, exit_code: int = 0) -> None:
        is_running = phase == "Running"
        state = {"running": {"startedAt": _now()}} if is_running else {"terminated": {"exitCode": exit_code}}
        container = {
            "name": pod["spec"]["containers"][0]["name"],
            "image": pod["spec"]["containers"][0]["image"],
            "imageID": "",
            "ready": is_running,
            "restartCount": 0,
            "state": state,
        }
        status = {
            "phase": phase,
            "conditions": [
                _condition(name, "True" if is_running else "False") for name in ("Ready", "ContainersReady")
            ],
            "containerStatuses": [container],
        }
        if is_running:
            status["startTime"] = _now()
        self._api.patch(f"{_path(pod)}/status", {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status})


def _path(pod: Object) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _condition(name: str, status: str = "True") -> Object:
    return {"type": name, "status": status, "reason": "FakeKubelet", "lastTransitionTime": _now()}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
