"""What the watcher reads: the cluster's own truth and the decisions as of one moment, past all code that is watched."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db.models import Q
from django.utils import timezone

from portal.reading import as_of_one_moment
from quotas.models import Node, Quota
from scheduling.models import Decision, Pod, SimObject, SubGroup, Workload

KIND = SimObject.Kind
Kind, State = Decision.Kind, Decision.State
LATELY_MS = 30_000
GIVEN_MS = 3000
OPEN = (State.RECORDED, State.SENT, State.CONFIRMED, State.UNKNOWN)
DONE = (State.CONFIRMED, State.OBSERVED)


@dataclass(frozen=True, slots=True)
class Place:
    """A decision to start a pod."""

    pk: int
    pod_uid: str
    node: str
    devices: str
    state: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Evict:
    pk: int
    pod_uid: str
    workload: int
    code: str
    is_open: bool
    numbers: dict[str, Any]
    """What the engine counted."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A workload, as the watcher needs it."""

    name: str
    uid: str
    project: int
    pool: int
    preemptible: bool
    wanted: bool
    minimum: int


@dataclass(frozen=True, slots=True)
class Row:
    """A pod as the database has it."""

    uid: str
    workload: int
    node: str
    devices: str
    device_milli: int
    phase: int
    asked_devices: int
    asked_device_milli: int
    """Of each of them; so much its workload asked for."""

    @property
    def holds(self) -> bool:
        """Room on its node."""
        return bool(self.node) and self.phase <= Pod.Phase.STOPPING


@dataclass(slots=True)
class Moment:
    at_ms: int
    nodes: dict[str, SimObject] = field(default_factory=dict)
    pods: list[SimObject] = field(default_factory=list)
    """Of the cluster; also those that went lately."""
    jobs: dict[str, SimObject] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    """Those of the pods here."""
    evicts: dict[str, list[Evict]] = field(default_factory=lambda: defaultdict(list))
    """By the pod's uid."""
    owners: dict[int, Owner] = field(default_factory=dict)
    quotas: dict[tuple[int, int], int] = field(default_factory=dict)
    """Milli-GPU by project and pool."""

    def holders(self) -> dict[str, tuple[tuple[int, int], int]]:
        """Pods (uids) that have room, are on their way to it, or were until lately: project and pool, and milli-GPU."""
        opened = {*self.opened}
        # What was given room is taken into account by what else is decided then, also where nothing comes of it.
        opened |= {place.pod_uid for place in self.places.values() if self.at_ms - place.at_ms < GIVEN_MS}
        return {
            row.uid: ((owner.project, owner.pool), row.asked_devices * row.asked_device_milli)
            for row in self.rows.values()
            if (owner := self.owners.get(row.workload)) and (row.holds or row.uid in opened)
        }

    @property
    def opened(self) -> dict[str, Place]:
        """By pod the placement that is under way."""
        return {place.pod_uid: place for place in self.places.values() if place.state in OPEN}


class Truth(Protocol):
    """The cluster as it is, in the form of a simulated one, so that the same checks look at every cluster."""

    def show(self, moment: Moment) -> None:
        """Fills in nodes, pods and jobs. Called before the database is read: what is here, it knows already."""

    def jobs(self) -> list[SimObject]:
        """What workloads have become."""


class SimulatedTruth:
    """Lies in the database, and is read as of the same moment."""

    def show(self, moment: Moment) -> None:
        lately = Q(deleted=False) | Q(due_ms__gt=moment.at_ms - LATELY_MS)
        for item in SimObject.objects.filter(lately).exclude(kind=KIND.CLOCK):
            if item.kind == KIND.NODE:
                moment.nodes[item.name] = item
            elif item.kind == KIND.JOB:
                moment.jobs[item.uid] = item
            else:
                moment.pods.append(item)

    def jobs(self) -> list[SimObject]:
        return list(SimObject.objects.filter(kind=KIND.JOB))


def read(truth: Truth) -> Moment:
    with as_of_one_moment():
        moment = Moment(int(timezone.now().timestamp() * 1000))
        truth.show(moment)
        names = dict(Node.objects.values_list("pk", "name"))
        group = ("sub_group__devices", "sub_group__device_milli")
        fields: Any = ("uid", "workload_id", "node__name", "devices", "device_milli", "phase", *group)
        for uid, workload, node, *rest in Pod.objects.values_list(*fields):
            moment.rows[uid] = Row(uid, workload, node or "", *rest)
        uids = {pod.uid for pod in moment.pods} | set(moment.rows)
        decisions = Decision.objects.filter(pod_uid__in=uids).order_by("pk")
        for pk, uid, kind, state, node, devices, workload, code, numbers, at in decisions.values_list(
            "pk", "pod_uid", "kind", "state", "node", "devices", "workload", "code", "numbers", "at"
        ):
            if kind == Kind.PLACE:
                moment.places[pk] = Place(pk, uid, names.get(node, ""), devices, state, int(at.timestamp() * 1000))
            elif kind == Kind.EVICT and state not in (State.VOID, State.FAILED):
                moment.evicts[uid].append(Evict(pk, uid, workload, code, state in OPEN, numbers))
        # Also of pods that only the database still has: what it does not know to be gone counts in what is decided.
        uids_of_owners = {str(pod.owner) for pod in moment.pods}
        moment.owners = _owners(Q(uid__in=uids_of_owners) | Q(pk__in={row.workload for row in moment.rows.values()}))
        for unit, pool, milli in Quota.objects.values_list("unit", "pool", "gpu_milli"):
            moment.quotas[unit, pool] = milli
    return moment


def _owners(which: Q) -> dict[int, Owner]:
    found = Workload.objects.filter(which)
    minimum = dict(SubGroup.objects.filter(workload__in=found).values_list("workload", "min_members"))
    return {
        pk: Owner(name, str(uid), project, pool or 0, preemptible, desired == Workload.Desired.RUNNING, minimum[pk])
        for pk, name, uid, project, pool, preemptible, desired in found.values_list(
            "pk", "name", "uid", "project", "pool", "preemptible", "desired"
        )
    }
