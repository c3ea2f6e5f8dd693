"""Sentences that the pages of this app say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orgs.words import Answer
from portal.formats import clock, counted, day, gpus_counted
from quotas.guard import Level
from quotas.lens import Lens
from quotas.resources import Resource
from quotas.selectors.gone import Gone
from quotas.selectors.guard import Guard, Mode
from quotas.selectors.matrix import Column, Matrix, Row

NO_CLUSTER = Answer(
    "No cluster yet.", "Quotas and node pools belong to a cluster; an administrator connects it in Settings."
)

GUARD_LINES = {
    Level.CHILDREN: "What projects and departments are guaranteed together, against the department that they lie in.",
    Level.HARDWARE: "What departments are guaranteed together in a pool, against its ready nodes, cordoned ones too.",
}


def gone_lines(gone: list[Gone], lens: Lens) -> list[tuple[str, str, datetime]]:
    """Of what had some of the lens's resource: where, how much, and when it went."""
    resource = lens.resource
    return [
        (f"{one.unit} in {one.pool}", f"{resource.counted(amount)}; the {one.what} was removed", one.went)
        for one in gone
        if (amount := getattr(one.amounts, resource.field))
    ]


_GUARDED = {
    Mode.OFF: ("shield-off", "nothing is looked at"),
    Mode.WARN: ("shield", "a change that makes it worse passes, with a warning"),
    Mode.ENFORCE: ("shield-check", "a change that makes it worse is refused"),
}


@dataclass(frozen=True, slots=True)
class GuardPill:
    """How a resource is guarded in a cluster."""

    icon: str
    text: str
    title: str


def guard_pills(guard: Guard, resource: Resource) -> list[GuardPill]:
    """One for both comparisons, or one each where they differ."""
    modes = {level: watch.mode_for(resource.key) for level, watch in guard.items()}
    together = len(set(modes.values())) == 1
    pills = []
    for level, mode in modes.items():
        icon, words = _GUARDED[mode]
        where = "inside departments and against the hardware" if together else level.label
        text = f"Guard: {mode.label}" if together else f"Guard {level.label}: {mode.label}"
        pills.append(GuardPill(icon, text, f"{resource.label} {where}: {words}."))
    return pills[:1] if together else pills


def quotas_answer(matrix: Matrix, lens: Lens) -> Answer:
    """Whether it adds up, for who sees the whole cluster; else what is given out or guaranteed of what is seen."""
    if not matrix.page.paginator.count:
        return Answer(
            "No departments or projects here.", "They are made on the Organization page; then they take quotas."
        )
    if matrix.at is not None:
        return _as_of(matrix, lens, matrix.at)
    if matrix.is_whole:
        return _whole(matrix, lens)
    top = matrix.rows[0]
    if len([row for row in matrix.rows if not row.level]) == 1 and top.is_group and not top.is_default:
        return _department(top, lens)
    return _seen(matrix, lens)


def _whole(matrix: Matrix, lens: Lens) -> Answer:
    resource = lens.resource
    over = [column for column in matrix.columns if _guaranteed(column, lens) > _ready(column, lens)]
    total = sum(_guaranteed(column, lens) for column in matrix.columns)
    ready = sum(_ready(column, lens) for column in matrix.columns)
    if over:
        text = f"Quotas do not add up in {listed([column.pool.name for column in over])}"
        if len(over) == 1:
            sums, ready_there = _guaranteed(over[0], lens), _ready(over[0], lens)
            text += f": {resource.counted(sums)} guaranteed, {resource.words(ready_there)} ready"
        return Answer(f"{text}.", _why_over(over, matrix, lens))
    if not total:
        return Answer(
            f"No {resource.label} is guaranteed to anybody yet; {resource.words(ready)} {resource.noun} are ready.",
            "A number in a cell is what that department or project is guaranteed in that pool.",
        )
    text = f"Quotas add up: {resource.words(total)} of {resource.words(ready)} {_ready_noun(lens)} guaranteed."
    left = ready - total
    line = (
        f"{resource.counted(left)} {_are(left, lens)} nobody's guarantee; who asks may use them over quota."
        if left
        else ""
    )
    return Answer(text, line or "All that is ready is somebody's guarantee; what lies idle is lent out.")


