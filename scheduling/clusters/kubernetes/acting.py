"""Putting pods on nodes, and taking them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..gateway import Bind, Eviction, PodReason, Result, SeenPod
from . import decode, manifests
from .calls import CONFLICT, NOT_FOUND, Calls, decoded, pod_path
from .errors import ApiError
from .explaining import explain
from .seeing import seen_pod
from .sending import Sender
from .transport import Transport


class Acting(Calls):
    """An eviction reads its pod first, and after a conflict both read it."""

    def __init__(self, transport: Transport, *, timeout_seconds: float) -> None:
        super().__init__(transport, timeout_seconds=timeout_seconds)
        self._sender = Sender()

    def bind(self, binds: Sequence[Bind], keep_going: Callable[[], bool]) -> list[Result]:
        return self._sender.send_all(binds, self._bind, keep_going)

    def evict(self, evictions: Sequence[Eviction], keep_going: Callable[[], bool]) -> list[Result]:
        return self._sender.send_all(evictions, self._evict, keep_going)

    def read_pod(self, namespace: str, pod: str, uid: str) -> SeenPod | None:
        try:
            found = seen_pod(decoded(self.call("GET", pod_path(namespace, pod)), decode.Pod))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found if found.uid == uid else None

    def explain(self, why: PodReason) -> bool:
        return self._sender.is_idle and explain(self.call, why)

    def close(self) -> None:
        self._sender.close()

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
            self.call("POST", f"{pod_path(order.namespace, order.pod)}/binding", binding)
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
            self.call("POST", f"{pod_path(order.namespace, order.pod)}/eviction", eviction)
        except ApiError as error:
            if error.status not in (NOT_FOUND, CONFLICT):
                raise
            if self.read_pod(order.namespace, order.pod, order.uid) is not None:
                raise
