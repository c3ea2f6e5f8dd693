"""The recorded outcomes of the field's reference, read in place where they are at hand."""

from __future__ import annotations

import pytest

from .__main__ import FILES, FOLDER, UNEXPLAINED
from .runner import Tier, run_cases, run_divisions

missing = [name for name in FILES if not (FOLDER / name).is_file()]
pytestmark = pytest.mark.skipif(
    bool(missing), reason=f"No recorded outcomes: {', '.join(missing)} not in {FOLDER} (../shared, or CONFORMANCE_DIR)."
)


def tiers(name: str) -> dict[str, Tier]:
    found = {tier: Tier() for tier in ("core", "sub_groups", "topology", "generated")}
    run_cases(FOLDER / name, found)
    return found


def test_cases_by_hand_are_all_equal() -> None:
    found = tiers("cases.jsonl")
    assert {name: tier.different for name, tier in found.items() if tier.different} == {}
    assert all(found[name].rows for name in ("core", "sub_groups", "topology"))


def test_divisions_are_all_equal() -> None:
    tier = Tier()
    run_divisions(FOLDER / "fair_share.jsonl", tier)
    assert tier.different == {}
    assert tier.rows


def test_generated_cases_differ_by_named_rules_only() -> None:
    tier = tiers("generated.jsonl")["generated"]
    assert tier.rows
    assert tier.unexplained <= UNEXPLAINED * tier.rows / 400
