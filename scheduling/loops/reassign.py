"""Writes where waiting workloads go, and what was seen in their pools, in one transaction of the lease's holder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from portal.points import point
from portal.services.feed import feed_tell
from quotas.models import Pool
from scheduling.choosing import Candidate, Choice, Seen
from scheduling.forecast import Forecast, Outcome
from scheduling.models import OPEN_STATES, Assignment, Decision, Event, Pod, PoolTry, Waiting, Workload

from .rows import update_rows
from .tenure import Tenure
from .waiting_list import waiting

MOST_MOVED = 200
"""In one transaction: whoever stops or starts work waits for it."""
MOST_TRIES = 1000
"""Rows of `PoolTry`; so."""


class Try(NamedTuple):
    workload: int
    pool: int
    code: str
    numbers: dict[str, Any]


def tries_that_differ(seen: Seen, known: Mapping[tuple[int, int], str]) -> list[Try]:
    """What is to be written of what was seen: where the code is another. Numbers change with every start."""
    return [
        Try(workload, pool, code, dict(forecast.numbers))
        for (workload, pool), forecast in seen.items()
        if known.get((workload, pool)) != (code := try_code(forecast))
    ]


def try_code(forecast: Forecast) -> str:
    if forecast.outcome is Outcome.NOW:
        return PoolTry.NOW
    if forecast.outcome is Outcome.AFTER_RECLAIM:
        return PoolTry.AFTER_RECLAIM
    if forecast.outcome is Outcome.NOT_KNOWN:
        return PoolTry.NOT_KNOWN
    return str(forecast.code)


def reassign(
    tenure: Tenure,
    cluster: int,
    choices: Sequence[Choice],
    tries: Collection[Try],
    names: Mapping[int, str],
    now: datetime,
) -> list[int]:
    """Ids of the workloads that were moved: who has begun to start, was stopped or moved meanwhile stays. `names`: of
    pools. Raises LeaseLost, with nothing written."""
    with tenure.recording():
        pools = _pools({choice.pool for choice in choices} | {item.pool for item in tries})
        chosen = {choice.candidate.id: choice for choice in choices if choice.pool in pools}
        free = _still_waiting(cluster, {pk: choice.candidate for pk, choice in chosen.items()})
        moved = [chosen[pk] for pk in sorted(free)]
        if moved:
            _move(moved, names, now)
            point("moving")
        _write(tries, pools, now)
        feed_tell(cluster=cluster, workloads=[choice.candidate.id for choice in moved])
    return [choice.candidate.id for choice in moved]


def _pools(ids: Collection[int]) -> set[int]:
    """Which of these pools are there, and stay to the end of the transaction."""
    if not ids:
        return set()
    sql, parameters = Pool.objects.filter(pk__in=ids).order_by("pk").values_list("pk").query.sql_with_params()
    return _locked(sql, parameters, "FOR KEY SHARE")


def _still_waiting(cluster: int, chosen: Mapping[int, Candidate]) -> set[int]:
    """Who of these still waits as it did, with nothing decided for it. Held so to the end of the transaction: a loop
    that records a start asks for the row of the assignment, and finds it changed."""
    if not chosen:
        return set()
    rows = waiting(cluster).filter(pk__in=chosen).order_by("pk")
    there = set(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    assigned = Assignment.objects.filter(workload__in=there).order_by("pk").select_for_update(no_key=True)
    epochs = dict(assigned.values_list("pk", "epoch"))
    decided = Decision.objects.filter(Q(workload__in=there) | Q(for_workload__in=there), state__in=OPEN_STATES)
    busy = {pk for pair in decided.values_list("workload", "for_workload") for pk in pair}
    placed = Pod.objects.filter(workload__in=there, node__isnull=False, phase__lte=Pod.Phase.STOPPING)
    busy |= set(placed.values_list("workload_id", flat=True))
    return {pk for pk in there - busy if epochs.get(pk, 0) == chosen[pk].epoch}


def _locked(sql: str, parameters: Any, lock: str) -> set[int]:
    if connection.vendor == "postgresql":
        sql = f"{sql} {lock}"
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {pk for (pk,) in cursor.fetchall()}


def _move(moved: Sequence[Choice], names: Mapping[int, str], now: datetime) -> None:
    reasons = {
        pk: (code, numbers)
        for pk, code, numbers in Waiting.objects.filter(pk__in=[choice.candidate.id for choice in moved]).values_list(
            "pk", "wait_class__code", "wait_class__numbers"
        )
    }
    new = [choice for choice in moved if choice.candidate.pool is None]
    Assignment.objects.bulk_create(
        Assignment(workload_id=choice.candidate.id, pool_id=choice.pool, at=now) for choice in new
    )
    update_rows(
        Assignment,
        ("pool", "epoch", "at", "moves"),
        [
            (item.id, pool, item.epoch + 1, now, item.moves + (item.rank(pool) > item.rank(item.pool)))
            for item, pool, *_ in moved
            if item.pool is not None
        ],
    )
    update_rows(Workload, ("pool",), [(choice.candidate.id, choice.pool) for choice in moved])
    # The new pool's loop finds its own reason, if it still waits there.
    Waiting.objects.filter(pk__in=reasons).delete()
    Event.objects.bulk_create(
        Event(workload_id=choice.candidate.id, code="moved", numbers=_numbers(choice, names, now, reasons), at=now)
        for choice in moved
    )


def _numbers(
    choice: Choice, names: Mapping[int, str], now: datetime, reasons: Mapping[int, tuple[str, dict[str, Any]]]
) -> dict[str, Any]:
    """What its timeline tells of the move."""
    item = choice.candidate
    numbers: dict[str, Any] = {"to": names[choice.pool]}
    if choice.outcome is Outcome.AFTER_RECLAIM:
        numbers["after_reclaim"] = True
    if item.pool is None:
        return numbers
    numbers |= {"from": names.get(item.pool, ""), "seconds": round((now - item.since).total_seconds())}
    if item.rank(choice.pool) < item.rank(item.pool):
        numbers["back"] = True
    if item.id in reasons:
        numbers["code"], numbers["why"] = reasons[item.id]
    return numbers


def _write(tries: Collection[Try], pools: Collection[int], now: datetime) -> None:
    there = set(Workload.objects.filter(pk__in={item.workload for item in tries}).values_list("pk", flat=True))
    PoolTry.objects.bulk_create(
        (
            PoolTry(workload_id=item.workload, pool_id=item.pool, code=item.code, numbers=item.numbers, at=now)
            for item in sorted(tries, key=lambda item: (item.workload, item.pool))
            if item.workload in there and item.pool in pools
        ),
        update_conflicts=True,
        unique_fields=["workload", "pool"],
        update_fields=["code", "numbers", "at"],
    )
