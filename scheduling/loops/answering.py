"""Answers what pages ask of a pool, from the snapshot and the state of the engine that its loop keeps.

Not in the cycle but after it, a bounded time in each step: whoever asks holds up no workload. Equal questions are one
row, so they are answered once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from scheduling.engine import Engine
from scheduling.engine.cycle import Cycle
from scheduling.engine.explain import Explainer, Explanation
from scheduling.engine.remedies import Remedy
from scheduling.engine.shapes import shapes
from scheduling.engine.types import Amounts
from scheduling.models import Question

from .rows import update_rows
from .tenure import Tenure

ANSWER_SECONDS = 0.05
"""Once so long is spent in a step no further question is begun."""
MOST = 100
"""So many are read at once, the oldest first."""
PER_GPU = Amounts(0, 4000, 16 * 1024**3)
"""What a pod of the shapes that are looked for asks for beside each GPU: what Submit proposes."""
COLUMNS = ("answer", "cycle", "as_of", "is_open")
Answer = dict[str, Any]
log = structlog.get_logger()


def answer_questions(tenure: Tenure, pool: int, engine: Engine, cycle: int) -> bool:
    """`cycle`: the number of the one that decided last. Whether some are left open. Raises LeaseLost, and what went
    wrong with a question, which then is answered as failed."""
    waiting = Question.objects.filter(pool=pool, is_open=True).order_by("asked_at")
    questions = list(waiting.values_list("pk", "kind", "about")[:MOST])
    if not questions:
        return False
    began = time.perf_counter()
    answers: dict[int, Answer] = {}
    problem: Exception | None = None
    with engine.settled() as state:
        as_of = datetime.fromtimestamp(state.snapshot.now_ms / 1000, UTC)
        answerer = _Answerer(state)
        for pk, kind, about in questions:
            try:
                answers[pk] = answerer.answer(kind, about)
            except Exception as error:
                log.exception("not_answered", kind=kind, about=about)
                answers[pk], problem = {"state": "failed"}, error
                break
            if time.perf_counter() - began > ANSWER_SECONDS:
                break
    with tenure.recording():
        update_rows(Question, COLUMNS, [(pk, answer, cycle, as_of, False) for pk, answer in answers.items()])
    if problem is not None:
        raise problem
    return len(answers) < len(questions)


class _Answerer:
    """Of one state, in which nothing is decided yet."""

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._explainer = Explainer(cycle)

    def answer(self, kind: int, about: int) -> Answer:
        answers: dict[int, Callable[[int], Answer]] = {
            Question.Kind.WHY: self._why,
            Question.Kind.SHAPES: self._shapes,
        }
        try:
            return answers[kind](about)
        except LookupError:
            return {"state": "not_here"}

    def _why(self, workload: int) -> Answer:
        return {"state": "known", **_explained(self._explainer.explain(workload))}

    def _shapes(self, project: int) -> Answer:
        found = [
            {
                "devices": shape.devices,
                "preemptible": shape.preemptible,
                "now": shape.pods_now,
                "after_reclaim": shape.pods_after_reclaim,
            }
            for shape in shapes(self._cycle, project, PER_GPU)
        ]
        return {"state": "known", "shapes": found}


def _explained(found: Explanation) -> Answer:
    return {
        "pods": found.pods,
        "succeeds": found.succeeds,
        "attempts": [
            {"step": attempt.step, "code": attempt.code, "numbers": attempt.numbers} for attempt in found.attempts
        ],
        "remedies": [_remedy(remedy) for remedy in found.remedies],
    }


def _remedy(remedy: Remedy) -> Answer:
    return {
        "code": remedy.code,
        "numbers": remedy.numbers,
        "raises": [{"unit": one.unit, "resource": one.resource, "by": one.by} for one in remedy.raises],
        "units": list(remedy.units),
        "is_least": remedy.is_least,
    }
