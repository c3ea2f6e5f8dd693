"""The largest gangs of equal pods that a project could start in a pool, as the pool's loop answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from orgs.models import OrgUnit
from portal.formats import counted
from quotas.models import Pool
from scheduling.models import Question

from .asked import Asked, asked


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """Of pods with so many GPUs each."""

    title: str
    now: str
    """"": none would start now."""
    note: str


@dataclass(frozen=True, slots=True)
class Shapes:
    project: OrgUnit
    pool: Pool
    preemptible: bool
    asked: Asked
    rows: list[ShapeRow] = field(default_factory=list)


def shapes_in(project: OrgUnit, pool: Pool, *, preemptible: bool) -> Shapes:
    """One query."""
    found = asked(pool, Question.Kind.SHAPES, project.pk)
    of_kind = [shape for shape in found.answer.get("shapes", ()) if shape["preemptible"] == preemptible]
    return Shapes(project, pool, preemptible, found, [_row(shape) for shape in of_kind])


def _row(shape: dict[str, Any]) -> ShapeRow:
    now, after = shape["now"], shape["after_reclaim"]
    note = f"{counted(after, 'pod')} once others have made way" if after > now else ""
    if not after:
        note = "none of them, until others end"
    return ShapeRow(f"{counted(shape['devices'], 'GPU')} a pod", f"{counted(now, 'pod')} now" if now else "", note)
