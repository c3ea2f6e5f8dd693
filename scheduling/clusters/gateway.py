"""What Bursar needs of a cluster, real or simulated: to see it, and to act on it.

An observer iterates `watch` and writes what it yields to the database. A pool's actor calls `bind` and `evict`. The
observer's reconciler calls `apply_*` and `delete_*`. Every call is idempotent: done already is a success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from threading import Event
from typing import Any, Protocol

BY_BUDGET = "A disruption budget does not allow it"
"""How the message of an eviction begins that failed for that."""


class GatewayError(Exception):
    """The cluster could not be asked, or said no. The message is for people and holds no secret."""


class NamespaceGoneError(GatewayError):
    """The namespace of the project is not there."""


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


JOBS, STATEFUL_SETS, DEPLOYMENTS = "jobs", "stateful sets", "deployments"
OBJECTS = frozenset({JOBS, STATEFUL_SETS, DEPLOYMENTS})
"""The kinds that workloads become."""


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
    """The workload's uid."""
    state: ObjectState
    kind: str
    """As `Seen.complete` has it."""
    deleting: bool = False
    stopped: bool = False
    """It is there, and has no pods until it goes on."""
    message: str = ""


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
    bindings: tuple[SeenBinding, ...] = ()
    budgets: tuple[SeenBudget, ...] = ()
    gone_nodes: tuple[str, ...] = ()
    """uids; so below."""
    gone_pods: tuple[str, ...] = ()
    gone_objects: tuple[str, ...] = ()
    gone_bindings: tuple[str, ...] = ()
    gone_budgets: tuple[str, ...] = ()
    complete: Mapping[str, float] = field(default_factory=dict)
    """Of "nodes", "pods", each of OBJECTS, "bindings", "budgets": when it was asked, by the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Put a pod on a node. Carries the decision's id, which the cluster keeps on the pod."""

    decision: int
    namespace: str
    pod: str
    uid: str
    node: str
    devices: str = ""


@dataclass(frozen=True, slots=True)
class Eviction:
    """Stop a pod so that its owner may start another."""

    decision: int
    namespace: str
    pod: str
    uid: str
    reason: str = ""
    overrides: bool = False
    """Also where a disruption budget does not allow it."""


class Outcome(Enum):
    CONFIRMED = auto()
    """Done, or done already by this decision."""
    FAILED = auto()
    """Refused: the next cycle looks again."""
    UNKNOWN = auto()
    """Sent, and the reply was lost."""
    NOT_SENT = auto()
    """`keep_going` said no, or the cluster asked to wait; still to be sent."""


@dataclass(frozen=True, slots=True)
class Result:
    decision: int
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True, slots=True)
class PodGroup:
    """Pods of a workload that ask for the same."""

    name: str
    pods: int
    devices: int
    device_milli: int
    cpu_millicores: int
    memory_bytes: int
    device_memory_mib: int = 0
    """Instead of `device_milli`: so much memory of each of the GPUs."""


@dataclass(frozen=True, slots=True)
class WorkloadKey:
    """Which workload an object belongs to, and what says where it is."""

    uid: str
    name: str
    namespace: str
    kind: str
    """In words, as people choose it."""


@dataclass(frozen=True, slots=True)
class WorkloadObject:
    """A workload as the cluster is to have it."""

    uid: str
    name: str
    namespace: str
    project: str
    pool: str
    kind: str
    image: str
    command: tuple[str, ...]
    env: dict[str, str]
    groups: tuple[PodGroup, ...]
    """At least one."""
    node_labels: dict[str, str] = field(default_factory=dict)
    """What a node must have."""
    tolerations: tuple[dict[str, str], ...] = ()
    """As in Kubernetes."""
    retries: int = 0
    """Of a training: so many of its pods may fail before it has failed."""
    submitted_by: str = ""
    """The person's address; empty where it was nobody who is still here."""
    extra: dict[str, Any] = field(default_factory=dict)
    """For the simulated cluster: `run_seconds`, `fail_after_seconds`."""

    @property
    def key(self) -> WorkloadKey:
        return WorkloadKey(self.uid, self.name, self.namespace, self.kind)


@dataclass(frozen=True, slots=True)
class PoolLabel:
    """A workload's object, and those of its pods that wait, get the name of the pool that it is assigned to."""

    workload: WorkloadKey
    pool: str
    pods: tuple[tuple[str, str], ...]
    """Names and uids."""


@dataclass(frozen=True, slots=True)
class PodReason:
    """Why a pod waits, for people who look at it in the cluster. Times in ms since the epoch."""

    namespace: str
    pod: str
    uid: str
    reason: str
    """One word."""
    message: str
    since_ms: int
    at_ms: int


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


class Gateway(Protocol):
    """One connected cluster. Thread-safe: the observer, the reconciler and actors of several pools share it."""

    def check(self) -> str:
        """The server's version. Raises GatewayError with what is wrong and what to do."""

    def watch(self, stop: Event) -> Iterator[Seen]:
        """Everything, then every change, until `stop`; at most 1,000 pods or 200 ms a batch, empty ones to keep time.

        Raises GatewayError when the cluster is out of reach; the caller waits and iterates a new watch.
        """

    def bind(self, binds: Sequence[Bind], keep_going: Callable[[], bool]) -> list[Result]:
        """Binds with the uid as precondition. `keep_going()` is asked before each call: False stops sending."""

    def evict(self, evictions: Sequence[Eviction], keep_going: Callable[[], bool]) -> list[Result]:
        """Evicts with the uid as precondition, by the same rules."""

    def read_pod(self, namespace: str, pod: str, uid: str) -> SeenPod | None:
        """The pod of that uid now; None when it is gone."""

    def apply_namespace(self, name: str, project: str, *, adopted: bool = False) -> None:
        """Creates the project's namespace, or finds that one that was there has been given to the project. Raises
        GatewayError when it belongs to another, or to none."""

    def access_missing(self) -> tuple[str, ...]:
        """Which of the roles and policies that ship for people are not in the cluster."""

    def apply_binding(self, namespace: str, role: str, people: Sequence[str]) -> None:
        """Binds these people, and nobody else, to the role in the namespace."""

    def delete_binding(self, namespace: str, role: str) -> None:
        """Binds nobody to the role there any more; gone already is fine."""

    def apply_workload(self, workload: WorkloadObject) -> SeenObject:
        """Creates the workload's object, or leaves the one that is there; one that was stopped goes on. What is there
        then. Raises NamespaceGoneError when its namespace is not there."""

    def stop_workload(self, workload: WorkloadKey) -> None:
        """Stops its pods. The object stays where it can go on later, else it is deleted; gone already is fine."""

    def label_pool(self, label: PoolLabel) -> None:
        """Writes the pool's name on the object and on these pods; what is gone meanwhile needs none."""

    def explain(self, why: PodReason) -> bool:
        """Writes on the pod why it waits, unless it says so. False: not now, for orders are under way or the pod is
        changing; try again. A pod that is bound or gone needs nothing."""

    def delete_workload(self, workload: WorkloadKey) -> None:
        """Deletes the workload's object and its pods; gone already is fine."""

    def read_log(self, namespace: str, pod: str) -> str:
        """The last lines that the pod has written, without control characters."""

    def read_events(self, workload: WorkloadKey) -> list[Told]:
        """What was said of the workload's object and pods, the newest first."""

    def read_manifest(self, workload: WorkloadKey) -> str:
        """Its object as YAML, without what may be secret."""

    def close(self) -> None:
        """Lets connections go."""
