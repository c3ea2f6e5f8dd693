"""The gateway to a real Kubernetes cluster."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Event
from typing import TypeVar

import msgspec

from orgs.names import SYSTEM_NAMESPACE

from ..access import CLUSTER_ROLES, POLICIES
from ..gateway import Bind, Eviction, GatewayError, PoolLabel, Result, Seen, SeenPod, WorkloadObject
from . import decode, manifests
from .batch import Batch
from .credentials import Credentials
from .errors import ApiError
from .official import OfficialClient
from .reflector import KINDS, Change, Reflector
from .seeing import seen_pod
from .sending import CALLS_IN_FLIGHT, Sender
from .transport import APPLY, JSON, MERGE, Transport

BATCH_SIZE = 1000
BATCH_SECONDS = 0.2
# Changes that wait for the observer; beyond that the cluster has to keep them.
MAX_WAITING_CHANGES = 10_000
STOP_SECONDS = 2.0
NOT_FOUND, CONFLICT, UNPROCESSABLE = 404, 409, 422

T = TypeVar("T")


class KubernetesGateway:
    """Implements `Gateway`. `allow_local` admits a cluster on this host.

    A call takes at most `call_timeout_seconds`. An eviction reads its pod first, and after a conflict both read it.
    """

    def __init__(self, credentials: Credentials, *, call_timeout_seconds: float, allow_local: bool) -> None:
        connections = CALLS_IN_FLIGHT + len(KINDS) + 1
        self._transport = Transport(credentials, connections=connections, allow_local=allow_local)
        self._timeout_seconds = call_timeout_seconds
        self._sender = Sender()

    def check(self) -> str:
        """The server's version, once it is one that Bursar works with and grants what Bursar needs."""
        client = OfficialClient(self._transport, self._timeout_seconds)
        version = client.version()
        client.require_rights()
        return version

    def watch(self, stop: Event) -> Iterator[Seen]:
        """The first batch that is not empty holds all nodes, pods and objects."""
        changes: queue.Queue[Change] = queue.Queue(MAX_WAITING_CHANGES)
        ended = Event()
        reflectors = [Reflector(self._transport, kind, changes, ended) for kind in KINDS]
        for reflector in reflectors:
            reflector.start()
        batch = Batch()
        has_begun = False
        try:
            while not stop.is_set():
                _fill(batch, changes)
                if has_begun or len(batch.complete) == len(KINDS):
                    has_begun = True
                    yield batch.seen()
                    batch = Batch()
                else:
                    yield Seen()
        finally:
            ended.set()
            for reflector in reflectors:
                reflector.interrupt()
            for reflector in reflectors:
                reflector.join(STOP_SECONDS)

    def bind(self, binds: Sequence[Bind], keep_going: Callable[[], bool]) -> list[Result]:
        return self._sender.send_all(binds, self._bind, keep_going)

    def evict(self, evictions: Sequence[Eviction], keep_going: Callable[[], bool]) -> list[Result]:
        return self._sender.send_all(evictions, self._evict, keep_going)

    def read_pod(self, namespace: str, pod: str, uid: str) -> SeenPod | None:
        try:
            found = seen_pod(_decode(self._call("GET", _pod_path(namespace, pod)), decode.Pod))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found if found.uid == uid else None

    def apply_namespace(self, name: str, project: str, *, adopted: bool = False) -> None:
        if SYSTEM_NAMESPACE.fullmatch(name):
            raise GatewayError(f"The namespace {name} belongs to the cluster itself: choose another.")
        path = f"/api/v1/namespaces/{name}"
        give = f"kubectl label namespace {name} {manifests.PROJECT}={project}"
        try:
            found = _decode(self._call("GET", path), decode.Labelled).metadata
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
            if adopted:
                raise GatewayError(
                    f"There is no namespace {name}: whoever administers the cluster creates it, then runs: {give}"
                ) from error
        else:
            if found.deletion_timestamp is not None:
                raise GatewayError(f"The namespace {name} is being deleted: try again when it is gone.")
            owner = found.labels.get(manifests.PROJECT)
            if owner is None:
                # People of the project get rights in it: that is for others than the project's to allow.
                raise GatewayError(
                    f"The namespace {name} is there already: whoever administers the cluster gives it to the project "
                    f"by: {give}"
                )
            if owner != project:
                raise GatewayError(f"The namespace {name} belongs to the project {owner}: choose another.")
        if not adopted:
            self._apply(path, manifests.namespace(name, project))

    def access_missing(self) -> tuple[str, ...]:
        admission = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
        paths = {name: [f"{manifests.RBAC}/clusterroles/{name}"] for name in CLUSTER_ROLES}
        paths |= {name: [f"{admission}ies/{name}", f"{admission}ybindings/{name}"] for name in POLICIES}
        return tuple(name for name, needed in paths.items() if not all(map(self._is_there, needed)))

    def apply_binding(self, namespace: str, role: str, people: Sequence[str]) -> None:
        path = _binding_path(namespace, role)
        manifest = manifests.role_binding(namespace=namespace, role=role, people=people)
        try:
            self._apply(path, manifest)
        except ApiError as error:
            if error.status != UNPROCESSABLE:
                raise
            # Somebody put one to another role in its place, and that of a binding cannot be changed.
            self.delete_binding(namespace, role)
            self._apply(path, manifest)

    def delete_binding(self, namespace: str, role: str) -> None:
        try:
            self._call("DELETE", _binding_path(namespace, role))
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def apply_workload(self, workload: WorkloadObject) -> None:
        path = _job_path(workload.namespace, workload.name, workload.uid)
        try:
            applied = self._apply(path, manifests.job(workload))
        except ApiError as error:
            # A Job's pods cannot be changed once it is there, and need not: what is there was ours from the start.
            if error.status == UNPROCESSABLE and self._holds_job(path, workload.uid):
                return
            raise
        if _decode(applied, decode.Job).metadata.deletion_timestamp is not None:
            raise GatewayError(f"{workload.name} is still being stopped: it can start again when its pods are gone.")

    def label_pool(self, label: PoolLabel) -> None:
        """The template of a Job cannot be changed once it is there, so pods that it makes later are labelled again."""
        self._label(_job_path(label.namespace, label.name, label.uid), {}, label.pool)
        for pod, uid in label.pods:
            self._label(_pod_path(label.namespace, pod), {"uid": uid}, label.pool)

    def delete_workload(self, namespace: str, name: str, uid: str) -> None:
        # In the foreground: the Job stays until its pods are gone, so that a new start cannot overlap with them.
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        try:
            self._call("DELETE", _job_path(namespace, name, uid), body)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def close(self) -> None:
        self._sender.close()
        self._transport.close()

    def _bind(self, order: Bind) -> None:
        binding = manifests.binding(
            pod=order.pod,
            namespace=order.namespace,
            uid=order.uid,
            node=order.node,
            decision=order.decision,
            devices=order.devices,
        )
        try:
            self._call("POST", f"{_pod_path(order.namespace, order.pod)}/binding", binding)
        except ApiError as error:
            if error.status != CONFLICT:
                raise
            # Bound already: by this very order, whose answer was lost?
            pod = self.read_pod(order.namespace, order.pod, order.uid)
            if pod is None or (pod.node, pod.decision) != (order.node, order.decision):
                raise

    def _evict(self, order: Eviction) -> None:
        # The server tries for 10 s to evict a pod of another uid before it says no, unless that pod runs.
        if self.read_pod(order.namespace, order.pod, order.uid) is None:
            return
        eviction = manifests.eviction(pod=order.pod, namespace=order.namespace, uid=order.uid)
        try:
            self._call("POST", f"{_pod_path(order.namespace, order.pod)}/eviction", eviction)
        except ApiError as error:
            if error.status not in (NOT_FOUND, CONFLICT):
                raise
            if self.read_pod(order.namespace, order.pod, order.uid) is not None:
                raise

    def _is_there(self, path: str) -> bool:
        try:
            self._call("GET", path)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return True

    def _holds_job(self, path: str, uid: str) -> bool:
        try:
            metadata = _decode(self._call("GET", path), decode.Job).metadata
        except ApiError as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return metadata.labels.get(manifests.WORKLOAD) == uid and metadata.deletion_timestamp is None

    def _label(self, path: str, precondition: Mapping[str, str], pool: str) -> None:
        patch = {"metadata": {**precondition, "labels": {manifests.POOL: pool}}}
        try:
            self._call("PATCH", path, patch, query={"fieldManager": manifests.FIELD_MANAGER}, content_type=MERGE)
        except ApiError as error:
            # Gone, or another of that name by now.
            if error.status not in (NOT_FOUND, CONFLICT, UNPROCESSABLE):
                raise

    def _apply(self, path: str, manifest: manifests.Manifest) -> bytes:
        query = {"fieldManager": manifests.FIELD_MANAGER, "force": "true"}
        return self._call("PATCH", path, manifest, query=query, content_type=APPLY)

    def _call(
        self,
        method: str,
        path: str,
        body: manifests.Manifest | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
    ) -> bytes:
        content = None if body is None else msgspec.json.encode(body)
        return self._transport.request(
            method, path, content, query=query, content_type=content_type, timeout_seconds=self._timeout_seconds
        )


def _fill(batch: Batch, changes: queue.Queue[Change]) -> None:
    """Gather changes until the batch is full or its time is over. Raises the error that ended the following."""
    deadline = time.monotonic() + BATCH_SECONDS
    while len(batch) < BATCH_SIZE and (remaining := deadline - time.monotonic()) > 0:
        try:
            change = changes.get(timeout=remaining)
        except queue.Empty:
            return
        if isinstance(change, GatewayError):
            raise change
        batch.add(change)


def _decode(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise GatewayError(f"The answer is not one of Kubernetes: {error}") from error


def _pod_path(namespace: str, pod: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods/{pod}"


def _binding_path(namespace: str, role: str) -> str:
    return f"{manifests.RBAC}/namespaces/{namespace}/rolebindings/{role}"


def _job_path(namespace: str, name: str, uid: str) -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs/{manifests.job_name(name, uid)}"
