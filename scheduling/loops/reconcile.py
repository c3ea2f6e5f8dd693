"""Makes the cluster what people want: namespaces, and the objects of workloads with their labels.

Looks each time at what is wanted and what is there, never at what it did before, so it may die at any point.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings
from django.db.models import F, QuerySet

from orgs.models import ProjectInfo, UnitState
from portal.points import point
from portal.selectors.feed import feed_seq
from portal.services.feed import feed_tell
from scheduling.clusters.found import STOPPABLE
from scheduling.clusters.gateway import Gateway, GatewayError, NamespaceGoneError
from scheduling.clusters.orders import PodGroup, WorkloadKey, WorkloadObject
from scheduling.clusters.seen import Seen
from scheduling.models import TO_REMOVE, SubGroup, Workload, WorkloadSpec
from scheduling.workload_keys import KEY, key_of

from .labels import Labels
from .observed import Observed
from .observed_workloads import write_states
from .rows import clean
from .tenure import Tenure

RECONCILE_SECONDS = 0.3
"""Between two ticks, at least."""
QUIET_SECONDS = 0.3
"""Between two looks for news while nothing happens."""
LOST_SECONDS = 1.0
"""The same where a wake-up tells of news, and may be lost."""
ANYWAY_SECONDS = 3.0
"""After so long a tick follows without any."""
BATCH = 50
TICK_SECONDS = 2.0
"""A tick ends after so long: what it did not come to is the next one's."""
AGAIN_SECONDS = 5.0
LONGEST_PAUSE = 30.0
FORGET_SECONDS = 120.0
MAY_STOP = ("", *STOPPABLE)
"""Of what was found, the kinds that go on later: others are stopped where they came from."""
log = structlog.get_logger()


