"""The parts of Kubernetes' objects that Bursar reads, decoded straight from bytes; the rest is skipped unread."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Fields(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """Base of what is decoded: names as in JSON, and nothing that the garbage collector needs to look at."""


class OwnerReference(Fields, frozen=True):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Metadata(Fields, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()


class Followed(Fields, frozen=True):
    """An object of a kind that is followed."""

    metadata: Metadata


class Condition(Fields, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class Taint(Fields, frozen=True):
    key: str = ""
    value: str = ""
    effect: str = ""


class NodeSpec(Fields, frozen=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeStatus(Fields, frozen=True):
    allocatable: dict[str, str] = {}
    conditions: tuple[Condition, ...] = ()


class Node(Followed, frozen=True):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Toleration(Fields, frozen=True):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""


class RequiredNodes(Fields, frozen=True):
    required_during_scheduling_ignored_during_execution: dict[str, Any] | None = None


class RequiredPods(Fields, frozen=True):
    required_during_scheduling_ignored_during_execution: tuple[dict[str, Any], ...] = ()


class Affinity(Fields, frozen=True):
    """Only what is required: where it cannot be had, a pod does not run."""

    node_affinity: RequiredNodes = RequiredNodes()
    pod_affinity: RequiredPods = RequiredPods()
    pod_anti_affinity: RequiredPods = RequiredPods()


class Spread(Fields, frozen=True):
    when_unsatisfiable: str = ""


class Named(Fields, frozen=True):
    name: str = ""


class Resources(Fields, frozen=True):
    requests: dict[str, str] = {}


class Container(Fields, frozen=True):
    resources: Resources = Resources()
    restart_policy: str = ""


class PodSpec(Fields, frozen=True):
    node_name: str = ""
    scheduler_name: str = ""
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    overhead: dict[str, str] = {}
    termination_grace_period_seconds: int = 30
    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    priority: int = 0
    affinity: Affinity = Affinity()
    topology_spread_constraints: tuple[Spread, ...] = ()
    resource_claims: tuple[Named, ...] = ()
    scheduling_gates: tuple[Named, ...] = ()


class Waiting(Fields, frozen=True):
    reason: str = ""
    message: str = ""


class Terminated(Fields, frozen=True):
    exit_code: int = 0
    reason: str = ""
    message: str = ""


class ContainerState(Fields, frozen=True):
    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(Fields, frozen=True):
    state: ContainerState = ContainerState()


class PodStatus(Fields, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(Followed, frozen=True):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class TemplateSpec(Fields, frozen=True):
    scheduler_name: str = ""


class Template(Fields, frozen=True):
    """Of the pods that an object makes."""

    spec: TemplateSpec = TemplateSpec()


class JobStatus(Fields, frozen=True):
    conditions: tuple[Condition, ...] = ()
    succeeded: int = 0


class JobSpec(Fields, frozen=True):
    suspend: bool = False
    parallelism: int = 1
    completions: int | None = None
    template: Template = Template()


class Job(Followed, frozen=True):
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class ScaledSpec(Fields, frozen=True):
    replicas: int = 1
    template: Template = Template()


class Scaled(Followed, frozen=True):
    """A StatefulSet or a Deployment: it has so many pods, until somebody says otherwise."""

    spec: ScaledSpec = ScaledSpec()


class TemplatedSpec(Fields, frozen=True):
    template: Template = Template()


class Templated(Followed, frozen=True):
    """An object of which only what it makes, and for whom, matters."""

    spec: TemplatedSpec = TemplatedSpec()


class Involved(Fields, frozen=True):
    kind: str = ""
    name: str = ""


class Series(Fields, frozen=True):
    count: int = 0
    last_observed_time: datetime | None = None


class Event(Followed, frozen=True):
    involved_object: Involved = Involved()
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int = 1
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: Series | None = None


class RoleRef(Fields, frozen=True):
    kind: str = ""
    name: str = ""


class Subject(Fields, frozen=True):
    kind: str = ""
    name: str = ""


class RoleBinding(Followed, frozen=True):
    role_ref: RoleRef = RoleRef()
    subjects: tuple[Subject, ...] = ()


class Expression(Fields, frozen=True):
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class Selector(Fields, frozen=True):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[Expression, ...] = ()


class BudgetSpec(Fields, frozen=True):
    selector: Selector | None = None


class BudgetStatus(Fields, frozen=True):
    disruptions_allowed: int = 0
    observed_generation: int = 0


class Budget(Followed, frozen=True):
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


class Labelled(Followed, frozen=True):
    """An object of which only the metadata matters."""


class ListMetadata(Fields, frozen=True):
    resource_version: str = ""
    # `continue` is a word of Python's own.
    continue_from: str = msgspec.field(default="", name="continue")


class Page(Fields, Generic[T], frozen=True):
    """A page of a list."""

    metadata: ListMetadata
    items: list[T] | None = None


class WatchEvent(Fields, frozen=True):
    """A line of a watch. The object stays raw: of an ERROR it is a Status, of a BOOKMARK it has a version only."""

    type: str
    object: msgspec.Raw


class Status(Fields, frozen=True):
    """What the API server says of an error in a watch."""

    code: int = 0
    message: str = ""
