"""Workloads that were found in a cluster: their rows, from the pods and objects that one watch shows."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.utils import timezone

from orgs.models import Subject, UnitState
from scheduling.clusters.found import DEPLOYMENT, JOB, STATEFUL_SET
from scheduling.clusters.seen import ObjectState, Seen, SeenObject, SeenPod
from scheduling.models import Assignment, Event, SubGroup, Workload, WorkloadSpec
from scheduling.services.sub_groups import request_class_of

from .found_places import places_of
from .found_pods import FoundPods, Group, Shape
from .found_shapes import Wanted, placement_of, priority_of, sums_of, wanted_of
from .rows import clean, update_rows
from .untaken import NOT_OWN, REFUSED, Untaken, UntakenPods

KINDS = {
    JOB: Workload.Kind.TRAINING,
    STATEFUL_SET: Workload.Kind.WORKSPACE,
    DEPLOYMENT: Workload.Kind.INFERENCE,
}
"""Whose rights these need, as those of the object that Bursar makes of the same kind."""
COLUMNS = ("pods_wanted", "requested_gpu_milli", "requested_cpu_millicores", "requested_memory_bytes", "priority")
REVIVED = ("is_active", "applied", "desired", "state", "state_message", "state_since", "started_at", "ended_at")
PROJECT_NAMESPACE = "project__project_info__namespace"
GROUP_COLUMNS = ("min_members", "wanted", "request_class")


class Row(NamedTuple):
    """A found workload as it is stored."""

    pk: int
    is_active: bool
    is_own: bool
    """It was found here, in its project's namespace; else the uid is another's."""
    may_revive: bool
    """Its project is not being deleted."""
    columns: tuple[int, ...]
    """COLUMNS."""


class FoundWriter:
    """One watch's."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self._pods = FoundPods()
        self._untaken = UntakenPods(cluster)
        self._names: dict[str, dict[Shape, str]] = {}
        """Names of the sub-groups of what is a workload, by the group's uid."""
        self._no_place: dict[str, str] = {}
        """Why groups (uids) are no workloads."""
        self._unused: set[int] = set()
        """Sub-groups of which no pod is left, or will soon be."""

    def is_due(self) -> bool:
        """Something is to be written although nothing new was seen."""
        now = time.monotonic()
        return self._pods.is_due(now) or self._untaken.is_due(now)

    def adopt(self, seen: Seen, objects: dict[str, SeenObject]) -> tuple[Seen, set[int], set[int]]:
        """Writes the workloads that pods and objects mean. Gives what was seen, in which their pods name them as if
        they had been submitted, the workloads (ids) that changed, and those whose state is to be looked at. `objects`:
        what stands for those that are not followed is kept there."""
        now = time.monotonic()
        touched, pods = self._pods.see(seen, self._untaken.take_due(now), now)
        changed, looked_at = self._write(touched) if touched else (set(), set())
        self._keep_objects(touched, objects)
        named = {uid: self._named(pod) for uid, pod in pods.items()}
        self._untaken.write(self._left(named.values()), seen, now)
        rest = (pod for pod in seen.pods if pod.uid not in named)
        return (replace(seen, pods=(*rest, *named.values())) if named else seen), changed, looked_at

    def sweep(self) -> None:
        """Sub-groups go after their pods, as when an object got another template."""
        if self._unused:
            unused = SubGroup.objects.filter(pk__in=self._unused, wanted=0, pods__isnull=True)
            gone = dict(unused.values_list("pk", "workload__uid"))
            SubGroup.objects.filter(pk__in=gone).delete()
            for uid in gone.values():
                self._names.pop(str(uid), None)
            self._unused.clear()

    def _keep_objects(self, touched: Iterable[str], objects: dict[str, SeenObject]) -> None:
        for uid in touched:
            item = self._pods.object_of(uid)
            self._pods.drop_empty(uid)
            # A uid that is no found workload's may be any other's.
            if item is not None and uid in self._names:
                objects[uid] = item
            elif item is None and uid in self._names:
                objects.pop(uid, None)
            if uid not in self._pods.groups:
                self._no_place.pop(uid, None)
                self._names.pop(uid, None)

    def _named(self, pod: SeenPod) -> SeenPod:
        top = self._pods.top_of(pod.uid)
        if top not in self._names:
            return pod
        member = self._pods.groups[top].members[pod.uid]
        return replace(pod, workload=top, sub_group=self._names[top].get(member.shape, ""))

    def _left(self, pods: Iterable[SeenPod]) -> dict[str, Untaken | None]:
        """Pods by uid: why they are nobody's; None of those that are somebody's, or need no reason."""
        left: dict[str, Untaken | None] = {}
        for pod in pods:
            top = self._pods.top_of(pod.uid)
            refused = pod.found.refused if pod.found else ""
            if refused:
                left[pod.uid] = Untaken(pod, REFUSED, refused)
            elif top in self._no_place:
                left[pod.uid] = Untaken(pod, self._no_place[top])
            else:
                left[pod.uid] = None
        return left

    def _write(self, touched: Collection[str]) -> tuple[set[int], set[int]]:
        groups = {uid: self._pods.groups[uid] for uid in touched if uid in self._pods.groups}
        stored = self._rows(touched)
        rows = {uid: row for uid, row in stored.items() if row.is_own}
        self._names |= {uid: self._names.get(uid, {}) for uid in rows}
        live = {uid: group for uid, group in groups.items() if group.is_live}
        known = self._sub_groups({row.pk: uid for uid, row in rows.items()})
        wanted = {uid: wanted_of(group, self._pods.objects.get(uid)) for uid, group in live.items()}
        new = {uid: group for uid, group in live.items() if uid not in stored}
        self._no_place |= dict.fromkeys(stored.keys() & live.keys() - rows.keys(), NOT_OWN)
        created = self._create(new, wanted) if new else set()
        old = {uid: rows[uid] for uid in live if uid in rows and not self._is_stopped(uid)}
        return created | self._update(old, wanted, known), {row.pk for row in rows.values()}

    def _is_stopped(self, uid: str) -> bool:
        """What it is to have again later stays as it was."""
        item = self._pods.objects.get(uid)
        return item is not None and item.stopped

    def _rows(self, uids: Collection[str]) -> dict[str, Row]:
        """Also those that are not this cluster's: a uid is what somebody wrote into a pod."""
        found = Workload.objects.filter(uid__in=list(uids)).values_list(
            "pk", "uid", "is_active", "cluster", "origin", PROJECT_NAMESPACE, "project__state", *COLUMNS
        )
        rows = {}
        for pk, uid, is_active, cluster, origin, namespace, state, *columns in found:
            group = self._pods.groups.get(str(uid))
            is_own = cluster == self.cluster and origin != "" and (group is None or group.namespace == namespace)
            rows[str(uid)] = Row(pk, is_active, is_own, state == UnitState.ACTIVE, tuple(columns))
        return rows

    def _sub_groups(self, workloads: Mapping[int, str]) -> dict[str, list[SubGroup]]:
        known: dict[str, list[SubGroup]] = {uid: [] for uid in workloads.values()}
        for row in SubGroup.objects.filter(workload__in=workloads).order_by("pk"):
            uid = workloads[row.workload_id]
            known[uid].append(row)
            self._names[uid][_shape_of(row)] = row.name
        return known

    def _create(self, groups: Mapping[str, Group], wanted: Mapping[str, Mapping[Shape, Wanted]]) -> set[int]:
        places, reasons = places_of(self.cluster, groups)
        self._no_place = {uid: why for uid, why in self._no_place.items() if uid not in groups} | reasons
        addresses = {uid: self._submitted_by(uid, groups[uid]) for uid in places}
        people = Subject.objects.filter(user__email__in=set(addresses.values()) - {""})
        subjects = dict(people.values_list("user__email", "pk"))
        workloads = Workload.objects.bulk_create(
            Workload(
                uid=uid,
                project=project,
                cluster_id=self.cluster,
                submitted_by_id=subjects.get(addresses[uid]),
                kind=KINDS.get(groups[uid].top.kind, Workload.Kind.OTHER) if groups[uid].top.is_followed else OTHER,
                name=clean(groups[uid].top.name, 63),
                origin=clean(f"{groups[uid].top.shown_kind}/{groups[uid].top.name}", 320),
                priority=_priority(groups[uid]),
                pool=order.pools[0],
                applied=True,
                created_at=datetime.fromtimestamp(groups[uid].pod.created_ms / 1000, UTC),
                **sums_of(wanted[uid], self._pods.objects.get(uid)),
            )
            for uid, (project, order) in sorted(places.items())
        )
        orders = {uid: order for uid, (_, order) in places.items()}
        specs = {
            uid: {"pools": order.names, "pools_from": order.words(places[uid][0])} for uid, order in orders.items()
        }
        WorkloadSpec.objects.bulk_create(WorkloadSpec(workload=row, spec=specs[str(row.uid)]) for row in workloads)
        Assignment.objects.bulk_create(Assignment(workload=row, pool_id=row.pool_id) for row in workloads)
        Event.objects.bulk_create(
            Event(workload=row, code="found", numbers={"origin": row.origin, "pools": orders[str(row.uid)].names})
            for row in workloads
        )
        for row in workloads:
            self._names[str(row.uid)] = {}
        SubGroup.objects.bulk_create(
            self._new_group(row.pk, str(row.uid), shape, wanted[str(row.uid)])
            for row in workloads
            for shape in wanted[str(row.uid)]
        )
        return {row.pk for row in workloads}

    def _update(
        self,
        rows: Mapping[str, Row],
        wanted: Mapping[str, Mapping[Shape, Wanted]],
        known: Mapping[str, list[SubGroup]],
    ) -> set[int]:
        """Writes what differs; ids of those workloads."""
        updates: list[tuple[Any, ...]] = []
        revived: list[tuple[Any, ...]] = []
        groups: list[tuple[int, ...]] = []
        new: list[SubGroup] = []
        for uid, row in rows.items():
            item = self._pods.objects.get(uid)
            columns = (*sums_of(wanted[uid], item).values(), int(_priority(self._pods.groups[uid])))
            if columns != row.columns:
                updates.append((row.pk, *columns))
            if not row.is_active and row.may_revive and _may_run(item):
                now = timezone.now()
                revived.append((row.pk, True, True, Workload.Desired.RUNNING, State.WAITING, "", now, None, None))
            request_class = _request_class(wanted[uid])
            for group in known[uid]:
                pods, minimum = wanted[uid].get(_shape_of(group), Wanted(0, 0))
                if not pods:
                    self._unused.add(group.pk)
                if (group.min_members, group.wanted, group.request_class) != (minimum, pods, request_class):
                    groups.append((group.pk, minimum, pods, request_class))
            new += [
                self._new_group(row.pk, uid, shape, wanted[uid])
                for shape in wanted[uid]
                if shape not in self._names[uid]
            ]
        update_rows(Workload, COLUMNS, updates)
        update_rows(Workload, REVIVED, revived)
        update_rows(SubGroup, GROUP_COLUMNS, groups)
        SubGroup.objects.bulk_create(new)
        Event.objects.bulk_create(Event(workload_id=pk, code="waiting") for pk, *_ in revived)
        of_groups = {group.pk: group.workload_id for rows_of in known.values() for group in rows_of}
        return {
            *(pk for pk, *_ in (*updates, *revived)),
            *(of_groups[pk] for pk, *_ in groups),
            *(group.workload_id for group in new),
        }

    def _new_group(self, workload: int, uid: str, shape: Shape, wanted: Mapping[Shape, Wanted]) -> SubGroup:
        names = self._names[uid]
        taken = set(names.values())
        names[shape] = next(name for number in range(1, len(names) + 2) if (name := _group_name(number)) not in taken)
        return SubGroup(
            workload_id=workload,
            name=names[shape],
            min_members=wanted[shape].minimum,
            wanted=wanted[shape].pods,
            devices=shape.devices,
            cpu_millicores=shape.cpu_millicores,
            memory_bytes=shape.memory_bytes,
            placement=placement_of(shape),
            request_class=_request_class(wanted),
        )

    def _submitted_by(self, uid: str, group: Group) -> str:
        item = self._pods.objects.get(uid)
        own = group.pod.found.submitted_by if group.pod.found else ""
        return (item.submitted_by if item else "") or own


OTHER = Workload.Kind.OTHER
State = Workload.State


def _may_run(item: SeenObject | None) -> bool:
    return item is None or (item.state is ObjectState.ACTIVE and not (item.stopped or item.deleting))


def _priority(group: Group) -> int:
    return priority_of(group.pod.found.priority if group.pod.found else 0)


def _group_name(number: int) -> str:
    return "pods" if number == 1 else f"pods-{number}"


def _shape_of(row: SubGroup) -> Shape:
    labels = tuple(sorted(row.placement.get("nodes", {}).items()))
    tolerations = tuple(tuple(item.items()) for item in row.placement.get("tolerations", ()))
    return Shape(row.devices, row.cpu_millicores, row.memory_bytes, labels, tolerations)


def _request_class(wanted: Mapping[Shape, Wanted]) -> int:
    return request_class_of([[*shape, *numbers] for shape, numbers in wanted.items()])
