"""What a run found, in words: as a page for the handbook, printed too."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from .about import SIMULATED, About
from .recovery import LONGEST, Recovery

TARGET_SECONDS = 15.0


@dataclass(slots=True)
class Outcome:
    """Of a whole run."""

    minutes: float
    seed: int
    recoveries: list[Recovery] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Sentences of the watcher and of the accounts."""
    figures: dict[str, object] = field(default_factory=dict)
    """What was done and looked at, by its name."""
    cores: dict[str, float] = field(default_factory=dict)
    """Processor time over time, by part."""
    about: About = SIMULATED

    @property
    def is_well(self) -> bool:
        return not self.problems

    @property
    def p95(self) -> float:
        return percentile(_seconds(self.recoveries), 0.95)


def percentile(values: list[float], part: float) -> float:
    """The smallest of `values` that so large a part of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(part * len(ordered) * 1000) // 1000) - 1)] if ordered else 0.0


def _seconds(items: list[Recovery]) -> list[float]:
    return [LONGEST if item.seconds is None else item.seconds for item in items]


def _line(name: str, items: list[Recovery]) -> str:
    values = _seconds(items)
    figures = [percentile(values, 0.5), percentile(values, 0.95), max(values, default=0.0)]
    return f"| {name} | {len(items)} | " + " | ".join(f"{value:.1f}" for value in figures) + " |"


def table(outcome: Outcome) -> list[str]:
    """Recovery by kind of fault, and of all."""
    by_fault: dict[str, list[Recovery]] = defaultdict(list)
    for item in outcome.recoveries:
        by_fault[item.fault].append(item)
    lines = ["| fault | times | p50, s | p95, s | longest, s |", "|---|---|---|---|---|"]
    lines += [_line(name, items) for name, items in sorted(by_fault.items())]
    return [*lines, _line("**all**", outcome.recoveries)]


INTRODUCTION = """# {about.title}

{command}, seed {seed}: {about.hurt} under a load of submissions; one after another
they are killed, frozen, cut off and started again. A watcher reads the database and {about.truth} all the
while. [scheduler.md](scheduler.md) tells what happens when something dies.

## What must never be

No device over-booked at any moment that was looked at; no pod twice; no pod stopped without a decision; nothing taken
back from a project that held no more than it is guaranteed; no gang half there; and at the end every workload
accounted for.{about.must}

{found}

## Recovery

Counted from the moment when the fault was over (a killed worker: at once, as another has to take over; what was away:
when it is started again; what was frozen: when it thaws{about.over}) to the first moment
at which every wanted lease is held by a live worker that has done a round since, and a probe, submitted through the web
process after the fault, has started in each pool. Target: p95 under {target:.0f} s. It was {p95:.1f} s.

{recoveries}

## What was done

| | |
|---|---|
{figures}

Cores used on average: {cores}; together {together:.2f}.
"""


def page(outcome: Outcome) -> str:
    return INTRODUCTION.format(
        about=outcome.about,
        command=f"`make soak FAULTS={outcome.minutes:g}{outcome.about.options}`",
        seed=outcome.seed,
        found="\n".join(f"* **{problem}**" for problem in outcome.problems) or "Found: nothing of it.",
        target=TARGET_SECONDS,
        p95=outcome.p95,
        recoveries="\n".join(table(outcome)),
        figures="\n".join(f"| {name} | {value} |" for name, value in outcome.figures.items()),
        cores=", ".join(f"{name} {cores:.2f}" for name, cores in outcome.cores.items()),
        together=sum(outcome.cores.values()),
    )
