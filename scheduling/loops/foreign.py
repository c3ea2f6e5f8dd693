"""Pods of others: they take room on nodes, and only their sums are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from scheduling.clusters.seen import PodPhase, SeenPod


class Foreign(NamedTuple):
    """What pods of others take on a node."""

    gpu_milli: int = 0
    cpu_millicores: int = 0
    memory_bytes: int = 0
    pods: int = 0


class ForeignPods:
    """The pods of others that one watch has shown, by node."""

    def __init__(self) -> None:
        self._node_of: dict[str, str] = {}
        self._on_node: dict[str, dict[str, SeenPod]] = defaultdict(dict)
        self._touched: set[str] = set()

    def restart(self, nodes: Iterable[str]) -> None:
        """Before a complete listing; the sums on these nodes may be out of date."""
        self._node_of.clear()
        self._on_node.clear()
        self._touched |= set(nodes)

    def remember(self, pod: SeenPod) -> None:
        self.forget(pod.uid)
        if pod.node and pod.phase in (PodPhase.PENDING, PodPhase.RUNNING):
            self._node_of[pod.uid] = pod.node
            self._on_node[pod.node][pod.uid] = pod
            self._touched.add(pod.node)

    def forget(self, uid: str) -> None:
        node = self._node_of.pop(uid, None)
        if node is not None:
            del self._on_node[node][uid]
            self._touched.add(node)

    def changes(self) -> dict[str, Foreign]:
        """The sums that may have changed since the last call, by the nodes' names."""
        sums = {}
        for node in self._touched:
            pods = self._on_node[node].values()
            sums[node] = Foreign(
                sum(pod.gpu_milli for pod in pods),
                sum(pod.cpu_millicores for pod in pods),
                sum(pod.memory_bytes for pod in pods),
                len(pods),
            )
        self._touched.clear()
        return sums
