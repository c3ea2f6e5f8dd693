"""Wakes what makes the pods of a workload where it has not made them for long.

A Job controller that first sees a pod when that is being deleted, as after a restart of the API server, goes on waiting
for the news that the pod was made. It makes no other for five minutes, and looks again only when something is told of
the Job: https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/job/job_controller.go (`addPod`).
"""

from __future__ import annotations

import time
from collections import defaultdict

import structlog
from django.db.models import Count, F, Q

from scheduling.clusters.gateway import Gateway, GatewayError
from scheduling.models import Pod, SubGroup, Workload
from scheduling.workload_keys import KEY, key_of

from .tenure import Tenure

LOOK_SECONDS = 30.0
LONG_SECONDS = 310.0
"""A little more than a controller waits for news of a pod that it made."""
BATCH = 50
State = Workload.State
MAY_LACK_PODS = (State.WAITING, State.STARTING, State.DEGRADED)
log = structlog.get_logger()


class MissingPods:
    """One cluster's. Remembers since when pods are missing, also while no watch holds."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self._since: dict[int, float] = {}
        self._look_at = 0.0

    def tick(self, gateway: Gateway, tenure: Tenure) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        self._since = {workload: self._since.get(workload, now) for workload in self._missing()}
        due = [workload for workload, since in self._since.items() if now - since >= LONG_SECONDS][:BATCH]
        if due and tenure.may_call():
            self._wake(gateway, due, now)

    def _missing(self) -> list[int]:
        """Workloads with fewer pods than they are to have. Of one whose pods have ended and are gone that may be so for
        good: waking it changes nothing."""
        there = Count("pods", filter=~Q(pods__phase=Pod.Phase.FAILED))
        rows = Workload.objects.filter(
            cluster=self.cluster,
            is_active=True,
            applied=True,
            origin="",
            desired=Workload.Desired.RUNNING,
            state__in=MAY_LACK_PODS,
        )
        return list(rows.annotate(there=there).filter(there__lt=F("pods_wanted")).values_list("pk", flat=True))

    def _wake(self, gateway: Gateway, workloads: list[int], now: float) -> None:
        groups = defaultdict(list)
        for workload, name in SubGroup.objects.filter(workload__in=workloads).values_list("workload_id", "name"):
            groups[workload].append(name)
        for pk, *columns in Workload.objects.filter(pk__in=workloads).values_list("pk", *KEY):
            self._since[pk] = now
            try:
                gateway.wake_workload(key_of(*columns), groups[pk])
                log.warning("pods_missing", workload=pk)
            except GatewayError as problem:
                log.warning("not_woken", workload=pk, problem=str(problem))
