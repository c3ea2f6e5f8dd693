from __future__ import annotations

import pytest

from orgs.hooks import WorkloadsImpact
from orgs.selectors.impact import unit_impact
from orgs.words import impact_line, impact_rows
from scheduling.models import Workload
from tests.factories import (
    ADMIN,
    RESEARCHER,
    VIEWER,
    make_department,
    make_pool,
    make_project,
    make_quota,
    make_rule,
    make_user,
    make_workload,
)

pytestmark = pytest.mark.django_db


def test_what_goes_along() -> None:
    vision = make_department("vision")
    assert vision.cluster is not None
    project = make_project(department=make_department("inner", parent=vision))
    user = make_user(role=RESEARCHER, scope=project)
    make_rule(user, VIEWER, vision)
    people = [user.email, make_user(role=VIEWER, scope=vision).email]
    make_quota(vision, make_pool("a100", cluster=vision.cluster), 24)
    make_workload("train-1", project=project, gpus=2, state=Workload.State.RUNNING)
    make_workload(project=project)
    make_workload(project=project, state=Workload.State.COMPLETED)
    impact = unit_impact(vision, make_user(role=ADMIN))
    assert (impact.departments, impact.projects, impact.rules, impact.people) == (1, 1, 3, 2)
    assert impact.work == WorkloadsImpact(running=1, waiting=1, gpu_milli=2000, names=("train-1",))
    assert (impact.guaranteed_gpu_milli, impact.quotas) == (24_000, 1)
    rows = {str(row["text"]): row["figure"] for row in impact_rows(impact, vision)}
    names = {str(row["text"]): row.get("names") for row in impact_rows(impact, vision)}
    assert names["Projects inside go too"] == project.name
    assert names["Running workloads are stopped"] == "train-1"
    assert names["Access rules are removed"] == ", ".join(sorted(people)) + " and 1 more"
    assert names["Namespaces and their volumes are kept"] == f"bursar-{project.name}"
    assert rows["Running workloads are stopped"] == 1
    assert rows["Projects inside go too"] == 1
    assert rows["Namespaces and their volumes are kept"] is None
    assert impact_line(impact) == "This takes something away from 2 people."


def test_of_many_some_are_named() -> None:
    vision = make_department("vision")
    for number in range(8):
        make_project(f"p-{number}", vision)
    rows = {str(row["text"]): row for row in impact_rows(unit_impact(vision, make_user(role=ADMIN)), vision)}
    assert rows["Projects inside go too"]["names"] == "p-0, p-1, p-2, p-3, p-4 and 3 more"


def test_of_something_empty() -> None:
    vision = make_department()
    impact = unit_impact(vision, make_user(role=ADMIN))
    assert impact_rows(impact, vision) == []
    assert impact_line(impact) == "Nobody holds a role on it."
