"""The panel of unsaved changes: its sentences, what a reader may not see, and that it costs the same for many units."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs.models import OrgUnit
from quotas.models import Pool, Quota, UnitUsage
from scheduling.models import Workload
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_summary,
    make_usage,
    make_user,
    make_workload,
    signed_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool() -> Pool:
    """vision has 12 of 16 GPUs, vis-3d and vis-med 6 of them each; vis-3d uses 6 in three trainings."""
    vision = make_department("vision", make_cluster("north"))
    pool = make_pool("a100", vision.cluster)
    make_node(pool=pool, gpus=16)
    make_summary(pool, gpus=16, used=6)
    make_quota(vision, pool, gpus=12)
    for name in ("vis-3d", "vis-med"):
        make_quota(make_project(name, vision), pool, gpus=6)
    for name in ("vision", "vis-3d"):
        make_usage(OrgUnit.objects.get(name=name), pool, gpus=6)
    for number in range(3):
        project = OrgUnit.objects.get(name="vis-3d")
        state = {"state": Workload.State.RUNNING, "preemptible": True}
        make_workload(f"train-{number}", project, pool, gpus=2, **state)
    return pool


def _effect(client: Client, pool: Pool, texts: dict[str, str], show: str = "quota") -> str:
    """The panel's text."""
    units = {unit.name: unit for unit in OrgUnit.objects.filter(name__in=texts)}
    versions = dict(Quota.objects.filter(pool=pool).values_list("unit__name", "version"))
    edits = [
        {
            "cell": f"{units[name].pk}-{pool.pk}",
            "version": str(versions.get(name, 0)),
            "resource": "gpu",
            "show": show,
            "text": text,
        }
        for name, text in texts.items()
    ]
    response = client.post(reverse("quotas_effect"), json.dumps({"edits": edits}), content_type="application/json")
    assert response.status_code == 200
    assert response.json()["refused"] == {}
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.json()["html"])).strip()


def test_who_loses_and_what_running_work_becomes_over_quota(pool: Pool) -> None:
    text = _effect(signed_in(make_user(role=ADMIN)), pool, {"vision": "4"})
    assert "Vision loses 8 guaranteed GPUs in a100; 1 running workload becomes over quota. Nothing is stopped" in text
    text = _effect(signed_in(make_user(role=ADMIN)), pool, {"vis-3d": "2"})
    assert "Vis-3d loses 4 guaranteed GPUs in a100; 2 running workloads become over quota." in text
    assert "4 GPUs could be taken back" in text
    assert "6 now, 2 then; 4 of 6 in use over it." in text
    assert "train-1" in text
    assert "vision in a100 still adds up: 8 of 12." in text


def test_what_one_gives_another(pool: Pool) -> None:
    text = _effect(signed_in(make_user(role=ADMIN)), pool, {"vis-3d": "2", "vis-med": "10"})
    assert "Moves 4 guaranteed GPUs in a100 from vis-3d to vis-med; 2 running workloads become over quota." in text
    assert "vision in a100 still adds up: 12 of 12." in text


def test_other_sides_and_fair_shares(pool: Pool) -> None:
    client = signed_in(make_user(role=ADMIN))
    UnitUsage.objects.filter(unit__name="vis-3d").update(requested_gpu_milli=16_000)
    text = _effect(client, pool, {"vis-3d": "off"}, show="over")
    assert "Settings change in 1 cell." in text
    assert "Fair share in a100, GPU Project Now Then Change vis-3d 16 6 −10" in text
    assert "a100 does not add up: 17 of 16, 1 over" not in text
    assert "1 over: 17 GPUs asked for in a100" in _effect(client, pool, {"vision": "17"})


def test_units_and_work_that_the_reader_may_not_see_have_no_name_in_it(pool: Pool) -> None:
    vision = OrgUnit.objects.get(name="vision")
    assert vision.cluster is not None
    hidden = make_project("secret-lab", make_department("hidden", vision.cluster))
    make_usage(hidden, pool, gpus=8, requested_cpu_millicores=1000)
    make_workload("secret-run", hidden, pool, gpus=8, state=Workload.State.RUNNING)
    UnitUsage.objects.filter(unit__name="vis-3d").update(requested_gpu_milli=16_000)
    head = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    text = _effect(head, pool, {"vis-3d": "2", "vis-med": "9"})
    assert "secret" not in text
    assert "hidden" not in text
    assert "a100 still adds up" not in text.replace("vision in a100", "")


def test_the_number_of_queries_does_not_depend_on_units_and_changes(pool: Pool) -> None:
    client = signed_in(make_user(role=ADMIN))
    vision = OrgUnit.objects.get(name="vision")

    def queries(texts: dict[str, str]) -> int:
        with CaptureQueriesContext(connection) as captured:
            _effect(client, pool, texts)
        return len([query for query in captured if not query["sql"].startswith(("INSERT", "UPDATE"))])

    queries({"vis-3d": "5"})
    few = queries({"vis-3d": "5"})
    names = [f"more-{number}" for number in range(40)]
    for name in names:
        make_quota(make_project(name, vision), pool)
    assert queries({"vis-3d": "5"} | dict.fromkeys(names, "0.02")) == few
