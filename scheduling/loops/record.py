"""Writes what a cycle decided, and what it found out, in one transaction of the lease's holder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection

from portal.actor import SYSTEM
from portal.points import point
from portal.services.audit import Act, audit_record_all
from quotas.models import Pool
from scheduling.engine.decisions import Place, Reserve
from scheduling.models import OPEN_STATES, Assignment, Decision, Pod, Workload

from .cycle import Cycle
from .holdings import Holdings
from .promises import PromiseChange
from .report import report_write
from .rows import insert_rows
from .samples import Samples
from .summary import SummaryChange
from .tenure import Tenure
from .usage import UsageChange
from .waits import WaitChange

Kind = Decision.Kind
# In the order of the columns, which what is made from it keeps.
BLANK = {field.attname: field.get_default() for field in Decision._meta.concrete_fields if not field.primary_key}
FIELDS = tuple(BLANK)
DECISION_SECONDS = 10
"""So long after recording an unsent decision is void, and the pod of a sent one is read."""
RESERVE_SECONDS = 120
"""So long room is kept for who did not get it. Longer than pods usually take to stop."""


def record(tenure: Tenure, cycle: Cycle, samples: Samples, holdings: Holdings | None = None) -> None:
    """Writes what differs from the rows; nothing at all after a quiet cycle. Raises LeaseLost, with nothing written.

    `holdings`: what the loop keeps of the rows of allocations; None: it is read.
    """
    began = time.perf_counter_ns()
    waits = WaitChange.of(cycle)
    holdings = holdings or Holdings(cycle.pool)
    second = holdings.moment(cycle.at)
    usage, allocations = UsageChange.of(cycle, second), holdings.change(cycle, second)
    summary = SummaryChange.of(cycle)
    promises = PromiseChange.of(cycle)
    changes = [change for change in (waits, usage, allocations, promises, summary, samples.due(cycle)) if change]
    if not (cycle.decided or changes):
        tenure.keep()
        return
    if cycle.decided:
        point("decided")
    with tenure.recording():
        cycle = cycle.without(cycle.starting - _still_wanted(cycle.pool, cycle.starting))
        if cycle.decided:
            _insert(cycle, tenure.epoch, _supersede(cycle))
            _audit(cycle)
        for change in changes:
            change.write()
        if cycle.decided:
            report_write(cycle, tenure.epoch, (time.perf_counter_ns() - began) // 1000)


def _still_wanted(pool: int, workloads: set[int]) -> set[int]:
    """Which of these are still assigned to the pool and to run. Held so to the end of the transaction."""
    if not workloads:
        return set()
    rows = Assignment.objects.filter(
        pool=pool, workload__in=workloads, workload__is_active=True, workload__desired=Workload.Desired.RUNNING
    ).order_by("pk")
    sql, parameters = rows.values_list("pk").query.sql_with_params()
    if connection.vendor == "postgresql":
        sql += f" FOR SHARE OF {connection.ops.quote_name(Assignment._meta.db_table)}"
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {pk for (pk,) in cursor.fetchall()}


def _supersede(cycle: Cycle) -> dict[int, Decision]:
    """Ends open reserves of pods that are placed now, or for which room is kept elsewhere now; gives the latter."""
    open_reserves = Decision.objects.filter(pool=cycle.pool, kind=Decision.Kind.RESERVE, state__in=OPEN_STATES)
    placed = [item.pod for item in cycle.decisions.places]
    open_reserves.filter(pod__in=placed).update(state=Decision.State.OBSERVED)
    if cycle.decisions.withdrawn:
        open_reserves.filter(pod__in=cycle.decisions.withdrawn).update(state=Decision.State.VOID)
    moved = open_reserves.filter(pod__in=[item.pod for item in cycle.decisions.reserves])
    before = {decision.pod: decision for decision in moved.order_by("pk")} if cycle.decisions.reserves else {}
    if before:
        moved.update(state=Decision.State.VOID)
    return before


def _insert(cycle: Cycle, epoch: int, before: Mapping[int, Decision]) -> None:
    """`before`: reserves that are replaced, by pod."""
    made = cycle.decisions

    def row(kind: Decision.Kind, pod: int, workload: int, batch: int, **fields: Any) -> dict[str, Any]:
        seconds = RESERVE_SECONDS if kind == Decision.Kind.RESERVE else DECISION_SECONDS
        return BLANK | {
            "pool": cycle.pool,
            "epoch": epoch,
            "cycle": cycle.number,
            "kind": kind,
            "batch": batch,
            "workload": workload,
            "pod": pod,
            "at": cycle.at,
            "deadline_at": cycle.at + timedelta(seconds=seconds),
            **fields,
        }

    def room(kind: Decision.Kind, item: Place | Reserve) -> dict[str, Any]:
        devices = ",".join(map(str, item.devices))
        return row(kind, item.pod, item.workload, item.workload, node=item.node, devices=devices)

    rows = [
        row(
            Decision.Kind.EVICT,
            item.pod,
            item.workload,
            item.for_workload,
            for_workload=item.for_workload,
            code=item.code,
            numbers=item.numbers,
        )
        for item in made.evicts
    ]
    for unwind in cycle.unwinds:
        rows += [
            row(Decision.Kind.EVICT, pod, unwind.workload, unwind.workload, code=Decision.GANG_INCOMPLETE)
            for pod in unwind.pods
        ]
    rows += [room(Decision.Kind.PLACE, item) for item in made.places]
    rows += [room(Decision.Kind.RESERVE, item) for item in made.reserves]
    found = Pod.objects.filter(pk__in={decision["pod"] for decision in rows}).values_list("pk", "uid", "sub_group_id")
    pods = {pk: (uid, group) for pk, uid, group in found}
    for decision in rows:
        decision["pod_uid"], group = pods.get(decision["pod"], ("", None))
        if decision["kind"] == Kind.RESERVE:
            decision["sub_group"] = group
            kept = before.get(decision["pod"])
            if kept and not decision["pod_uid"] and kept.sub_group:
                # Its pod is gone, and the room for its successor moves: for whom and how long stays as it was.
                decision |= {"pod_uid": kept.pod_uid, "sub_group": kept.sub_group, "deadline_at": kept.deadline_at}
    # A pod that went away since the snapshot needs nothing.
    insert_rows(Decision, FIELDS, [tuple(decision.values()) for decision in rows if decision["pod_uid"]])


def _audit(cycle: Cycle) -> None:
    """Stopping somebody's work is an act that the audit log tells of, also when a loop does it."""
    workloads = cycle.workloads()
    victims: dict[int, tuple[str, dict[str, Any]]] = {
        item.workload: (str(item.code), {"for_workload": item.for_workload, **item.numbers})
        for item in cycle.decisions.evicts
    }
    victims |= {unwind.workload: (Decision.GANG_INCOMPLETE, {"pods": len(unwind.pods)}) for unwind in cycle.unwinds}
    if not victims:
        return
    pool = Pool.objects.values_list("name", flat=True).get(pk=cycle.pool)
    names = {unit.id: unit.name for unit in cycle.snapshot.units}
    for _, numbers in victims.values():
        numbers["pool"] = pool
        if "unit" in numbers:
            numbers["unit_id"] = numbers["unit"]
            numbers["unit"] = names[numbers["unit_id"]]
    audit_record_all(
        actor=SYSTEM,
        acts=[
            Act(code, Workload(pk=pk, name=workloads[pk].name), workloads[pk].unit, after=numbers)
            for pk, (code, numbers) in sorted(victims.items())
        ],
    )