class Reconciler:
    """One cluster's. Remembers only when to try again what failed."""

    def __init__(self, cluster: int, gateway: Gateway, observed: Observed) -> None:
        self.cluster = cluster
        self.gateway = gateway
        self.observed = observed
        self._not_before: dict[tuple[str, int], tuple[float, float]] = {}
        self._until = 0.0
        self._seq: int | None = None
        self._told = 0
        """How many of the numbers up to that the observer told."""
        self._rest_until = self._look_at = self._tick_at = 0.0
        self._has_news = self._has_tried = False
        self._labels = Labels(cluster, gateway)

    def look(self, tenure: Tenure, *, has_seen: bool, is_woken: bool = False) -> None:
        """A tick where one is due: something was seen, or told by others than the observer, since the last one, or is
        to be tried again."""
        now = time.monotonic()
        self._has_news |= has_seen
        if now < self._rest_until or (now < self._look_at and not (self._has_news or is_woken)):
            return
        seq, told = feed_seq(self.cluster), self.observed.told
        by_others = self._seq is None or seq - self._seq > told - self._told
        self._seq, self._told = seq, told
        if not by_others and not self._has_news and now < self._tick_at:
            self._look_at = now + (LOST_SECONDS if settings.WAKE_URL else QUIET_SECONDS)
            return
        self._has_news, self._has_tried = False, False
        self.tick(tenure)
        now = time.monotonic()
        # What it tried may not have been all.
        again = now if self._has_tried or self._labels.has_more else now + ANYWAY_SECONDS
        self._tick_at = min([again, *(at for at, _ in self._not_before.values() if at > now)])
        self._rest_until = self._look_at = now + RECONCILE_SECONDS

    def tick(self, tenure: Tenure) -> None:
        now = time.monotonic()
        self._until = now + TICK_SECONDS
        self._not_before = {key: value for key, value in self._not_before.items() if value[0] > now - FORGET_SECONDS}
        self._namespaces(tenure)
        self._apply(tenure)
        self._start(tenure)
        self._remove(tenure)
        self._labels.tick(tenure)

    def _may_try(self, tenure: Tenure, key: tuple[str, int]) -> bool:
        now = time.monotonic()
        due, _ = self._not_before.get(key, (0.0, 0.0))
        may = due <= now < self._until and tenure.may_call()
        self._has_tried |= due <= now
        return may

    def _again_later(self, key: tuple[str, int], problem: GatewayError) -> None:
        _, pause = self._not_before.get(key, (0.0, 0.5))
        pause = min(pause * 2, LONGEST_PAUSE)
        self._not_before[key] = (time.monotonic() + pause, pause)
        log.warning("not_applied", what=key[0], id=key[1], problem=str(problem))

    def _namespaces(self, tenure: Tenure) -> None:
        waiting = ProjectInfo.objects.filter(cluster=self.cluster, unit__state=UnitState.ACTIVE)
        for project, namespace, name, adopted in waiting.exclude(phase=ProjectInfo.Phase.READY).values_list(
            "pk", "namespace", "unit__name", "adopted"
        ):
            key = ("namespace", project)
            if not self._may_try(tenure, key):
                continue
            changes: dict[str, Any] = {"phase": ProjectInfo.Phase.READY, "phase_message": ""}
            try:
                applied = self.gateway.apply_namespace(namespace, name, adopted=adopted)
                self._not_before.pop(key, None)
                self.observed.namespaces.applied(namespace)
                changes["restricted"] = applied.restricted
            except GatewayError as problem:
                changes = {"phase": ProjectInfo.Phase.FAILED, "phase_message": clean(str(problem), 500)}
                self._again_later(key, problem)
            with tenure.recording():
                ProjectInfo.objects.filter(pk=project).update(**changes)

    def _apply(self, tenure: Tenure) -> None:
        wanted = self._to_run().filter(
            origin="", pool__isnull=False, project__project_info__phase=ProjectInfo.Phase.READY
        )
        ids = [
            pk for pk in wanted.order_by("pk").values_list("pk", flat=True) if self._may_try(tenure, ("workload", pk))
        ]
        for item, pk in _objects(ids[:BATCH]):
            if not self._may_try(tenure, ("workload", pk)):
                return
            try:
                applied = self.gateway.apply_workload(item)
            except GatewayError as problem:
                self._again_later(("workload", pk), problem)
                with tenure.recording():
                    Workload.objects.filter(pk=pk).update(state_message=clean(str(problem), 500))
                    if isinstance(problem, NamespaceGoneError):
                        # Somebody deleted it. It is made anew, or asked for where it was adopted.
                        projects = ProjectInfo.objects.filter(namespace=item.namespace, cluster=self.cluster)
                        projects.update(phase=ProjectInfo.Phase.CREATING)
                continue
            point("created")
            self._not_before.pop(("workload", pk), None)
            self.observed.applied(applied)
            with tenure.recording():
                Workload.objects.filter(pk=pk).update(applied=True, state_message="")

    def _start(self, tenure: Tenure) -> None:
        """Lets what was found, and stopped here, go on. Objects that others made are never created or deleted."""
        rows = self._to_run().exclude(origin="").order_by("pk").values_list("pk", "pods_wanted", *KEY)
        for pk, pods, *columns in rows[:BATCH]:
            key = key_of(*columns)
            there = self.observed.objects.get(key.uid)
            if there is None or not self._may_try(tenure, ("workload", pk)):
                continue
            try:
                self.gateway.start_workload(key, pods)
            except GatewayError as problem:
                self._again_later(("workload", pk), problem)
                with tenure.recording():
                    Workload.objects.filter(pk=pk).update(state_message=clean(str(problem), 500))
                continue
            self.observed.applied(replace(there, stopped=False))
            with tenure.recording():
                Workload.objects.filter(pk=pk).update(applied=True, state_message="")

    def _to_run(self) -> QuerySet[Workload]:
        return Workload.objects.filter(
            cluster=self.cluster, is_active=True, applied=False, desired=Workload.Desired.RUNNING
        )

    def _remove(self, tenure: Tenure) -> None:
        """Stops or deletes what is no longer wanted, and ends what is not there. What has ended may still have its
        object: one that was deleted loses it, one that was stopped may go on with it, but only when it is asked to."""
        here = Workload.objects.filter(cluster=self.cluster)
        unwanted = here.filter(desired__gt=Workload.Desired.RUNNING)
        found = [here.filter(TO_REMOVE), unwanted.filter(applied=False, is_active=True)]
        if self.observed.strays:
            found.append(unwanted.filter(pk__in=self.observed.strays, is_active=False))
        for rows in found:
            for pk, desired, state, is_active, *columns in rows.order_by("pk").values_list(
                "pk", "desired", "state", "is_active", *KEY
            )[:BATCH]:
                key = key_of(*columns)
                there = self.observed.objects.get(key.uid)
                if there is None or not there.goes_on:
                    self.observed.strays.discard(pk)
                if there and desired == Workload.Desired.DELETED and not key.found:
                    self._take_away(tenure, ("removal", pk), key, self.gateway.delete_workload)
                elif there and not there.stopped and key.found in MAY_STOP:
                    self._take_away(tenure, ("stop", pk), key, self.gateway.stop_workload)
                if state != Workload.State.STOPPING if is_active else not there or key.found:
                    with tenure.recording():
                        feed_tell(cluster=self.cluster, workloads=write_states([pk], self.observed.objects))

    def _take_away(
        self, tenure: Tenure, key: tuple[str, int], workload: WorkloadKey, act: Callable[[WorkloadKey], None]
    ) -> None:
        if not self._may_try(tenure, key):
            return
        try:
            act(workload)
            self._not_before[key] = (time.monotonic() + AGAIN_SECONDS, AGAIN_SECONDS / 2)
        except GatewayError as problem:
            self._again_later(key, problem)


