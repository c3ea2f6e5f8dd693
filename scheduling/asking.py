"""What a forecast is made from: what is asked for, how units stand, and what room a pool has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scheduling.engine.arithmetic import RESOURCES, minus
from scheduling.engine.classes import tolerates
from scheduling.engine.types import NOTHING, Amounts, Bounds, Request, Taint, Toleration
from scheduling.quantities import DEVICE_MILLI, device_share_milli

HOSTNAME = "kubernetes.io/hostname"
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
    tolerations: tuple[Toleration, ...] = ()
    level: str = ""
    """The key of the label of which all its pods have to have one value: a level of a topology."""

    @property
    def groups(self) -> list[tuple[Request, int]]:
        """What each pod asks for, and how many have to start together."""
        return [(self.request, self.min_members), *((request, minimum) for request, _, minimum in self.others)]

    @property
    def least(self) -> Amounts:
        """What has to be there for it to start at all."""
        return Amounts(
            *(
                sum(amounts[index] * minimum for amounts, minimum in ((r.amounts, m) for r, m in self.groups))
                for index in range(len(RESOURCES))
            )
        )

    @property
    def unknown(self) -> str:
        """The key of a label that it asks for and that no summary tells nodes apart by; "" = none."""
        return HOSTNAME if HOSTNAME in (self.level, *self.node_labels) else ""

    @property
    def requests(self) -> list[Request]:
        return [self.request, *(request for request, _, _ in self.others)]

    def allows(self, nodes: FreeNodes) -> bool:
        """Whether its rules let its pods go to such nodes."""
        labels = dict(nodes.labels)
        wanted = all(labels.get(key) == value for key, value in self.node_labels.items())
        return wanted and tolerates(self.tolerations, nodes.taints)

    def inside(self, room: Room) -> Ask:
        """With GPU memory as the share that it is of the pool's largest GPU."""
        if not any(request.device_memory_mib for request in self.requests):
            return self
        others = tuple((_shared(request, room.device_memory_mib), *rest) for request, *rest in self.others)
        return replace(self, request=_shared(self.request, room.device_memory_mib), others=others)  # type: ignore[arg-type]


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
class FreeNodes:
    """Ready nodes that are alike, and have the same free."""

    count: int = 1
    gpus: int = 0
    """Whole ones, of each node; so the rest."""
    share_milli: int = 0
    """The largest free part of a GPU that is shared already."""
    cpu_millicores: int = 0
    memory_bytes: int = 0
    pods: int = 110
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[Taint, ...] = ()
    device_memory_mib: int = 0
    """Of each of their GPUs."""

    def fits(self, request: Request) -> int:
        """How many such pods one of the nodes takes."""
        parts = [(self.cpu_millicores, request.cpu_millicores), (self.memory_bytes, request.memory_bytes)]
        fits = min((have // want for have, want in parts if want), default=self.pods)
        return min(self.pods, fits, self.fits_gpus(request))

    def fits_gpus(self, request: Request) -> int:
        """By GPUs alone."""
        if request.device_memory_mib > self.device_memory_mib:
            return 0
        request = _shared(request, self.device_memory_mib)
        if not request.devices:
            return self.pods
        if request.devices == 1 and request.device_milli < DEVICE_MILLI:
            milli = request.device_milli
            return self.gpus * (DEVICE_MILLI // milli) + self.share_milli // milli
        return self.gpus // request.devices

    def less(self, request: Request, pods: int, count: int) -> FreeNodes:
        """So many of the nodes, with so many more pods on each."""
        request = _shared(request, self.device_memory_mib)
        gpus, share = self.gpus - request.devices * pods, self.share_milli
        if request.devices == 1 and request.device_milli < DEVICE_MILLI:
            milli = request.device_milli
            whole, part = divmod(max(pods - share // milli, 0), DEVICE_MILLI // milli)
            share -= min(pods, share // milli) * milli
            gpus = self.gpus - whole - bool(part)
            share = max(share, DEVICE_MILLI - part * milli) if part else share
        return replace(
            self,
            count=count,
            gpus=gpus,
            share_milli=share,
            cpu_millicores=self.cpu_millicores - request.cpu_millicores * pods,
            memory_bytes=self.memory_bytes - request.memory_bytes * pods,
            pods=self.pods - pods,
        )


@dataclass(frozen=True, slots=True)
class Room:
    """What the pool has, and has free."""

    nodes: int
    ready: int
    free: Amounts
    largest_node: Amounts
    free_nodes: tuple[FreeNodes, ...] = ()
    """The ready ones."""
    lent_milli: int = 0
    """What other projects hold over quota."""
    device_memory_mib: int = 0
    """Of its largest GPU."""
    matching_nodes: int = 0
    """With the labels that are asked for."""

    @property
    def largest_free(self) -> int:
        """Whole GPUs free on one node, at most."""
        return max((nodes.gpus for nodes in self.free_nodes), default=0)

    def domains(self, level: str) -> list[Room]:
        """The room inside each domain of a level of a topology."""
        found: dict[str, list[FreeNodes]] = {}
        for nodes in self.free_nodes:
            if (value := dict(nodes.labels).get(level)) is not None:
                found.setdefault(value, []).append(nodes)
        return [replace(self, free_nodes=tuple(nodes)) for nodes in found.values()]

    def slots(self, ask: Ask) -> tuple[int, Request, int]:
        """Of the group that finds the least room: for how many of its pods there is some, what each asks for, and how
        many there are."""
        allowed = [nodes for nodes in self.free_nodes if ask.allows(nodes)]
        return min(
            ((sum(one.fits(request) * one.count for one in allowed), request, pods) for request, pods in ask.groups),
            key=lambda found: found[0] - found[2],
        )

    def taking(self, ask: Ask) -> Room | None:
        """What is left once it has started; None: there is no room for it. The fullest nodes that fit take it."""
        rows = [*self.free_nodes]
        for request, pods in sorted(ask.groups, key=lambda group: -group[0].devices):
            placed = _placed(rows, request, pods, ask)
            if placed is None:
                return None
            rows = placed
        return replace(self, free_nodes=tuple(rows), free=minus(self.free, ask.least))


def _placed(rows: list[FreeNodes], request: Request, pods: int, ask: Ask) -> list[FreeNodes] | None:
    left = pods
    placed: list[FreeNodes] = []
    for row in sorted(rows, key=lambda row: (row.gpus, row.share_milli, row.cpu_millicores)):
        each = row.fits(request) if left and ask.allows(row) else 0
        if not each:
            placed.append(row)
            continue
        full = min(left // each, row.count)
        left -= full * each
        if full:
            placed.append(row.less(request, each, full))
        rest = row.count - full
        if rest and left:
            placed.append(row.less(request, left, 1))
            left, rest = 0, rest - 1
        if rest:
            placed.append(replace(row, count=rest))
    return None if left else placed


def _shared(request: Request, device_memory_mib: int) -> Request:
    """With GPU memory as the share that it is of such a GPU."""
    if not request.device_memory_mib:
        return request
    share = device_share_milli(request.device_memory_mib, device_memory_mib)
    return replace(request, device_milli=share or DEVICE_MILLI, device_memory_mib=0)
