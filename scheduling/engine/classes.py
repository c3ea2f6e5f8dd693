"""Request classes: pods that ask for the same are alike, so what is true of one is worked out once for all.

A class knows the nodes its rules allow (node selector, affinity, taints) as a bit set over the indexes of nodes, and
what its share of a device is on each kind of node.
"""

from __future__ import annotations

from collections.abc import Sequence

from .types import NODE_NAME, Amounts, Node, Operator, Request, Requirement, Taint, Toleration

WHOLE_MILLI = 1000


class RequestClass:
    """One distinct `Request`, worked out for the nodes of a pool."""

    __slots__ = (
        "amounts", "by_memory", "cpu", "devices", "eligible", "index", "is_share", "is_whole", "memory", "request",
        "requested", "rules_pods", "shares",
    )  # fmt: skip

    def __init__(self, request: Request, index: int, nodes: Sequence[Node], memories: Sequence[int]) -> None:
        """`memories`: the distinct amounts of GPU memory of the nodes' devices, in the order of their kinds."""
        self.request = request
        self.index = index
        self.devices = request.devices
        self.cpu = request.cpu_millicores
        self.memory = request.memory_bytes
        self.by_memory = bool(request.devices and request.device_memory_mib)
        self.is_share = self.by_memory or bool(request.devices and request.device_milli < WHOLE_MILLI)
        self.is_whole = bool(request.devices) and not self.is_share
        known = [memory for memory in memories if memory]
        self.amounts = self.amounts_on(max(known, default=0))
        """What it is charged at least: on the nodes with the largest devices."""
        self.requested = self.amounts_on(min(known, default=0))
        """What counts as asked for: on the nodes with the smallest."""
        self.shares = [_share(request, memory) for memory in memories]
        """The part of one device, in the units of `whole_device`, by kind of node; -1 where it cannot be."""
        self.eligible = 0
        self.rules_pods = bool(request.together or request.apart)

    def amounts_on(self, memory_mib: int) -> Amounts:
        """What a unit is charged for such a pod on a node whose devices have so much memory."""
        if not self.by_memory:
            return self.request.amounts
        each = -(-self.request.device_memory_mib * WHOLE_MILLI // memory_mib) if memory_mib else 0
        return Amounts(self.devices * each, self.cpu, self.memory)


def whole_device(memory_mib: int) -> int:
    """One device in units in which shares by thousandths and by MiB are both whole numbers."""
    return WHOLE_MILLI * (memory_mib or 1)


def _share(request: Request, memory_mib: int) -> int:
    if request.device_memory_mib:
        fits = memory_mib and request.device_memory_mib <= memory_mib
        return request.device_memory_mib * WHOLE_MILLI if fits else -1
    return request.device_milli * (memory_mib or 1)


def eligible_nodes(request: Request, nodes: Sequence[Node], alike: Sequence[Sequence[int]]) -> int:
    """The nodes that are ready and that the rules allow. `alike`: indexes of nodes with equal labels and taints."""
    found = 0
    by_name = any(need.key == NODE_NAME for term in request.nodes for need in term)
    for indexes in alike:
        for group in [[index] for index in indexes] if by_name else [indexes]:
            node = nodes[group[0]]
            if matches(request.nodes, node) and tolerates(request.tolerations, node.taints):
                for index in group:
                    if nodes[index].ready:
                        found |= 1 << index
    return found


def matches(terms: Sequence[Sequence[Requirement]], node: Node) -> bool:
    """All requirements of one of the terms."""
    if not terms:
        return True
    labels = dict(node.labels)
    labels[NODE_NAME] = node.name
    return any(all(_meets(need, labels.get(need.key)) for need in term) for term in terms)


def _meets(need: Requirement, value: str | None) -> bool:
    match need.operator:
        case Operator.IN:
            return value in need.values
        case Operator.NOT_IN:
            return value not in need.values
        case Operator.EXISTS:
            return value is not None
        case Operator.DOES_NOT_EXIST:
            return value is None
    if value is None or not (_is_number(value) and need.values and _is_number(need.values[0])):
        return False
    return int(value) > int(need.values[0]) if need.operator is Operator.GREATER else int(value) < int(need.values[0])


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdecimal()


def tolerates(tolerations: Sequence[Toleration], taints: Sequence[Taint]) -> bool:
    return all(any(_tolerates(toleration, taint) for toleration in tolerations) for taint in taints)


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if not toleration.key:
        return toleration.exists
    return toleration.key == taint.key and (toleration.exists or toleration.value == taint.value)
