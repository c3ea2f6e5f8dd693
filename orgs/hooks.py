# mypy: disable-error-code="empty-body"
"""What this app asks of the apps above it. They answer by `<hook>.register` in their AppConfig.ready()."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orgs.models import OrgUnit
from portal.actor import Actor
from portal.flow import Flow
from portal.hooks import Hook


@dataclass(frozen=True, slots=True)
class Figures:
    """How a unit stands, everything below it included."""

    quota_gpu_milli: int = 0
    used_gpu_milli: int = 0
    """Allocated, over quota included."""
    over_gpu_milli: int = 0
    waiting_gpu_milli: int = 0
    running: int = 0
    """Workloads; so `pending`."""
    pending: int = 0


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """How a unit stands in one pool."""

    pool: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class UnitPoolOrder:
    """In which pools the work of a unit is tried."""

    pools: list[str]
    """By name, the first is tried first."""
    source: str
    """Where the order comes from, in words; empty: its own."""
    changeable: bool
    """By the reader."""


@dataclass(frozen=True, slots=True)
class UnitLending:
    """What a unit lends and borrows now, and how long it waited for what is guaranteed to it."""

    words: str
    flow: Flow | None
    """Who lends to whom; None: nothing is lent."""
    waits: str
    """In the last 30 days, in words."""
    breaches: tuple[str, ...]
    """The longest of those that took too long, with their causes."""


@dataclass(frozen=True, slots=True)
class WorkloadsImpact:
    """What of a unit's work ends when the unit goes."""

    running: int = 0
    """Workloads with pods in the cluster; `waiting` ones have none yet."""
    waiting: int = 0
    gpu_milli: int = 0
    """In use by the running ones."""
    names: tuple[str, ...] = ()
    """Of some of the running ones, the longest running first."""


@dataclass(frozen=True, slots=True)
class QuotaImpact:
    """What a unit is guaranteed and gives back when it goes."""

    gpu_milli: int = 0
    """Summed over its cluster's pools."""
    quotas: int = 0
    """Rows of the unit and of everything below it."""


@dataclass(frozen=True, slots=True)
class SumChange:
    """How a move changes what the units right below `unit` are guaranteed together in a pool, in milli-GPU."""

    unit: OrgUnit
    pool: str
    before: int
    after: int
    available: int
    """The unit's own quota, of a cluster the ready hardware."""


@dataclass(frozen=True, slots=True)
class PoolOffer:
    """What units right below another could be guaranteed in a pool, in milli-GPU."""

    pk: int
    name: str
    whole: int | None
    """The unit's own quota, in a cluster the ready hardware; None: it has none to compare with."""
    given: int
    """Of that, what those that are there have."""


@dataclass(frozen=True, slots=True)
class PoolRoom:
    """How much room the nodes of a pool have."""

    pool: str
    nodes: int
    ready: int
    """Nodes; so of the GPUs only those on them count."""
    gpus: int
    free: int
    """Whole GPUs that nobody uses."""


@dataclass(frozen=True, slots=True)
class Gift:
    """A quota for a unit that has none yet."""

    unit: OrgUnit
    pool: int
    gpu_milli: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the over-subscription guard says of quotas before they are given."""

    pool: int
    words: str
    refused: bool
    """Else it warns."""


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """A kubeconfig that was found harmless."""

    address: str
    """Of the API server, for people to see."""
    credentials: str
    """What it takes to sign in, secrets included: encrypt before storing, never show."""


@Hook
def unit_figures(units: Sequence[int]) -> dict[int, Figures]:
    """The sums over all pools of the units with these ids, in a fixed number of queries; some may be missing."""


@Hook
def unit_pool_figures(unit: OrgUnit) -> list[PoolFigures]:
    """Each pool of the unit's cluster (of an account: none), by the pools' names."""


@Hook
def unit_pool_order(unit: OrgUnit, user: Any) -> UnitPoolOrder | None:
    """The order of pools that holds for a department or project; None for other units, and where `user` may not know
    of pools."""


@Hook
def unit_lending(unit: OrgUnit, user: Any) -> UnitLending | None:
    """As far as `user` may know; None for an account, and where `user` may see no project. Constant queries."""


@Hook
def unset_access() -> str:
    """What a unit has in a pool where it has no quota: "best effort", or "blocked"."""


@Hook
def quota_impact(unit: OrgUnit) -> QuotaImpact:
    """What a delete gives back."""


@Hook
def quota_move_impact(unit: OrgUnit, new_parent: OrgUnit) -> list[SumChange]:
    """The sums that a move would change, only those; the units it leaves first."""


@Hook
def unit_moving(unit: OrgUnit, new_parent: OrgUnit, actor: Actor) -> None:
    """The unit, with everything below it, is about to go from `unit.parent` to `new_parent`, in the same cluster, whose
    lock is held; paths and parents are still the old ones. Refused({"parent": ...}) stops it."""


@Hook
def pools_to_give(unit: OrgUnit) -> list[PoolOffer]:
    """The pools of the unit's cluster, by name, with what can be given to units right below it."""


@Hook
def unit_quotas(units: Sequence[int]) -> dict[tuple[int, int], int]:
    """What the units with these ids are guaranteed, in milli-GPU by unit and pool; without a quota: missing."""


@Hook
def quotas_give_verdicts(user: Any, gifts: Sequence[Gift]) -> list[Verdict]:
    """What the guard says of gifts to units that are not made yet, right below units of one cluster that are
    (`unit.parent`). In a fixed number of queries; `user`: who reads it."""


@Hook
def quotas_give(actor: Actor, gifts: Sequence[Gift]) -> list[str]:
    """Writes the quotas, all of one cluster, as if typed; what the saves go by in the history of quotas. The guard
    judges them together, and Refused has its words."""


@Hook
def quota_saves(units: Sequence[int]) -> set[str]:
    """What all saves go by that ever changed a quota of the units with these ids."""


@Hook
def quotas_take(actor: Actor, units: Sequence[OrgUnit]) -> None:
    """Removes all quotas of these units, with their end in the history."""


@Hook
def workloads_ever(units: Sequence[int]) -> int:
    """How many workloads of the units with these ids are known, ended ones included."""


@Hook
def cluster_room(cluster: OrgUnit) -> list[PoolRoom]:
    """Each pool of the cluster, by name, as its loop last published it; in one query."""


@Hook
def default_pool_create(cluster: OrgUnit) -> None:
    """Gives a new cluster its default pool."""


@Hook
def simulated_nodes_create(cluster: OrgUnit) -> None:
    """Gives a new simulated cluster its nodes."""


@Hook
def cluster_credentials_vetted(kubeconfig: str) -> ClusterAccess:
    """The harmless part of a kubeconfig that a person gave. Refused({"kubeconfig": ...}) for anything else."""


@Hook
def workloads_impact(unit: OrgUnit) -> WorkloadsImpact:
    """What of the work in the unit and below it is active now."""


@Hook
def workloads_end(unit: OrgUnit, actor: Actor) -> None:
    """Asks for every active workload in the unit and below to be deleted; asked twice, the second does nothing."""


@Hook
def live_pods(unit: OrgUnit) -> int:
    """How many pods of the unit and below are still in the cluster, and objects of what was ended that are to go."""
