"""Carries out what a pool's loop recorded: binds and evictions, each sent at most once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.db.models.functions import Now

from orgs.models import ProjectInfo
from portal.points import point
from quotas.models import Node
from scheduling.clusters.gateway import Gateway
from scheduling.clusters.orders import Bind, Eviction, Outcome, Result
from scheduling.models import Decision, Pod, Workload
from scheduling.reasons import evict_reason
from scheduling.selectors.names import unit_namer

from .rows import clean
from .tenure import Tenure

BATCH_SECONDS = 1.0
"""What takes about so long is marked as sent, and answered, together: the calls of the next wait for both."""
FIRST_BATCH, LEAST_BATCH, MOST_BATCH = 256, 32, 1024
State = Decision.State
STATES = {
    Outcome.CONFIRMED: State.CONFIRMED,
    Outcome.FAILED: State.FAILED,
    Outcome.UNKNOWN: State.UNKNOWN,
    Outcome.NOT_SENT: State.RECORDED,
}
log = structlog.get_logger()


class Actor:
    """One pool's, under its loop's lease."""

    def __init__(self, pool: int) -> None:
        self.pool = pool
        self._most = FIRST_BATCH

    def act(self, gateway: Gateway, tenure: Tenure) -> int:
        """Sends everything that is recorded and not late, evictions first. How many it sent."""
        sent = 0
        for kind in (Decision.Kind.EVICT, Decision.Kind.PLACE):
            while tenure.may_call():
                began, batch = time.monotonic(), self._next(kind)
                if not batch or not self._send(kind, batch, gateway, tenure):
                    break
                sent += len(batch)
                if len(batch) == self._most:
                    fitting = round(self._most * BATCH_SECONDS / (time.monotonic() - began))
                    self._most = max(LEAST_BATCH, min(fitting, MOST_BATCH))
        return sent

    def _next(self, kind: Decision.Kind) -> list[tuple[Any, ...]]:
        due = Decision.objects.filter(pool=self.pool, kind=kind, state=State.RECORDED, deadline_at__gt=Now())
        fields = ("pk", "pod", "pod_uid", "workload", "node", "devices", "code", "numbers")
        return list(due.order_by("pk").values_list(*fields)[: self._most])

    def _send(self, kind: Decision.Kind, batch: Sequence[tuple[Any, ...]], gateway: Gateway, tenure: Tenure) -> bool:
        """Whether more may be sent: the cluster took all of it, or time ran out, of which there is more now. What is
        marked as sent and was not, for the worker died, is read later."""
        ids = [row[0] for row in batch]
        point("recorded")
        with tenure.recording():
            Decision.objects.filter(pk__in=ids, state=State.RECORDED).update(state=State.SENT, sent_at=Now())
        point("sent")
        if kind == Decision.Kind.PLACE:
            results = gateway.bind(binds(batch), lambda: _has_time(tenure))
        else:
            results = gateway.evict(evictions(batch), lambda: _has_time(tenure))
        had_time = tenure.has_time_to_call
        point("answered")
        known = {result.decision for result in results}
        results += [Result(pk, Outcome.FAILED, "The pod or node is gone.") for pk in ids if pk not in known]
        with tenure.recording():
            for outcome, state in STATES.items():
                matching = [result for result in results if result.outcome is outcome]
                _move([result.decision for result in matching if not result.message], state)
                for result in matching:
                    if result.message:
                        _move([result.decision], state, result.message)
        point("confirmed")
        for result in results:
            if result.outcome in (Outcome.FAILED, Outcome.UNKNOWN):
                log.warning("decision_not_done", decision=result.decision, problem=result.message)
        return not had_time or all(result.outcome is not Outcome.NOT_SENT for result in results)


def _has_time(tenure: Tenure) -> bool:
    """Asked before each call, by whatever thread makes it."""
    point("calling")
    return tenure.has_time_to_call


def _move(decisions: Sequence[int], state: State, error: str = "") -> None:
    """Only what is still as sent: the observer may have seen the outcome already."""
    if decisions:
        sent = Decision.objects.filter(pk__in=sorted(decisions), state=State.SENT)
        sent.update(state=state, error=clean(error, 500))


def binds(batch: Sequence[tuple[Any, ...]]) -> list[Bind]:
    names, namespaces = _names(batch)
    nodes = dict(Node.objects.filter(pk__in={row[4] for row in batch}, removed_at=None).values_list("pk", "name"))
    return [
        Bind(pk, namespaces[workload], names[pod], uid, nodes[node], devices)
        for pk, pod, uid, workload, node, devices, *_ in batch
        if pod in names and node in nodes and workload in namespaces
    ]


def evictions(batch: Sequence[tuple[Any, ...]]) -> list[Eviction]:
    names, namespaces = _names(batch)
    unit_name = unit_namer([row[-1] for row in batch])

    def told(code: str, numbers: Mapping[str, Any]) -> str:
        """As people may read it in the cluster: whose work takes its place is not for everybody."""
        return evict_reason(code, numbers, "other work", unit_name)

    return [
        Eviction(pk, namespaces[workload], names[pod], uid, told(code, numbers), overrides="allowed" in numbers)
        for pk, pod, uid, workload, _, _, code, numbers in batch
        if pod in names and workload in namespaces
    ]


def _names(batch: Sequence[tuple[Any, ...]]) -> tuple[dict[int, str], dict[int, str]]:
    """Names of pods by id, and namespaces by id of the workload."""
    names = dict(Pod.objects.filter(pk__in=[row[1] for row in batch]).values_list("pk", "name"))
    projects = dict(Workload.objects.filter(pk__in={row[3] for row in batch}).values_list("pk", "project_id"))
    found = ProjectInfo.objects.filter(pk__in=set(projects.values())).values_list("pk", "namespace")
    namespaces = dict(found)
    return names, {pk: namespaces[project] for pk, project in projects.items() if project in namespaces}
