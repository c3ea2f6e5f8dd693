"""Runs whole files of recorded cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scheduling.engine import Options
from scheduling.engine.fair_share import Claim, divide

from .cases import MINUTE_MS, Row, rows
from .check import differences

RULES: dict[str, Options] = {
    "after evictions those start whose unit has come below a limit": Options(allocate_again=False),
    "in a trial only the projects involved count": Options(trial_with_everybody=True),
    "in a trial only the next few workloads of a project count": Options(trial_depth=1 << 30),
}
"""Rules of ours that differ from the reference, each with the options in which it alone is off."""
GRAIN = {"gpu": 1000, "cpu": 1, "memory": 10**6}
"""What the reference divides spare in: whole devices, millicores and megabytes, in the engine's units."""
TOLERANCE = {"gpu": 1, "cpu": 1, "memory": 10**6}


@dataclass(slots=True)
class Tier:
    rows: int = 0
    equal: int = 0
    different: dict[str, list[str]] = field(default_factory=dict)
    """By case: expected and actual."""
    explained: dict[str, str] = field(default_factory=dict)
    """By case: the rule of ours that makes the difference."""

    @property
    def unexplained(self) -> int:
        return len(self.different) - len(self.explained)

    def add(self, case: str, lines: list[str]) -> None:
        self.rows += 1
        self.equal += not lines
        if lines:
            self.different[case] = lines


def run_cases(path: Path, tiers: dict[str, Tier]) -> None:
    for case in rows(path):
        tier = tiers[case["tier"]]
        tier.add(case["id"], differences(case))
        if case["id"] in tier.different and (rule := explanation(case)):
            tier.explained[case["id"]] = rule


def explanation(case: Row) -> str | None:
    """The rule of ours without which the outcome is the expected one."""
    return next((rule for rule, options in RULES.items() if not differences(case, options)), None)


def run_divisions(path: Path, tier: Tier) -> None:
    for row in rows(path):
        tier.add(row["id"], [line for resource in GRAIN for line in division_differences(row, resource)])


def division_differences(row: Row, resource: str) -> list[str]:
    """Of one resource, in the engine's units."""
    grain = GRAIN[resource]
    claims = [_claim(number, unit, resource) for number, unit in enumerate(row["units"])]
    amount, weight = round(row["total"][resource] * grain), round(row["k"] * 1000)
    shares = divide(amount, claims, grain=grain, usage_weight_milli=weight)
    expected = [row["expect"][unit["name"]][resource] * grain for unit in row["units"]]
    if all(abs(share - wanted) <= TOLERANCE[resource] for share, wanted in zip(shares, expected, strict=True)):
        return []
    return [f"{resource}: expected {expected}, actual {shares}"]


def _claim(number: int, unit: Row, resource: str) -> Claim:
    grain, values = GRAIN[resource], unit["resources"][resource]
    caps = [values["request"], *([values["limit"]] if values["limit"] >= 0 else [])]
    return Claim(
        quota=None if values["quota"] < 0 else round(values["quota"] * grain),
        asked=round(min(caps) * grain),
        rank=unit["priority"],
        weight=round(values["weight"] * 1000),
        seniority=(-unit["age"] * MINUTE_MS, number),
        usage_ppm=round(values["usage"] * 10**6),
    )
