"""Putting pods on nodes, and taking them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..orders import Bind, Eviction, PodReason, Result
from ..seen import SeenPod
from . import decode, manifests
from .calls import CONFLICT, NOT_FOUND, Calls, decoded, pod_path
from .errors import ApiError
from .explaining import explain
from .manifests import FIELD_MANAGER
from .request import STRATEGIC
from .seeing import seen_pod
from .sending import Sender
from .transport import Transport

LONGEST_GRACE_SECONDS = 60
"""A pod that is deleted in spite of a budget has so long to end, whatever it asks for."""


class Acting(Calls):
    """An eviction reads its pod first, and after a conflict both read it."""

    def __init__(self, transport: Transport, *, timeout_seconds: float) -> None:
        super().__init__(transport, timeout_seconds=timeout_seconds)
        self._sender = Sender(transport)

    def bind(self, binds: Sequence[Bind], keep_going: Callable[[], bool]) -> list[Result]:
        return self._sender.send_all(binds, self._bind, keep_going)

    def evict(self, evictions: Sequence[Eviction], keep_going: Callable[[], bool]) -> list[Result]:
        return self._sender.send_all(evictions, self._evict, keep_going)

    def read_pod(self, namespace: str, pod: str, uid: str) -> SeenPod | None:
        found = self.transport.run(self._read(namespace, pod, uid))
        return None if found is None else seen_pod(found)

    def explain(self, why: PodReason) -> bool:
        return self._sender.is_idle and explain(self.call, why)

    async def _bind(self, order: Bind) -> None:
        binding = manifests.binding(
            pod=order.pod,
            namespace=order.namespace,
            uid=order.uid,
            node=order.node,
            decision=order.decision,
            devices=order.devices,
            is_of_job=order.is_of_job,
        )
        try:
            await self.ask("POST", f"{pod_path(order.namespace, order.pod)}/binding", binding)
        except ApiError as error:
            if error.status != CONFLICT:
                raise
            # Bound already: by this very order, whose answer was lost?
            found = await self._read(order.namespace, order.pod, order.uid)
            pod = None if found is None else seen_pod(found)
            if pod is None or (pod.node, pod.decision) != (order.node, order.decision):
                raise

    async def _evict(self, order: Eviction) -> None:
        path = pod_path(order.namespace, order.pod)
        # The server tries for 10 s to evict a pod of another uid before it says no, unless that pod runs.
        pod = await self._read(order.namespace, order.pod, order.uid)
        if pod is None:
            return
        eviction = manifests.eviction(pod=order.pod, namespace=order.namespace, uid=order.uid)
        try:
            await self.ask("POST", f"{path}/eviction", eviction)
        except ApiError as error:
            if error.budget and order.overrides:
                await self._override(order, pod)
            elif error.status not in (NOT_FOUND, CONFLICT) or await self._read(order.namespace, order.pod, order.uid):
                raise

    async def _override(self, order: Eviction, pod: decode.Pod) -> None:
        """Deletes a pod that a budget keeps; its condition first, for by it a Job does not count the pod as failed."""
        path = pod_path(order.namespace, order.pod)
        grace = min(pod.spec.termination_grace_period_seconds, LONGEST_GRACE_SECONDS)
        condition = manifests.disruption(uid=order.uid, message=order.reason)
        try:
            await self.ask(
                "PATCH", f"{path}/status", condition, query={"fieldManager": FIELD_MANAGER}, content_type=STRATEGIC
            )
            await self.ask("DELETE", path, manifests.delete_options(uid=order.uid, grace_seconds=grace))
        except ApiError as error:
            if error.status not in (NOT_FOUND, CONFLICT) or await self._read(order.namespace, order.pod, order.uid):
                raise

    async def _read(self, namespace: str, pod: str, uid: str) -> decode.Pod | None:
        """The pod of that uid; None when it is gone."""
        try:
            found = decoded(await self.ask("GET", pod_path(namespace, pod)), decode.Pod)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found if found.metadata.uid == uid else None
