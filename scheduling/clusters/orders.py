"""What a cluster is told to do, and how that came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

BY_BUDGET = "A disruption budget does not allow it"
"""How the message of an eviction begins that failed for that."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Put a pod on a node. Carries the decision's id, which the cluster keeps on the pod."""

    decision: int
    namespace: str
    pod: str
    uid: str
    node: str
    devices: str = ""
    is_of_job: bool = False
    """A Job made the pod: how often it was evicted before is to count no more."""


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
    found: str = ""
    """The kind of the object that was found in the cluster, which then has the name; empty: Bursar made it."""
    has_groups: bool = False
    """Its pods are of several groups."""


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
    tolerations: tuple[dict[str, Any], ...] = ()
    """As in Kubernetes."""
    retries: int = 0
    """Of a training: so many of its pods may fail before it has failed."""
    submitted_by: str = ""
    """The person's address; empty where it was nobody who is still here."""
    extra: dict[str, Any] = field(default_factory=dict)
    """For the simulated cluster: `run_seconds`, `fail_after_seconds`."""
    manifest: dict[str, Any] = field(default_factory=dict)
    """Of what came as YAML: `metadata`, `spec` and `template` of its object, checked. Simulated ones pass it over."""
    restricted: bool = False
    """Its namespace lets in only pods of the Pod Security level `restricted`."""

    @property
    def key(self) -> WorkloadKey:
        return WorkloadKey(self.uid, self.name, self.namespace, self.kind, has_groups=len(self.groups) > 1)


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
