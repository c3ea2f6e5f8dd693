from __future__ import annotations

import pytest

from orgs.hooks import WorkloadsImpact
from orgs.selectors.impact import unit_impact
from orgs.words import impact_line, impact_rows
from scheduling.models import Workload
from tests.factories import (
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
    make_user(role=VIEWER, scope=vision)
    make_quota(vision, make_pool("a100", cluster=vision.cluster), 24)
    make_workload(project=project, gpus=2, state=Workload.State.RUNNING)
    make_workload(project=project)
    make_workload(project=project, state=Workload.State.COMPLETED)
    impact = unit_impact(vision)
    assert (impact.departments, impact.projects, impact.rules, impact.people) == (1, 1, 3, 2)
    assert impact.work == WorkloadsImpact(running=1, waiting=1, gpu_milli=2000)
    assert impact.guaranteed_gpu_milli == 24_000
    rows = {str(row["text"]): row["figure"] for row in impact_rows(impact, vision)}
    assert rows["Running workloads are stopped"] == 1
    assert rows["Projects inside go too"] == 1
    assert rows["Namespaces and their volumes are kept"] is None
    assert impact_line(impact) == "This takes something away from 2 people."


def test_of_something_empty() -> None:
    vision = make_department()
    impact = unit_impact(vision)
    assert impact_rows(impact, vision) == []
    assert impact_line(impact) == "Nobody holds a role on it."
