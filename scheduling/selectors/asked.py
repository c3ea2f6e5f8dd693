"""How far the loop of a pool is with what a page has asked it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from quotas.models import Pool
from scheduling.models import Question

FRESH = timedelta(seconds=10)
"""So long an answer is shown before it is asked for again."""
LATE = timedelta(seconds=5)
"""After so long without an answer the page says so."""


@dataclass(frozen=True, slots=True)
class Asked:
    state: str = "never"
    """`never` answered; `known`; `not_here`: the loop does not see it; `failed`."""
    asks: bool = True
    """The page has to ask: nothing is known yet, or not lately."""
    waits: bool = False
    """An answer is on its way."""
    late: bool = False
    """No loop has answered for some seconds."""
    asked_at: datetime | None = None
    cycle: int = 0
    as_of: datetime | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    """The last one, also while the next is on its way."""

    @property
    def key(self) -> str:
        """Of this state of the question."""
        return f"{self.asked_at:%H%M%S%f}" if self.asked_at else "0"


def asked(pool: Pool, kind: Question.Kind, about: int) -> Asked:
    question = Question.objects.filter(pool=pool, kind=kind, about=about).first()
    if question is None:
        return Asked()
    age, answer = timezone.now() - question.asked_at, question.answer or {}
    return Asked(
        state=answer.get("state", "never"),
        asks=not question.is_open and age > FRESH,
        waits=question.is_open,
        late=question.is_open and age > LATE,
        asked_at=question.asked_at,
        cycle=question.cycle,
        as_of=question.as_of,
        answer=answer,
    )
