from __future__ import annotations

import csv
import re

import pytest
from django.urls import reverse

from orgs.models import OrgUnit
from quotas.models import Node
from tests.factories import (
    ADMIN,
    RESEARCHER,
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_summary,
    make_user,
    signed_in,
)
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def north() -> OrgUnit:
    north = make_cluster("north")
    h100, cpu = make_pool("h100", north), make_pool("cpu", north, "example.org/role", "cpu")
    make_node("h100-1", h100), make_node("h100-2", h100, state=Node.State.NOT_READY)
    make_node("cpu-1", cpu, gpus=0)
    make_node("both", make_pool("rack", north, "rack", "r7"), gpus=4, conflict=h100)
    make_summary(h100, gpus=8, used=6, running=3, pending=2)
    make_quota(make_department("vision", north), h100, gpus=5)
    return north


def _names(query: str) -> list[str]:
    html = signed_in(make_user(role=ADMIN)).get(f"{reverse('pool_table')}?{query}").content.decode()
    return re.findall(r'<a class="name" href="/pools/\d+/">(.*?)</a>', html)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["cpu", "default", "h100", "rack"]),
        ("sort=-name", ["rack", "h100", "default", "cpu"]),
        ("sort=-gpus", ["h100", "rack", "default", "cpu"]),
        ("sort=-used", ["h100", "rack", "default", "cpu"]),
        ("sort=nonsense&page=9&size=1", ["cpu", "default", "h100", "rack"]),
        ("q=ROLE", ["cpu"]),
        ("q=h1%00", ["h100"]),
        ("state=not-ready", ["h100"]),
        ("state=in-two-pools&state=empty", ["default", "rack"]),
        ("has=cpu", ["cpu"]),
        ("has=gpu&state=ready", []),
        ("state=x&has=y", ["cpu", "default", "h100", "rack"]),
    ],
)
def test_sorting_and_filtering(north: OrgUnit, query: str, expected: list[str]) -> None:
    assert _names(query) == expected


def test_totals_use_and_the_file_of_them(north: OrgUnit) -> None:
    client = signed_in(make_user(role=ADMIN))
    html = client.get(reverse("pool_table")).content.decode()
    assert "<h1>6 of 12 GPUs in use in 4 pools.</h1>" in html
    response = client.get(f"{reverse('pools_csv')}?q=h100")
    assert response["Content-Disposition"] == 'attachment; filename="node-pools.csv"'
    head, row = csv.reader(response.content.decode().splitlines())
    told = dict(zip(head, row, strict=True))
    assert (told["Cluster"], told["Pool"], told["State"], told["Label"]) == (
        "north", "h100", "1 not ready", "example.org/class=h100",
    )  # fmt: skip
    assert (told["Ready GPUs"], told["GPUs in use"], told["GPUs not ready"], told["GPUs guaranteed"]) == (
        "8.0", "6.0", "8.0", "5.0",
    )  # fmt: skip
    assert (told["Workloads running"], told["Workloads waiting"]) == ("3", "2")


def test_sums_are_for_who_may_see_the_whole(north: OrgUnit) -> None:
    make_pool("far-away")
    project = make_project(department=make_department(parent=north))
    client = signed_in(make_user(role=RESEARCHER, scope=project))
    html = client.get(reverse("pool_table")).content.decode()
    assert "<h1>4 pools with 12 GPUs ready.</h1>" in html
    assert "far-away" not in html
    rows = list(csv.DictReader(client.get(reverse("pools_csv")).content.decode().splitlines()))
    hidden = ("GPUs in use", "GPUs guaranteed", "Millicores in use", "Workloads running", "Workloads waiting")
    assert {row[name] for row in rows for name in hidden} == {""}


def test_queries_are_the_same_for_few_and_many(north: OrgUnit) -> None:
    def add(number: int) -> None:
        for _ in range(number):
            make_summary(make_node(pool=make_pool(cluster=north)).pool)

    client = signed_in(make_user(role=ADMIN))
    assert_same_queries(client, reverse("pool_table"), lambda: add(2), lambda: add(20))
    assert default_pool_of(north).nodes.count() == 0
