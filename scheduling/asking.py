"""What a forecast is made from: what is asked for, how units stand, and what room a pool has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scheduling.engine.arithmetic import RESOURCES
from scheduling.engine.types import NOTHING, Amounts, Bounds, Request
from scheduling.quantities import DEVICE_MILLI, device_share_milli

NO_QUOTA = Bounds(0, None, None)
NO_LIMIT = Bounds()


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: pods that all ask for the same, so many of which must start together."""

    request: Request
    pods: int
    min_members: int
    preemptible: bool
    others: tuple[tuple[Request, int, int], ...] = ()
    """Further groups of pods that start with it: request, pods, and how many start together."""
    node_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def least(self) -> Amounts:
        """What has to be there for it to start at all."""
        groups = [(self.request, self.min_members), *((request, minimum) for request, _, minimum in self.others)]
        return Amounts(
            *(
                sum(amounts[index] * minimum for amounts, minimum in ((r.amounts, m) for r, m in groups))
                for index in range(len(RESOURCES))
            )
        )

    @property
    def requests(self) -> list[Request]:
        return [self.request, *(request for request, _, _ in self.others)]

    def inside(self, room: Room) -> Ask:
        """With GPU memory as the share that it is of the pool's largest GPU."""
        if not any(request.device_memory_mib for request in self.requests):
            return self
        others = tuple((_shared(request, room), *rest) for request, *rest in self.others)
        return replace(self, request=_shared(self.request, room), others=others)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a department or project stands in the pool."""

    id: int
    name: str
    quota: Bounds = NO_QUOTA
    limit: Bounds = NO_LIMIT
    over_quota: bool = True
    blocked: bool = False
    allocated: Amounts = NOTHING
    non_preemptible: Amounts = NOTHING
    fair_share: Amounts = NOTHING
    borrowed_gpu_milli: int = 0
    """Of `allocated`: what projects below a department hold above their own quota. It goes first, so it takes nothing
    from the guarantee of the others."""

    @property
    def quota_left_gpu_milli(self) -> int | None:
        """Of the guarantee; None without bound, negative where more is held."""
        quota = self.quota.gpu_milli
        return None if quota is None else quota - self.allocated.gpu_milli + self.borrowed_gpu_milli


@dataclass(frozen=True, slots=True)
class Room:
    """What the pool has, and has free."""

    nodes: int
    ready: int
    free: Amounts
    largest_node: Amounts
    slots: Mapping[int, int] = field(default_factory=dict)
    """Free whole GPUs on a node -> number of nodes with so many."""
    free_share_milli: int = 0
    """The largest free part of a GPU that is shared already."""
    lent_milli: int = 0
    """What other projects hold over quota."""
    device_memory_mib: int = 0
    """Of its largest GPU."""
    matching_nodes: int = 0
    """With the labels that are asked for."""

    def pods_that_fit(self, request: Request) -> int:
        """By GPUs alone where it asks for some, otherwise by cores and memory of the whole pool."""
        if not request.devices:
            parts = [(self.free[1], request.cpu_millicores), (self.free[2], request.memory_bytes)]
            return min((have // want for have, want in parts if want), default=self.ready)
        if request.devices == 1 and request.device_milli < DEVICE_MILLI:
            whole = sum(free * nodes for free, nodes in self.slots.items())
            return whole * (DEVICE_MILLI // request.device_milli) + (self.free_share_milli >= request.device_milli)
        return sum(free // request.devices * nodes for free, nodes in self.slots.items())


def _shared(request: Request, room: Room) -> Request:
    if not request.device_memory_mib:
        return request
    share = device_share_milli(request.device_memory_mib, room.device_memory_mib)
    return replace(request, device_milli=share or DEVICE_MILLI, device_memory_mib=0)
