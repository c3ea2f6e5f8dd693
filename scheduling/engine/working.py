"""The state of a cycle under way: units with their accounts, workloads, groups and pods, as mutable objects.

`Unit`, `Workload`, `Pod` of `types` are what a snapshot says; `Account`, `Job`, `Task` are what the cycle works on.
Only `ledger` changes where a task is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .arithmetic import UNLIMITED
from .types import Near, Pod, SubGroup, Unit, Workload

if TYPE_CHECKING:
    from .classes import RequestClass

_UNENTITLED = (1000, 1, 1)
"""What a unit holds of what it is not entitled to counts a thousandfold (of GPUs: a thousand a device)."""
NOT_ALIKE = (-1, 0)
PENDING, RESERVED, BOUND, RELEASING = range(4)
"""Where a task stands. Reserved: room is kept that is still being freed. Releasing: being stopped, its room not yet
free; one that is moved has a reserved room elsewhere at the same time (`Task.kept`)."""


class Account:
    """A unit with what it and everything below it holds. Lists have one amount a resource."""

    __slots__ = (
        "blocked", "ceiling", "children", "entitled", "entitled_key", "fair", "held", "index", "is_open", "known_held",
        "known_share", "lacks_some", "limit", "minus_rank", "non_preemptible", "over_quota", "parent", "path", "quota",
        "requested", "seniority", "thousandths", "unit", "usable", "version", "whole",
    )  # fmt: skip

    def __init__(self, unit: Unit, index: int, parent: Account | None) -> None:
        self.unit = unit
        self.index = index
        self.parent = parent
        self.path: tuple[Account, ...] = (self, *(parent.path if parent else ()))
        """The unit, its parent, and so on up to the top."""
        self.children: list[Account] = []
        self.quota = [UNLIMITED if bound is None else bound for bound in unit.quota]
        self.limit = [UNLIMITED if bound is None else bound for bound in unit.limit]
        self.over_quota = unit.over_quota
        self.blocked = unit.blocked
        self.ceiling = [
            min(caps) for caps in zip(self.limit, self.limit if unit.over_quota else self.quota, strict=True)
        ]
        """The most it may hold: its limit, or its quota where it has no right to more."""
        self.seniority = (unit.created_ms, unit.id)
        self.held = [0, 0, 0]
        """Of bound tasks and reserved rooms."""
        self.non_preemptible = [0, 0, 0]
        """The part of `held` that may not be stopped for others."""
        self.requested = [0, 0, 0]
        """Held at the start, and pending."""
        self.usable = [0, 0, 0]
        """What of `requested` it may have."""
        self.fair = [0, 0, 0]
        self.entitled = [0, 0, 0]
        """Quota plus its part of the spare, within its limit (the reference's "allocatable share")."""
        self.whole = [1, 1, 1]
        """What its dominant share is a part of: 0 where it is entitled to nothing."""
        self.minus_rank = -unit.rank
        self.is_open = not unit.blocked and min(self.ceiling) == UNLIMITED
        """Nothing holds back preemptible work."""
        self.settle()
        self.version = 0
        """Counts up with each change of `held`, and of what it could give."""

    def settle(self) -> None:
        """Work out what follows from the fair share, once that is known."""
        self.entitled_key = tuple(self.entitled)
        self.lacks_some = not all(self.entitled)
        self.thousandths = tuple(
            1000 * whole or unentitled for whole, unentitled in zip(self.whole, _UNENTITLED, strict=True)
        )
        self.known_held: list[int] = []
        self.known_share = 0
        """The dominant share of what was held when it was worked out last (`shares.serving_key`)."""


def accounts_of(units: Sequence[Unit]) -> list[Account]:
    """In the order of the units, which come parents first."""
    found: dict[int, Account] = {}
    for index, unit in enumerate(units):
        parent = None if unit.parent is None else found[unit.parent]
        account = found[unit.id] = Account(unit, index, parent)
        if parent:
            parent.children.append(account)
    return list(found.values())


class Task:
    """A pod."""

    __slots__ = ("devices", "group", "job", "kept", "kept_devices", "kind", "node", "pod", "position", "state")

    def __init__(self, pod: Pod, job: Job, group: Group, kind: RequestClass, position: int) -> None:
        self.pod = pod
        self.job = job
        self.group = group
        self.kind = kind
        self.position = position
        """Among the workload's tasks, in the order in which they are to start."""
        self.state = PENDING
        self.node = -1
        """Index of the node it is bound to or releasing on."""
        self.devices: tuple[int, ...] = ()
        self.kept = -1
        """Index of the node where room is reserved for it."""
        self.kept_devices: tuple[int, ...] = ()


class Group:
    """A sub-group (a leaf with tasks) or a set of them (with children)."""

    __slots__ = ("active", "children", "minimum", "name", "near", "parent", "sub_group", "tasks")

    def __init__(self, name: str, minimum: int, near: Near | None, sub_group: SubGroup | None = None) -> None:
        self.name = name
        self.minimum = minimum
        self.near = near
        self.sub_group = sub_group
        self.parent: Group | None = None
        self.children: Sequence[Group] = ()
        self.tasks: Sequence[Task] = ()
        self.active = 0
        """Tasks of a leaf that are bound or have a reserved room; kept up by the ledger."""


class Job:
    """A workload."""

    __slots__ = (
        "account", "active", "alike", "asked", "chunk", "has_near", "has_surplus", "index", "key", "leaves", "path",
        "preemptible", "priority", "root", "seniority", "shape", "size", "tasks", "workload",
    )  # fmt: skip

    def __init__(
        self, workload: Workload, index: int, account: Account, root: Group, leaves: tuple[Group, ...]
    ) -> None:
        self.workload = workload
        self.index = index
        self.account = account
        self.path = account.path
        self.priority = workload.priority
        self.preemptible = workload.preemptible
        self.seniority = (workload.created_ms, workload.id)
        self.tasks: Sequence[Task] = ()
        self.root = root
        """The whole: its only sub-group, or a set of them."""
        self.leaves = leaves
        self.has_near = False
        self.chunk: Sequence[Task] = ()
        """What starts together next. This and the following are brought up to date by `Cycle.update`."""
        self.asked = (0, 0, 0)
        """What the chunk asks for in sum."""
        self.shape: tuple[int, ...] = ()
        """Its request classes, each with how many tasks (`gang.shape`)."""
        self.alike = NOT_ALIKE
        """The request class of the chunk and its size, where it has one class only and nothing else bears on its
        rooms."""
        self.key: tuple[object, ...] = ()
        """Its place inside the project."""
        self.active: Sequence[Task] = ()
        """Tasks of which something may be taken."""
        self.size = (0, 0, 0)
        """What these ask for in sum."""
        self.has_surplus = False
        """Some of them are above the minimum of their sub-group."""


def fork(path: Sequence[Account], other: Sequence[Account]) -> tuple[Account, Account]:
    """The sides of two projects just below their common ancestor; the pool is above all."""
    mine, theirs = path[-1], other[-1]
    for own, their in zip(reversed(path), reversed(other), strict=False):
        mine, theirs = own, their
        if own is not their:
            break
    return mine, theirs