def has_to_do(seen: Seen) -> bool:
    """Whether something may follow for the reconciler: from pods that have their node nothing does."""
    return seen != Seen(pods=seen.pods) or any(not pod.node for pod in seen.pods)


def _objects(workloads: list[int]) -> list[tuple[WorkloadObject, int]]:
    """These workloads as the cluster is to have them, with their ids; in their order."""
    rows = Workload.objects.filter(pk__in=workloads).order_by("pk")
    rows = rows.annotate(by=F("submitted_by__user__email"))
    info = "project__project_info__"
    fields = (
        "uid",
        "name",
        f"{info}namespace",
        f"{info}restricted",
        "project__name",
        "pool__name",
        "kind",
        "image",
        "by",
    )
    groups: dict[int, list[SubGroup]] = defaultdict(list)
    for group in SubGroup.objects.filter(workload__in=workloads).order_by("pk"):
        groups[group.workload_id].append(group)
    specs = dict(WorkloadSpec.objects.filter(workload__in=workloads).values_list("pk", "spec"))
    found = []
    for pk, uid, name, namespace, restricted, project, pool, kind, image, by in rows.values_list("pk", *fields):
        spec, placement = specs.get(pk, {}), groups[pk][0].placement
        item = WorkloadObject(
            uid=str(uid),
            name=name,
            namespace=namespace,
            project=project,
            pool=pool,
            kind=Workload.Kind(kind).label,
            image=image,
            command=tuple(spec.get("command", ())),
            env=spec.get("env", {}),
            groups=tuple(_pod_group(group) for group in groups[pk]),
            node_labels=placement.get("nodes", {}),
            tolerations=tuple(placement.get("tolerations", ())),
            retries=spec.get("retries", 0),
            submitted_by=by or "",
            extra={key: spec.get(key) for key in ("run_seconds", "fail_after_seconds")},
            manifest=spec.get("manifest", {}),
            restricted=restricted,
        )
        found.append((item, pk))
    return found


def _pod_group(group: SubGroup) -> PodGroup:
    return PodGroup(
        name=group.name,
        pods=group.wanted,
        devices=group.devices,
        device_milli=group.device_milli,
        cpu_millicores=group.cpu_millicores,
        memory_bytes=group.memory_bytes,
        device_memory_mib=group.gpu_memory_mib,
    )
