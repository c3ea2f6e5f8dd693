"""One cycle under way: what it looks at, what it has changed, what it has decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .arithmetic import Numbers, total
from .decisions import Evict, EvictCode, Place, Reserve
from .fair_share import fair_shares
from .gang import Chunk
from .ledger import Ledger, Room
from .standing import Standing
from .tree import Tree
from .types import Snapshot, Workload


class Cycle:
    """Decisions are made through it, so that the ledger and the lists of decisions always agree."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.tree = Tree(snapshot.units)
        self.ledger = Ledger(snapshot, self.tree)
        capacity = total(node.capacity for node in snapshot.nodes if node.ready)
        requested = {unit: account.requested for unit, account in self.ledger.accounts.items()}
        shares = fair_shares(self.tree, requested, capacity)
        self.standing = Standing(self.tree, self.ledger, shares, capacity)
        self.places: list[Place] = []
        self.reserves: list[Reserve] = []
        self.evicts: list[Evict] = []
        self.started: set[int] = set()
        """Workloads of which pods start in this cycle: nobody takes from them in it."""
        self.disturbed: set[int] = set()
        """Workloads that lost pods in this cycle: they take from nobody in it."""

    def place(self, workload: Workload, rooms: Mapping[int, Room]) -> None:
        for pod, room in rooms.items():
            self.ledger.bind(pod, room)
            self.places.append(Place(pod, workload.id, room.node, room.devices))
        self.started.add(workload.id)

    def reserve(self, workload: Workload, rooms: Mapping[int, Room]) -> None:
        for pod, room in rooms.items():
            self.ledger.reserve(pod, room)
            self.reserves.append(Reserve(pod, workload.id, room.node, room.devices))

    def evict(
        self, workload: Workload, pods: Iterable[int], code: EvictCode, beneficiary: Workload, numbers: Numbers
    ) -> None:
        for pod in pods:
            self.ledger.evict(pod)
            self.evicts.append(Evict(pod, workload.id, code, beneficiary.id, numbers))
        self.disturbed.add(workload.id)

    def set_aside(self, chunk: Chunk) -> dict[int, Room]:
        """Give up the rooms reserved for these pods, to look for rooms anew; `keep` takes them back."""
        return {pod: self.ledger.release(pod) for pod in chunk.pods if pod in self.ledger.reserved}

    def keep(self, rooms: Mapping[int, Room]) -> None:
        for pod, room in rooms.items():
            self.ledger.reserve(pod, room)

    def shape(self, workload: Workload, chunk: Chunk) -> tuple[object, ...]:
        """Workloads of one shape meet the same fate while nothing changes. Those with reserved room are like no other.

        Of equal shapes the higher priority is served first, so what fails for it fails for the lower as well.
        """
        requests = tuple(self.ledger.request(pod) for pod in chunk.pods)
        reserving = tuple(pod for pod in chunk.pods if pod in self.ledger.reserved)
        return (workload.unit, workload.preemptible, requests, reserving)
