"""What is seen of a cluster, real or simulated: what a gateway's watch yields, and what people ask it to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from .found import FoundPod, Owner, SeenOwner


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node as the cluster has it."""

    uid: str
    name: str
    labels: dict[str, str]
    taints: tuple[dict[str, str], ...] = ()
    conditions: tuple[dict[str, str], ...] = ()
    """`type`, `status`, `reason`, `message`, and `since` in ISO form ("" where that is not known)."""
    ready: bool = True
    schedulable: bool = True
    gpu_type: str = ""
    gpu_count: int = 0
    gpu_memory_bytes: int = 0
    cpu_millicores: int = 0
    memory_bytes: int = 0
    pod_slots: int = 110


class PodPhase(Enum):
    PENDING = auto()
    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A pod as the cluster has it, ours or not."""

    uid: str
    name: str
    namespace: str
    ours: bool
    """Its scheduler is Bursar."""
    phase: PodPhase
    created_ms: int
    node: str = ""
    workload: str = ""
    """The workload's uid, from the label; empty for pods of others."""
    sub_group: str = ""
    pool: str = ""
    """The pool's name, from the label."""
    deleting: bool = False
    devices: str = ""
    """Numbers of the GPUs it holds, between commas, from the annotation a bind leaves."""
    decision: int | None = None
    """The decision that bound it, from the annotation."""
    gpu_milli: int = 0
    cpu_millicores: int = 0
    memory_bytes: int = 0
    message: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of a pod of ours."""
    found: FoundPod | None = None
    """Of a pod that Bursar is to place, and has not made."""


JOBS, STATEFUL_SETS, DEPLOYMENTS = "jobs", "stateful sets", "deployments"
"""The kinds that workloads become."""
JOB_SETS, PYTORCH_JOBS, MPI_JOBS, LEADER_WORKER_SETS = "job sets", "pytorch jobs", "mpi jobs", "leader worker sets"
OBJECTS = frozenset({JOBS, STATEFUL_SETS, DEPLOYMENTS, JOB_SETS, PYTORCH_JOBS, MPI_JOBS, LEADER_WORKER_SETS})
"""These, and others that workloads are found as."""
REPLICA_SETS = "replica sets"


class ObjectState(Enum):
    ACTIVE = auto()
    SUCCEEDED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class SeenObject:
    """The object a workload became."""

    uid: str
    name: str
    namespace: str
    workload: str
    """The workload's uid; empty where it is no workload."""
    state: ObjectState
    kind: str
    """As `Seen.complete` has it."""
    deleting: bool = False
    stopped: bool = False
    """It is there, and has no pods until it goes on."""
    message: str = ""
    pods: int = 0
    """How many it has at a time."""
    done: int = 0
    """So many of these have done their part, as it counts them: pods that have may be gone."""
    owner: Owner | None = None
    found: bool = False
    """Bursar is to place its pods, and has not made it."""
    submitted_by: str = ""
    """Of what was found: a person's address."""
    part_of: str = ""
    """The uid of a workload, of which it makes the pods of one group only."""
    sub_group: str = ""
    """That group's name."""

    @property
    def goes_on(self) -> bool:
        """It has pods, or will have."""
        return self.state is ObjectState.ACTIVE and not (self.deleting or self.stopped)


@dataclass(frozen=True, slots=True)
class SeenNamespace:
    """One that belongs to a project."""

    uid: str
    name: str
    project: str
    """Its name, as the label has it."""
    restricted: bool = False
    """Lets in only pods of the Pod Security level `restricted`."""


@dataclass(frozen=True, slots=True)
class SeenBinding:
    """A binding of people to one of the roles that ship for them (`clusters.access`)."""

    uid: str
    name: str
    """Of the role too, where nobody has meddled with it."""
    namespace: str
    people: tuple[str, ...] = ()
    """Addresses, sorted."""
    intact: bool = True
    """Binds nobody but people, and to the role of its name."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a label has to be, as in Kubernetes."""

    key: str
    operator: str
    """`In`, `NotIn`, `Exists` or `DoesNotExist`."""
    values: tuple[str, ...] = ()

    def meets(self, labels: Mapping[str, str]) -> bool:
        if self.operator in ("Exists", "DoesNotExist"):
            return (self.key in labels) is (self.operator == "Exists")
        return (labels.get(self.key) in self.values) is (self.operator == "In")


@dataclass(frozen=True, slots=True)
class SeenBudget:
    """A disruption budget: of the pods with these labels in its namespace so many may be stopped now."""

    uid: str
    name: str
    namespace: str
    allowed: int
    selector: tuple[Requirement, ...] | None
    """All of them; none are all pods, None is no pod."""

    def covers(self, labels: Mapping[str, str]) -> bool:
        return self.selector is not None and all(requirement.meets(labels) for requirement in self.selector)


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch of what was seen. `complete` kinds hold everything there is: what was there when the cluster was asked,
    and is missing, is gone."""

    nodes: tuple[SeenNode, ...] = ()
    pods: tuple[SeenPod, ...] = ()
    objects: tuple[SeenObject, ...] = ()
    namespaces: tuple[SeenNamespace, ...] = ()
    bindings: tuple[SeenBinding, ...] = ()
    budgets: tuple[SeenBudget, ...] = ()
    owners: tuple[SeenOwner, ...] = ()
    gone_nodes: tuple[str, ...] = ()
    """uids; so below."""
    gone_pods: tuple[str, ...] = ()
    gone_objects: tuple[str, ...] = ()
    gone_namespaces: tuple[str, ...] = ()
    gone_bindings: tuple[str, ...] = ()
    gone_budgets: tuple[str, ...] = ()
    gone_owners: tuple[str, ...] = ()
    complete: Mapping[str, float] = field(default_factory=dict)
    """Of "nodes", "pods", each of OBJECTS, REPLICA_SETS, "namespaces", "bindings", "budgets": when it was asked, by the
    monotonic clock."""
    told_at: float | None = field(default=None, compare=False)
    """When the cluster told of the first change in it, by the monotonic clock; None: of none."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a cluster is that is watched."""

    latency_ms: int | None = None
    """Of its last answer; None: not measured."""
    watched: dict[str, int] = field(default_factory=dict)
    """How many objects of each kind are followed, by the names that `Seen.complete` has. What the cluster does not know
    is missing."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a pod has written."""

    text: str
    """Without control characters."""
    at_ns: int = 0
    """Nanoseconds since the epoch; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event: what some part of the cluster said about an object."""

    at: datetime | None
    """When it was said last."""
    about: str
    """`Pod train-0`."""
    reason: str
    message: str
    times: int
    is_warning: bool
