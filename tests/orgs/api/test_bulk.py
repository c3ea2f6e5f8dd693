"""Many changes in one request: each as it would be alone, or all of them or none."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from orgs.models import OrgUnit, UnitKind, UnitState, User
from scheduling.models import Workload
from tests import factories as make

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def client() -> Client:
    cache.clear()
    return make.signed_in(make.make_user(role=make.ADMIN))


@pytest.fixture
def department() -> OrgUnit:
    return make.make_department("vision", make.make_cluster("north"))


def sent(client: Client, url: str, rows: list[dict[str, Any]], key: str = "", **more: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(url, {"rows": rows} | more, content_type=JSON, headers=headers)


def names() -> list[str]:
    return list(
        OrgUnit.objects.filter(kind=UnitKind.PROJECT, state=UnitState.ACTIVE)
        .order_by("name")
        .values_list("name", flat=True)
    )


def test_each_row_has_its_result(client: Client, department: OrgUnit) -> None:
    old, gone = make.make_project("old", department), make.make_project("gone", department)
    rows = [
        {"act": "create", "values": {"name": "new", "parent": department.pk}},
        {"act": "create", "values": {"name": "No!", "parent": department.pk}},
        {"act": "change", "id": old.pk, "values": {"name": "older"}},
        {"act": "change", "id": old.pk, "values": {"name": "oldest"}, "if_match": '"999"'},
        {"act": "delete", "id": gone.pk},
        {"act": "delete", "id": 10**9},
        {"act": "paint", "id": old.pk},
        {"act": "delete"},
    ]
    tried = sent(client, "/api/v1/projects/bulk/?dry_run=true", rows).json()
    assert tried["dry_run"]
    assert names() == ["gone", "old"]
    done = sent(client, "/api/v1/projects/bulk/", rows).json()["results"]
    assert [one["status"] for one in done] == [201, 422, 200, 412, 204, 404, 422, 422]
    assert [one["item"] and one["item"]["name"] for one in done[:5]] == ["new", None, "older", None, None]
    assert done[1]["problem"]["errors"][0]["pointer"] == "/name"
    assert [one["status"] for one in tried["result"]["results"]] == [one["status"] for one in done]
    assert names() == ["new", "older"]


def test_all_or_nothing(client: Client, department: OrgUnit) -> None:
    rows = [
        {"act": "create", "values": {"name": "new", "parent": department.pk}},
        {"act": "create", "values": {"name": "No!", "parent": department.pk}},
        {"act": "delete", "id": 10**9},
    ]
    answer = sent(client, "/api/v1/projects/bulk/", rows, all_or_nothing=True)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/rows/1/name", "/rows/2"]
    assert names() == []
    assert sent(client, "/api/v1/projects/bulk/", rows[:1], all_or_nothing=True).status_code == 200
    assert names() == ["new"]
    for wrong in ([], [{"act": "create"}] * 101, [{"values": {}}]):
        assert sent(client, "/api/v1/projects/bulk/", wrong).status_code == 422


def test_what_is_told_once_is_told_once(client: Client) -> None:
    make.make_account()
    rows = [{"act": "create", "values": {"email": f"{name}@example.org", "name": name}} for name in ("ada", "bo")]
    first = sent(client, "/api/v1/users/bulk/", rows, key="people-1").json()
    assert sorted(first["secrets"]) == ["0", "1"]
    assert first["secrets"]["0"]["password"] != first["secrets"]["1"]["password"]
    again = sent(client, "/api/v1/users/bulk/", rows, key="people-1")
    assert again["Idempotency-Replayed"] == "true"
    assert again.json() == {"results": first["results"]}
    assert User.objects.filter(email__endswith="@example.org", name__in=("ada", "bo")).count() == 2


def test_workloads_are_stopped_together(client: Client) -> None:
    project = make.make_project()
    work = [make.make_workload(f"train-{number}", project) for number in range(3)]
    rows = [{"act": "stop", "id": one.pk} for one in work]
    done = sent(client, "/api/v1/workloads/bulk/", rows).json()["results"]
    assert [one["item"]["desired"] for one in done] == ["stopped"] * 3
    assert Workload.objects.filter(desired=Workload.Desired.STOPPED).count() == 3
    assert sent(client, "/api/v1/workloads/bulk/", [{"act": "change", "id": 1}]).json()["results"][0]["status"] == 422
