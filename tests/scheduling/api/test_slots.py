"""How many pods of one size start now, as a submission that is tried would answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from orgs.models import OrgUnit, User
from quotas.models import Pool
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


@pytest.fixture
def pool(roomy_pool: Pool) -> Pool:
    return roomy_pool


@pytest.fixture
def client(researcher: User) -> Client:
    return make.signed_in(researcher)


def found(client: Client, project: OrgUnit, **asked: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/slots/", {"project": project.pk, **asked})
    assert answer.status_code == 200, answer.content
    return {one["pool"]["name"]: one for one in answer.json()["items"]}


def test_as_many_as_a_submission_would_start(client: Client, project: OrgUnit, pool: Pool) -> None:
    make.make_quota(project, pool, 4)
    make.make_quota(project.parent, pool, 4)  # type: ignore[arg-type]
    four = found(client, project, devices=4)["a100"]
    assert (four["pods"], four["guaranteed_gpu_milli"], four["over_gpu_milli"]) == (2, 4000, 4000)
    shape = {"project": project.pk, "kind": "distributed training", "name": "x", "image": "python:3.12"}
    shape |= {"devices": 4, "cpu_millicores": 1000, "memory_bytes": 2**30, "pools": ["a100"]}
    for pods, tone in ((2, "kept"), (3, "over")):
        tried = client.post("/api/v1/workloads/?dry_run=true", shape | {"pods": pods}, content_type="application/json")
        assert tried.json()["effect"][0]["tone"] == tone, tried.json()
    assert found(client, project, devices=4, preemptible="false")["a100"]["pods"] == 1, "inside the quota only"


def test_where_none_starts_it_says_why(client: Client, project: OrgUnit, pool: Pool) -> None:
    eight = found(client, project, devices=8)
    assert (eight["a100"]["pods"], eight["a100"]["over_gpu_milli"]) == (0, 0)
    assert "but no node has 8" in eight["a100"]["text"] + eight["a100"]["note"], eight["a100"]
    assert eight["default"]["pods"] == 0


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, "project"),
        ({"project": "x"}, "project"),
        ({"devices": 65}, "devices"),
        ({"device_milli": 1001}, "device_milli"),
        ({"devices": 0, "device_milli": 500}, "device_milli"),
        ({"cpu_millicores": 0}, "cpu_millicores"),
        ({"pods": 2}, "pods"),
    ],
)
def test_what_no_pod_may_ask_for(client: Client, project: OrgUnit, asked: dict[str, Any], names: str) -> None:
    query = asked if not asked or "project" in asked else {"project": project.pk, **asked}
    answer = client.get("/api/v1/slots/", query)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, names)


def test_of_projects_that_one_may_submit_to(client: Client, project: OrgUnit) -> None:
    other = make.make_project(department=project.parent)
    assert client.get(f"/api/v1/slots/?project={other.pk}").status_code == 404
    viewer = make.signed_in(make.make_user(role=make.VIEWER, scope=project))
    assert viewer.get(f"/api/v1/slots/?project={project.pk}").status_code == 404


def test_it_takes_as_many_queries_for_many_pools(client: Client, project: OrgUnit, pool: Pool) -> None:
    def add(number: int) -> None:
        for _ in range(number):
            another = make.make_pool(cluster=project.cluster)
            make.make_node(pool=another)
            make.make_summary(another, gpus=8)

    assert_same_queries(client, f"/api/v1/slots/?project={project.pk}", lambda: add(1), lambda: add(5))
