"""Who is served first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.models import Priority, Workload
from scheduling.selectors.line import line_for, waiting_in
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_units_by_place_then_priority_then_age(project: OrgUnit, pool: Pool) -> None:
    first = make.make_project(department=project.parent)
    make.make_usage(project, pool, position=2)
    make.make_usage(first, pool, position=1)
    unknown = make.make_project(department=project.parent)
    now = timezone.now()
    made = [
        make.make_workload("unknown", unknown, pool, created_at=now - timedelta(hours=9), priority=Priority.VERY_HIGH),
        make.make_workload("late", project, pool, created_at=now),
        make.make_workload("early", project, pool, created_at=now - timedelta(hours=1)),
        make.make_workload("urgent", project, pool, created_at=now, priority=Priority.HIGH),
        make.make_workload("other", first, pool, created_at=now, priority=Priority.LOW),
        make.make_workload("running", first, pool, state=Workload.State.RUNNING),
        make.make_workload("leaving", first, pool, desired=Workload.Desired.STOPPED),
        make.make_workload("elsewhere", first, make.make_pool(cluster=project.cluster)),
    ]
    order = ["other", "urgent", "early", "late", "unknown"]
    assert [workload.name for workload in waiting_in(pool)] == order

    admin = make.make_user(role=make.ADMIN)
    for workload in made[:5]:
        line = line_for(workload, admin)
        assert (line.ahead, line.total) == (order.index(workload.name), 5)
        assert [entry.number for entry in line.shown if entry.own] == [line.ahead + 1]


def test_a_long_line_shows_its_head_oneself_and_the_next(project: OrgUnit, pool: Pool) -> None:
    now = timezone.now()
    made = [
        make.make_workload(f"w-{number}", project, pool, created_at=now + timedelta(seconds=number))
        for number in range(9)
    ]
    line = line_for(made[7], make.make_user(role=make.ADMIN))
    assert [(entry.number, entry.name) for entry in line.shown] == [
        (1, "w-0"),
        (2, "w-1"),
        (3, "w-2"),
        (4, "w-3"),
        (8, "w-7"),
        (9, "w-8"),
    ]
