"""What happened to a workload, from its events and the decisions about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from portal.formats import count, counted
from quotas.models import Pool
from scheduling.events import event_text
from scheduling.models import Decision, Workload
from scheduling.reasons import evict_reason

from .names import UnitName, unit_namer, workload_words

MOST = 200
"""Newest lines of each kind that are read."""

Kind, State = Decision.Kind, Decision.State


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline; equal ones in a row are folded into `times`."""

    at: datetime
    text: str
    times: int = 1
    cycle: tuple[int, int] | None = None
    """Pool and number of the cycle that decided it."""


def timeline_of(workload: Workload, user: Any) -> list[Line]:
    """Oldest first; a fixed number of queries."""
    lines = [
        Line(at, event_text(code, numbers))
        for at, code, numbers in workload.events.order_by("-id").values_list("at", "code", "numbers")[:MOST]
    ]
    decisions = list(Decision.objects.filter(workload=workload.pk).order_by("-id")[:MOST])
    return _folded(sorted([*lines, *_decision_lines(decisions, workload, user)], key=lambda line: line.at))


def _decision_lines(decisions: list[Decision], workload: Workload, user: Any) -> list[Line]:
    """Pods of one cycle that were decided alike are one line."""
    words = workload_words(user, {d.for_workload for d in decisions if d.for_workload}, workload.project)
    pools = dict(Pool.objects.filter(id__in={d.pool for d in decisions}).values_list("id", "name"))
    name_of = unit_namer([d.numbers for d in decisions])
    decisions.sort(key=_alike)
    return [_line(list(alike), pools, words, name_of) for _, alike in groupby(decisions, key=_alike)]


def _alike(decision: Decision) -> tuple[int, int, int, int, bool]:
    return (
        decision.pool,
        decision.cycle,
        decision.kind,
        decision.for_workload or 0,
        decision.state in (State.FAILED, State.VOID),
    )


def _line(alike: list[Decision], pools: dict[int, str], words: dict[int, str], name_of: UnitName) -> Line:
    first = alike[0]
    pool = pools.get(first.pool, "a deleted pool")
    pods = counted(len(alike), "pod")
    if first.state == State.FAILED:
        text = f"{pool}: {first.get_kind_display()} of {pods} failed: {first.error or 'no reason given'}"
    elif first.state == State.VOID:
        text = f"{pool}: {first.get_kind_display()} of {pods} was given up"
    elif first.kind == Kind.PLACE:
        text = f"{pool}: {pods} placed in cycle {count(first.cycle)}"
    elif first.kind == Kind.RESERVE:
        text = f"{pool}: room kept for {pods} until others have stopped"
    else:
        other = words.get(first.for_workload or 0, "a workload that is gone")
        text = f"{evict_reason(first.code, first.numbers, other, name_of)}; {pods} stopped"
    return Line(first.at, text, cycle=(first.pool, first.cycle))


def _folded(lines: Iterable[Line]) -> list[Line]:
    folded: list[Line] = []
    for line in lines:
        if folded and folded[-1].text == line.text:
            folded[-1] = replace(line, times=folded[-1].times + 1)
        else:
            folded.append(line)
    return folded
