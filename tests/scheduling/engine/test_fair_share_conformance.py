"""The division against recorded outcomes of the field's reference, read in place where they are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scheduling.engine.fair_share import Claim, divide

REPOSITORY = Path(__file__).parents[3]
FOLDER = REPOSITORY / os.environ.get("CONFORMANCE_DIR", "../shared/conformance")
GRAIN = {"gpu": 1000, "cpu": 1, "memory": 10**6}
"""What the reference divides spare in: whole devices, millicores and megabytes, in the engine's units."""
MINUTE_MS = 60_000


def test_division_agrees_within_one_unit_of_the_reference() -> None:
    path = FOLDER / "fair_share.jsonl"
    if not path.is_file():
        pytest.skip(f"No recorded divisions: {path} is missing (CONFORMANCE_DIR names the folder).")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    different = [row["id"] for row in rows if row["k"] == 0 and not all(_agrees(row, resource) for resource in GRAIN)]
    print(f"{sum(row['k'] == 0 for row in rows)} divisions without usage history, {len(different)} differ: {different}")
    assert not different


def _agrees(row: dict, resource: str) -> bool:
    grain = GRAIN[resource]
    claims = [_claim(number, unit, resource) for number, unit in enumerate(row["units"])]
    shares = divide(round(row["total"][resource] * grain), claims, grain=grain)
    expected = [row["expect"][unit["name"]][resource] * grain for unit in row["units"]]
    return all(abs(share - wanted) <= grain for share, wanted in zip(shares, expected, strict=True))


def _claim(number: int, unit: dict, resource: str) -> Claim:
    grain, values = GRAIN[resource], unit["resources"][resource]
    caps = [values["request"], *([values["limit"]] if values["limit"] >= 0 else [])]
    quota = None if values["quota"] < 0 else round(values["quota"] * grain)
    return Claim(
        quota=quota,
        asked=round(min(caps) * grain),
        rank=unit["priority"],
        weight=round(values["weight"] * 1000),
        seniority=(-unit["age"] * MINUTE_MS, number),
    )
