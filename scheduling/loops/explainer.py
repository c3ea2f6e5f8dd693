"""Says on the pods of a cluster why they wait, for people who look at them with kubectl.

It stands beside the loops and holds none of them up: it reads what they wrote, and writes slowly, and only while no
order is under way. Nothing is stored: what a pod says is read from the pod.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import structlog
from django.utils import timezone

from orgs.models import ClusterInfo
from portal.reading import EpochMs
from scheduling.clusters.gateway import Gateway, GatewayError
from scheduling.clusters.orders import PodReason
from scheduling.clusters.registry import gateway_for
from scheduling.engine.decisions import WaitCode
from scheduling.models import Pod, UntakenPod, WaitClass
from scheduling.reasons import wait_reason
from scheduling.selectors.names import unit_namer

from .tenure import Tenure
from .thread import Gone

LOOK_SECONDS = 5.0
APART_SECONDS = 0.05
"""Between two pods."""
FIRST_AFTER = timedelta(seconds=3)
"""Most pods are bound before."""
OTHER_AFTER_SECONDS = 10.0
"""A pod that waits for another reason says so after so long at least, and one of which only the figures changed"""
FIGURES_AFTER_SECONDS = 300.0
"""after so long."""
MOST_WAITING = 20_000
"""Of more pods those that have waited longest."""
MOST_AT_ONCE = 100
OUT_OF_REACH_SECONDS = 10.0
MAX_MESSAGE = 900
NODE_WOULD_HELP = (WaitCode.SHORT, WaitCode.FRAGMENTED, WaitCode.NO_READY_NODE, WaitCode.NO_MATCHING_NODE)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Told:
    reason: str
    message: str
    at: float


class PodRow(NamedTuple):
    uid: str
    name: str
    namespace: str
    since_ms: int


class Explainer:
    """One cluster's. A step is one look, and what it takes to tell up to so many pods."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self._told: dict[str, Told] = {}
        """By uid of the pod."""

    def step(self, tenure: Tenure, stop: threading.Event) -> None:
        tenure.wait(LOOK_SECONDS, stop)
        if stop.is_set():
            return
        try:
            self.look(gateway_for(self.cluster), tenure, stop)
        except ClusterInfo.DoesNotExist:
            raise Gone from None
        except GatewayError as problem:
            log.warning("pods_not_told", cluster=self.cluster, problem=str(problem))
            tenure.wait(OUT_OF_REACH_SECONDS, stop)

    def look(self, gateway: Gateway, tenure: Tenure, stop: threading.Event) -> int:
        """How many pods were told. Raises GatewayError."""
        told = 0
        for why in self._due()[:MOST_AT_ONCE]:
            if stop.wait(APART_SECONDS) or not tenure.may_call():
                break
            if gateway.explain(why):
                self._told[why.uid] = Told(why.reason, why.message, time.monotonic())
                told += 1
        return told

    def _due(self) -> list[PodReason]:
        """Pods that do not say, as far as is known here, why they wait: those that say nothing first."""
        waiting, untaken = waiting_pods(self.cluster), untaken_pods(self.cluster)
        there = {row.uid for row, _ in waiting} | {row.uid for row, _, _ in untaken}
        self._told = {uid: told for uid, told in self._told.items() if uid in there}
        words = words_of({wait_class for _, wait_class in waiting})
        now, at_ms = time.monotonic(), time.time_ns() // 1_000_000
        due: list[tuple[float, PodReason]] = []
        said = [(row, *words[wait_class]) for row, wait_class in waiting if wait_class in words]
        for row, reason, message in (*said, *untaken):
            told = self._told.get(row.uid)
            if told is None or now - told.at > _pause(told, reason, message):
                why = PodReason(row.namespace, row.name, row.uid, reason, message, row.since_ms, at_ms)
                due.append((told.at if told else 0.0, why))
        due.sort(key=lambda item: item[0])
        return [why for _, why in due]


def _pause(told: Told, reason: str, message: str) -> float:
    if told.reason != reason:
        return OTHER_AFTER_SECONDS
    return FIGURES_AFTER_SECONDS if told.message != message else float("inf")


def waiting_pods(cluster: int) -> list[tuple[PodRow, int]]:
    """With the class of what waits."""
    rows = Pod.objects.filter(
        phase=Pod.Phase.PENDING,
        workload__cluster=cluster,
        workload__waiting__since__lt=timezone.now() - FIRST_AFTER,
    )
    fields = ("uid", "name", "workload__project__project_info__namespace", "since_ms", "workload__waiting__wait_class")
    timed = rows.annotate(since_ms=EpochMs("workload__waiting__since")).order_by("workload__waiting__since", "pk")
    return [(PodRow(*row), wait_class) for *row, wait_class in timed.values_list(*fields)[:MOST_WAITING]]


def untaken_pods(cluster: int) -> list[tuple[PodRow, str, str]]:
    """Pods that were made for Bursar to place, and are nobody's workload: with reason and message."""
    rows = UntakenPod.objects.filter(cluster=cluster, created_at__lt=timezone.now() - FIRST_AFTER)
    timed = rows.annotate(since_ms=EpochMs("created_at")).order_by("created_at", "pk")
    fields = ("uid", "name", "namespace", "since_ms", "reason", "message")
    return [(PodRow(*row), reason, message) for *row, reason, message in timed.values_list(*fields)[:MOST_WAITING]]


def words_of(classes: set[int]) -> dict[int, tuple[str, str]]:
    """Reason and message by class of what waits."""
    found = WaitClass.objects.filter(pk__in=classes).values_list("pk", "code", "numbers", "pool__name")
    rows = list(found)
    names = unit_namer([numbers for _, _, numbers, _ in rows])
    words = {}
    for pk, code, numbers, pool in rows:
        reason = wait_reason(code, numbers, pool, names)
        words[pk] = reason_word(code), f"{reason.sentence} {reason.advice}".strip()[:MAX_MESSAGE]
    return words


def reason_word(code: str) -> str:
    """kube-scheduler's word where another node would help, for what adds nodes goes by it; else the code's own."""
    return "Unschedulable" if code in NODE_WOULD_HELP else code.title().replace("_", "")
