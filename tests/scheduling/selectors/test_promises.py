"""How long guaranteed GPUs took, and what took too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.models import PromiseRecord
from scheduling.selectors.promises import at_share, breach_words, promises
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def waited(unit: OrgUnit, pool: Pool, seconds: float | None, **fields: Any) -> None:
    """`seconds`: None = it still waits, for 10 minutes now."""
    begin = NOW - timedelta(seconds=seconds or 600)
    values = {"asked_at": begin, "cause_since": begin, "had_gpu_milli": 0, "owed_gpu_milli": 4000, "cause": "short"}
    if seconds is not None:
        values |= {"ended_at": NOW, "got": True}
    PromiseRecord.objects.create(project=unit, pool=pool, **(values | fields))


def test_the_middle_and_95_of_100_of_what_was_got() -> None:
    pool, unit = make.make_pool("a100"), make.make_project("vision")
    for seconds in range(1, 21):
        waited(unit, pool, seconds)
    waited(unit, pool, 5000, got=False)
    found = promises(make.make_user(role=make.VIEWER), Q(), NOW)
    assert (found.got, found.median_seconds, found.most_seconds, found.breaches) == (20, 10, 19, 0)
    assert found.words == (
        "Half of 20 times guaranteed GPUs were waited for, they were there within 10 s; 95 in 100 times within 19 s."
    )


def test_a_breach_is_longer_than_minimum_runtime_and_stopping_take() -> None:
    pool, slow = make.make_pool("a100"), make.make_pool("slow", min_runtime_seconds=3600)
    unit = make.make_project("vision")
    waited(unit, pool, 119)
    waited(unit, slow, 3700)
    waited(unit, pool, 200, causes={"fragmented": 150, "short": 50})
    waited(unit, pool, None, causes={"fragmented": 5})
    found = promises(make.make_user(role=make.VIEWER), Q(), NOW)
    assert (found.open, found.breaches) == (1, 2)
    assert [breach_words(breach) for breach in found.worst] == [
        "vision in a100 has waited 10 min for 4 GPUs: what is in use could not be taken back.",
        "vision in a100 waited 3 min 20 s for 4 GPUs: what was free lay scattered.",
    ]


def test_of_projects_that_one_may_see() -> None:
    pool, unit = make.make_pool("a100"), make.make_project("vision")
    waited(unit, pool, 10)
    other = make.make_user(role=make.RESEARCHER, scope=make.make_project("elsewhere"))
    found = promises(other, Q(), NOW)
    assert (found.got, found.words) == (0, "Nobody waited for guaranteed GPUs in the last 30 days.")


def test_old_ones_do_not_count() -> None:
    waited(make.make_project("vision"), make.make_pool("a100"), 31 * 86_400)
    assert promises(make.make_user(role=make.VIEWER), Q(), NOW).got == 0


def test_shares_of_few() -> None:
    assert (at_share([], 0.95), at_share([7], 0.5), at_share([1, 2], 0.5), at_share([1, 2, 3], 0.95)) == (0, 7, 1, 3)
