"""Carries out what a pool's loop recorded: binds and evictions, each sent at most once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import structlog
from django.db import connection
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
OF_JOBS = (Workload.Kind.TRAINING, Workload.Kind.DISTRIBUTED)
log = structlog.get_logger()


class Batch(NamedTuple):
    """Decisions that are marked as sent together."""

    decisions: list[int]
    orders: list[Bind] | list[Eviction]
    """Of those whose pod and node are still there."""
    is_full: bool
    """There may be more to send after it."""


class Actor:
    """One pool's, under its loop's lease."""

    def __init__(self, pool: int) -> None:
        self.pool = pool
        self._most = FIRST_BATCH

    def act(self, gateway: Gateway, tenure: Tenure) -> int:
        """Sends everything that is recorded and not late, evictions first. How many it sent."""
        evicted = self._send(Decision.Kind.EVICT, gateway.evict, tenure)
        return evicted + self._send(Decision.Kind.PLACE, gateway.bind, tenure)

    def _send(self, kind: Decision.Kind, send: Callable[..., list[Result]], tenure: Tenure) -> int:
        """While the calls of a full batch are made, the answers to the one before are written and the next is marked.
        What is marked as sent and was not, for the worker died, is read later."""
        batch = self._mark(kind, tenure)
        if batch is None:
            return 0
        sent, answers, stop = 0, Answers(), threading.Event()

        def keep_going() -> bool:
            return not stop.is_set() and _has_time(tenure)

        with ThreadPoolExecutor(1, thread_name_prefix="actor") as caller:
            try:
                while batch:
                    began = time.monotonic()
                    calls = caller.submit(_beside, send, batch.orders, keep_going) if batch.is_full else None
                    answers.write(tenure)
                    following = self._mark(kind, tenure) if calls else None
                    results = calls.result() if calls else send(batch.orders, keep_going)
                    answers = Answers(batch.decisions, results)
                    had_time = tenure.has_time_to_call
                    point("answered")
                    sent += len(batch.decisions)
                    if batch.is_full:
                        self._fit(len(batch.decisions), time.monotonic() - began)
                    if answers.has_unsent:
                        # The cluster is to be left alone, or time ran out, of which there is more now.
                        answers.write(tenure)
                        _take_back(following, tenure)
                        following = None if had_time else self._mark(kind, tenure)
                    batch = following
            finally:
                stop.set()
        answers.write(tenure)
        return sent

    def _fit(self, calls: int, seconds: float) -> None:
        fitting = round(calls * BATCH_SECONDS / seconds)
        self._most = max(LEAST_BATCH, min(fitting, MOST_BATCH))

    def _mark(self, kind: Decision.Kind, tenure: Tenure) -> Batch | None:
        """The next batch; None: there is none, or no time for calls."""
        if not tenure.may_call():
            return None
        due = Decision.objects.filter(pool=self.pool, kind=kind, state=State.RECORDED, deadline_at__gt=Now())
        fields = ("pk", "pod", "pod_uid", "workload", "node", "devices", "code", "numbers")
        rows = list(due.order_by("pk").values_list(*fields)[: self._most])
        if not rows:
            return None
        ids = [row[0] for row in rows]
        point("recorded")
        with tenure.recording():
            Decision.objects.filter(pk__in=ids, state=State.RECORDED).update(state=State.SENT, sent_at=Now())
        point("sent")
        orders = binds(rows) if kind == Decision.Kind.PLACE else evictions(rows)
        return Batch(ids, orders, is_full=len(rows) == self._most)


class Answers:
    """What became of the decisions of a batch, to be written once."""

    def __init__(self, decisions: Sequence[int] = (), results: Sequence[Result] = ()) -> None:
        known = {result.decision for result in results}
        lost = [Result(pk, Outcome.FAILED, "The pod or node is gone.") for pk in decisions if pk not in known]
        self._results = [*results, *lost]

    @property
    def has_unsent(self) -> bool:
        return any(result.outcome is Outcome.NOT_SENT for result in self._results)

    def write(self, tenure: Tenure) -> None:
        results, self._results = self._results, []
        if not results:
            return
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


def _take_back(batch: Batch | None, tenure: Tenure) -> None:
    """It was marked as sent, and is not."""
    if batch:
        with tenure.recording():
            _move(batch.decisions, State.RECORDED)


def _beside(send: Callable[..., list[Result]], *arguments: Any) -> list[Result]:
    """In a thread of its own. What is not a cluster's server may have asked the database."""
    try:
        return send(*arguments)
    finally:
        connection.close()


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
    names, namespaces, kinds = _names(batch)
    nodes = dict(Node.objects.filter(pk__in={row[4] for row in batch}, removed_at=None).values_list("pk", "name"))
    return [
        Bind(pk, namespaces[workload], names[pod], uid, nodes[node], devices, is_of_job=kinds[workload] in OF_JOBS)
        for pk, pod, uid, workload, node, devices, *_ in batch
        if pod in names and node in nodes and workload in namespaces
    ]


def evictions(batch: Sequence[tuple[Any, ...]]) -> list[Eviction]:
    names, namespaces, _ = _names(batch)
    unit_name = unit_namer([row[-1] for row in batch])

    def told(code: str, numbers: Mapping[str, Any]) -> str:
        """As people may read it in the cluster: whose work takes its place is not for everybody."""
        return evict_reason(code, numbers, "other work", unit_name)

    return [
        Eviction(pk, namespaces[workload], names[pod], uid, told(code, numbers), overrides="allowed" in numbers)
        for pk, pod, uid, workload, _, _, code, numbers in batch
        if pod in names and workload in namespaces
    ]


def _names(batch: Sequence[tuple[Any, ...]]) -> tuple[dict[int, str], dict[int, str], dict[int, int]]:
    """Names of pods by id; namespaces and kinds by id of the workload."""
    names = dict(Pod.objects.filter(pk__in=[row[1] for row in batch]).values_list("pk", "name"))
    workloads = Workload.objects.filter(pk__in={row[3] for row in batch}).values_list("pk", "project_id", "kind")
    projects = {pk: project for pk, project, _ in workloads}
    found = ProjectInfo.objects.filter(pk__in=set(projects.values())).values_list("pk", "namespace")
    namespaces = dict(found)
    known = {pk: namespaces[project] for pk, project in projects.items() if project in namespaces}
    return names, known, {pk: kind for pk, _, kind in workloads}