def _as_of(matrix: Matrix, lens: Lens, at: datetime) -> Answer:
    """What was guaranteed then: of the whole cluster, or of the projects on the page."""
    resource = lens.resource
    if matrix.is_whole:
        total = sum(_guaranteed(column, lens) for column in matrix.columns)
    else:
        rows = [row for row in matrix.rows if not row.is_group]
        total = sum(getattr(entry.guaranteed, resource.field) for row in rows for entry in row.entries.values())
    return Answer(
        f"{resource.counted(total) if total else f'No {resource.label}'} guaranteed on {day(at)}, {clock(at)} UTC.",
        "Quotas as they were then, of the departments, projects and pools that are there today, where they lie today.",
    )


def _why_over(over: list[Column], matrix: Matrix, lens: Lens) -> str:
    resource = lens.resource
    words = []
    if len(over) > 1:
        sums = [
            f"{c.pool.name} {resource.words(_guaranteed(c, lens))} of {resource.words(_ready(c, lens))}" for c in over
        ]
        words.append(f"Guaranteed of ready: {listed(sums)}.")
    elif resource.key == "gpu" and over[0].hardware.lost_gpu_milli:
        lost = over[0].hardware.lost_gpu_milli
        words.append(f"{gpus_counted(lost)} of {over[0].pool.name} {_are(lost, lens)} on nodes that are not ready.")
    rest = {0: "", 1: "; the other pool adds up"}.get(len(matrix.columns) - len(over), "; the other pools add up")
    words.append(f"Not every guarantee there can be kept at once{rest}.")
    return " ".join(words)


def _department(row: Row, lens: Lens) -> Answer:
    resource, name = lens.resource, row.unit.name
    own = sum(getattr(entry.guaranteed, resource.field) for entry in row.entries.values())
    given = sum(getattr(entry.given, resource.field) for entry in row.entries.values())
    if not own and not given:
        return Answer(
            f"{name} is guaranteed no {resource.label}.", "What it uses is lent to it, and may be taken back."
        )
    text = f"{name} has given out {resource.words(given)} of its {resource.counted(own)}."
    if given > own:
        line = f"That is {resource.counted(given - own)} more than it has; its projects cannot all have it at once."
    elif given < own:
        line = f"{resource.counted(own - given)} are left to give to its projects."
    else:
        line = "All of it is somebody's; what lies idle is lent out."
    return Answer(text, line)


def _seen(matrix: Matrix, lens: Lens) -> Answer:
    rows = [row for row in matrix.rows if not row.is_group]
    if matrix.page.has_other_pages():
        return Answer(
            f"{counted(matrix.page.paginator.count, 'row')} are yours to see.", "Search for a name to find one."
        )
    resource = lens.resource
    total = sum(getattr(entry.guaranteed, resource.field) for row in rows for entry in row.entries.values())
    used = sum(getattr(entry.used, resource.field) for row in rows for entry in row.entries.values())
    who = rows[0].unit.name if len(rows) == 1 else f"{counted(len(rows), 'project')} of yours"
    verb = "is" if len(rows) == 1 else "are"
    return Answer(
        f"{who} {verb} guaranteed {resource.counted(total) if total else 'no ' + resource.label}.",
        f"In use: {resource.counted(used)}. You see the projects that you have a role in.",
    )


def _guaranteed(column: Column, lens: Lens) -> int:
    return int(getattr(column.guaranteed, lens.resource.field)) if column.guaranteed else 0


def _ready(column: Column, lens: Lens) -> int:
    return int(getattr(column.hardware.ready, lens.resource.field))


def _ready_noun(lens: Lens) -> str:
    return {"gpu": "ready GPUs are", "cpu": "ready cores are", "memory": "memory that is ready is"}[lens.resource.key]


def _are(amount: int, lens: Lens) -> str:
    return "is" if lens.resource.key == "memory" or amount == 1000 else "are"


def listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
