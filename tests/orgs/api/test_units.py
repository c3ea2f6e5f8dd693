"""The grammar of the API, at clusters, departments and projects."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from orgs.models import ClusterInfo, OrgUnit
from orgs.secrets import decrypt
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    make_account,
    make_cluster,
    make_department,
    make_project,
    make_projects,
    make_user,
    signed_in,
)
from tests.kubeconfigs import KUBECONFIG
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


@pytest.fixture
def client() -> Client:
    return signed_in(make_user(role=ADMIN))


@pytest.fixture
def department() -> OrgUnit:
    return make_department("vision", make_cluster("north"))


def test_a_project_from_beginning_to_end(client: Client, department: OrgUnit) -> None:
    made = client.post("/api/v1/projects/", {"name": "vis-3d", "parent": department.pk}, content_type=JSON)
    assert made.status_code == 201
    body = made.json()
    assert body["namespace"] == "bursar-vis-3d"
    assert body["parent"] == {"id": department.pk, "name": "vision"}
    address = urlsplit(made["Location"]).path
    got = client.get(address)
    assert got.json() == body
    assert got["ETag"] == made["ETag"]
    there = make_department("speech", department.cluster)
    changed = client.patch(address, {"name": "vis-4d", "parent": there.pk}, content_type=JSON)
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["parent"]["name"]) == ("vis-4d", "speech")
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    acts = AuditEvent.objects.filter(entity="project").order_by("id").values_list("action", flat=True)
    assert list(acts) == ["create", "move", "update", "delete"], "the services of the pages"


def pages(client: Client, url: str) -> list[list[str]]:
    found = []
    while url:
        answer = client.get(url).json()
        found.append([item["name"] for item in answer["items"]])
        url = answer["next"]
    return found


def test_pages_follow_one_another_both_ways(client: Client, department: OrgUnit) -> None:
    make_projects(department, 7)
    assert pages(client, "/api/v1/projects/?limit=3") == [
        ["vision-0", "vision-1", "vision-2"],
        ["vision-3", "vision-4", "vision-5"],
        ["vision-6"],
    ]
    last = client.get(client.get("/api/v1/projects/?limit=3&sort=-name").json()["next"]).json()
    assert [item["name"] for item in last["items"]] == ["vision-3", "vision-2", "vision-1"]
    first = client.get(last["previous"]).json()
    assert [item["name"] for item in first["items"]] == ["vision-6", "vision-5", "vision-4"]
    assert first["previous"] is None


def test_a_list_is_filtered_searched_and_cut_down_to_fields(client: Client, department: OrgUnit) -> None:
    make_project("vis-3d", department)
    make_project("robotics", make_department("arms", department))
    other = make_project("fold")
    assert pages(client, f"/api/v1/projects/?parent={department.pk}") == [["vis-3d"]]
    assert pages(client, f"/api/v1/projects/?scope={department.pk}") == [["robotics", "vis-3d"]]
    assert pages(client, f"/api/v1/projects/?cluster={other.cluster_id}") == [["fold"]]
    assert pages(client, "/api/v1/projects/?search=OBOT") == [["robotics"]]
    answer = client.get("/api/v1/projects/?fields=id,name&name=fold").json()
    assert answer["items"] == [{"id": other.pk, "name": "fold"}]


def test_queries_do_not_grow(client: Client, department: OrgUnit) -> None:
    few, many = (lambda: make_projects(department, 2)), (lambda: make_projects(make_department(), 40))
    assert_same_queries(client, "/api/v1/projects/", few, many)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("colour=red", "colour"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("sort=version", "sort"),
        ("cursor=after.1~i3", "cursor"),
        ("cursor=x", "cursor"),
        ("parent=abc", "parent"),
        ("parent=-1", "parent"),
        ("scope=abc", "scope"),
        ("fields=name,secret", "fields"),
        ("search=%00", "search"),
        ("name=" + "x" * 201, "name"),
    ],
)
def test_what_an_address_cannot_ask_for(client: Client, query: str, parameter: str) -> None:
    answer = client.get(f"/api/v1/projects/?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_what_is_refused_names_the_field_and_the_remedy(client: Client, department: OrgUnit) -> None:
    make_project("vis-3d", department)
    answer = client.post("/api/v1/projects/", {"name": "vis-3d", "parent": department.pk}, content_type=JSON)
    assert answer.status_code == 422
    assert answer.json() == {
        "type": "urn:bursar:problem:refused",
        "title": "A rule forbids it",
        "status": 422,
        "detail": "There is a project called “vis-3d” in this cluster already. Choose another name.",
        "errors": [
            {
                "pointer": "/name",
                "detail": "There is a project called “vis-3d” in this cluster already. Choose another name.",
            }
        ],
    }


@pytest.mark.parametrize(
    "body", ["", "[]", "7", "{", '{"name": NaN}', '{"name": "\\ud800", "parent": 1}', '{"name": ["a"]}']
)
def test_what_no_body_is(client: Client, body: str) -> None:
    answer = client.post("/api/v1/projects/", body, content_type=JSON)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]
    assert client.post("/api/v1/projects/", "name=a", content_type="text/plain").status_code == 415


def test_nobody_overwrites_what_they_have_not_seen(client: Client, department: OrgUnit) -> None:
    url = f"/api/v1/departments/{department.pk}/"
    seen = client.get(url)["ETag"]
    assert client.patch(url, {"description": "a"}, content_type=JSON, headers={"If-Match": seen}).status_code == 200
    for method in ("patch", "delete"):
        sent = {"data": {"description": "b"}, "content_type": JSON}
        late = getattr(client, method)(url, headers={"If-Match": seen}, **sent)
        assert late.status_code == 412
        assert late.json()["type"] == "urn:bursar:problem:changed"
    assert OrgUnit.objects.get(pk=department.pk).description == "a"
    now = client.get(url)["ETag"]
    assert client.delete(url, headers={"If-Match": now}).status_code == 204


def test_a_dry_run_changes_nothing_and_says_what_it_would_do(client: Client, department: OrgUnit) -> None:
    make_project("vis-3d", department)
    answer = client.delete(f"/api/v1/departments/{department.pk}/?dry_run=true")
    assert answer.status_code == 200
    assert {"text": "Projects inside go too", "figure": "1", "tone": "danger", "names": "vis-3d"} in answer.json()[
        "effect"
    ]
    made = client.post("/api/v1/projects/?dry_run=true", {"name": "a", "parent": department.pk}, content_type=JSON)
    assert made.status_code == 200
    assert made.json()["result"]["namespace"] == "bursar-a"
    refused = client.post("/api/v1/projects/?dry_run=true", {"name": "A", "parent": department.pk}, content_type=JSON)
    assert refused.status_code == 422
    assert client.delete(f"/api/v1/departments/{department.pk}/?dry_run=maybe").status_code == 400
    assert OrgUnit.objects.filter(state=1, name__in=["vision", "vis-3d", "a"]).count() == 2
    assert not AuditEvent.objects.filter(entity__in=["department", "project"]).exists()


def test_a_request_sent_twice_is_done_once(client: Client, department: OrgUnit) -> None:
    def sent(name: str, key: str) -> Any:
        body = {"name": name, "parent": department.pk}
        return client.post("/api/v1/projects/", body, content_type=JSON, headers={"Idempotency-Key": key})

    first, again = sent("vis-3d", "k1"), sent("vis-3d", "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first["Location"], first["ETag"]) == (again["Location"], again["ETag"])
    assert again["Idempotency-Replayed"] == "true"
    assert OrgUnit.objects.filter(name="vis-3d").count() == 1
    assert sent("vis-4d", "k1").status_code == 409
    assert sent("vis-3d", "k2").status_code == 422, "another request, and the name is taken"
    assert sent("vis-5d", "k2").status_code == 201, "what was refused is not kept"
    assert sent("x", "k" * 256).status_code == 400
    other = signed_in(make_user(role=ADMIN))
    body = {"name": "vis-6d", "parent": department.pk}
    answer = other.post("/api/v1/projects/", body, content_type=JSON, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 201, "keys are each caller's own"


def test_credentials_of_a_cluster_are_not_given(client: Client) -> None:
    body = {"name": "south", "mode": "Kubernetes", "kubeconfig": "nonsense"}
    answer = client.post("/api/v1/clusters/", body, content_type=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/kubeconfig"


def test_other_credentials_of_a_cluster_are_taken(client: Client) -> None:
    make_account()
    body = {"name": "south", "mode": "Kubernetes", "kubeconfig": KUBECONFIG}
    url = client.post("/api/v1/clusters/", body, content_type=JSON)["Location"]

    def change(kubeconfig: str, query: str = "") -> HttpResponse:
        return client.patch(f"{url}{query}", {"kubeconfig": kubeconfig}, content_type=JSON)

    moved = KUBECONFIG.replace("192.0.2.10", "192.0.2.11").replace("s3cret-token", "n3w-token")
    assert change(moved, "?dry_run=true").status_code == 200
    assert ClusterInfo.objects.get().address == "https://192.0.2.10:6443"
    answer = change(moved)
    assert (answer.status_code, answer.json()["address"]) == (200, "https://192.0.2.11:6443")
    assert "n3w-token" not in answer.content.decode()
    assert "n3w-token" in decrypt(ClusterInfo.objects.get().credentials)
    assert change("nonsense").json()["errors"][0]["pointer"] == "/kubeconfig"
