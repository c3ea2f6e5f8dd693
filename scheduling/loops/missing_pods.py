"""Wakes what makes the pods of a workload where it has not made them for long.

A Job controller that first sees a pod when that is being deleted, as after a restart of the API server, goes on waiting
for the news that the pod was made. It makes no other for five minutes, and looks again only when something is told of
the Job: https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/job/job_controller.go (`addPod`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import datetime

import structlog
from django.db.models import Count, F, Q

from scheduling.clusters.gateway import Gateway, GatewayError
from scheduling.models import Pod, SubGroup, Workload
from scheduling.workload_keys import KEY, key_of

from .taken_over import taken_over
from .tenure import Tenure

LOOK_SECONDS = 30.0
LONG_SECONDS = 310.0
"""A little more than a controller waits for news of a pod that it made."""
BATCH = 50
State = Workload.State
MAY_LACK_PODS = (State.WAITING, State.STARTING, State.DEGRADED)
log = structlog.get_logger()


class MissingPods:
    """One cluster's. Remembers since when pods are missing, also while no watch holds; who takes over goes by how long
    the workload has been in its state, since to wake a controller in vain changes nothing."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self._since: dict[int, float] | None = None
        self._look_at = 0.0

    def tick(self, gateway: Gateway, tenure: Tenure) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        missing, earlier = self._missing(), self._since
        if earlier is None:
            earlier = taken_over(missing, now, LONG_SECONDS - LOOK_SECONDS)
        self._since = {workload: earlier.get(workload, now) for workload in missing}
        due = [workload for workload, since in self._since.items() if now - since >= LONG_SECONDS][:BATCH]
        if due and tenure.may_call():
            self._since |= dict.fromkeys(due, now)
            self._wake(gateway, due)

    def _missing(self) -> dict[int, datetime]:
        """Workloads with fewer pods than they are to have, and since when they are in their state. Of one whose pods
        have ended and are gone that may be so for good: waking it changes nothing."""
        there = Count("pods", filter=~Q(pods__phase=Pod.Phase.FAILED))
        rows = Workload.objects.filter(
            cluster=self.cluster,
            is_active=True,
            applied=True,
            origin="",
            desired=Workload.Desired.RUNNING,
            state__in=MAY_LACK_PODS,
        )
        return dict(rows.annotate(there=there).filter(there__lt=F("pods_wanted")).values_list("pk", "state_since"))

    def _wake(self, gateway: Gateway, workloads: list[int]) -> None:
        groups = defaultdict(list)
        for workload, name in SubGroup.objects.filter(workload__in=workloads).values_list("workload_id", "name"):
            groups[workload].append(name)
        for pk, *columns in Workload.objects.filter(pk__in=workloads).values_list("pk", *KEY):
            try:
                gateway.wake_workload(key_of(*columns), groups[pk])
                log.warning("pods_missing", workload=pk)
            except GatewayError as problem:
                log.warning("not_woken", workload=pk, problem=str(problem))
