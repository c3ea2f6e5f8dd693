"""Requests that come in the same moment: done once with one Idempotency-Key, and one of those with one ETag."""

from __future__ import annotations

from collections import Counter

import pytest
from django.core.cache import cache

from orgs.models import OrgUnit
from portal.models import AuditEvent
from tests import factories as make
from tests.at_once import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
JSON = "application/json"
TIMES = 6


@pytest.fixture
def department() -> OrgUnit:
    cache.clear()
    return make.make_department("vision", make.make_cluster("north"))


def test_one_key_makes_one_thing(department: OrgUnit) -> None:
    client = make.with_key(make.make_key(make.make_user(role=make.ADMIN)))
    answers = []

    def create() -> None:
        body = {"name": "robotics", "parent": department.pk}
        answer = client.post("/api/v1/projects/", body, content_type=JSON, headers={"Idempotency-Key": "once"})
        answers.append((answer.status_code, answer.json()["id"], answer.get("Idempotency-Replayed", "")))

    assert at_once(*[create] * TIMES) == []
    assert {status for status, _, _ in answers} == {201}
    assert len({pk for _, pk, _ in answers}) == 1
    assert Counter(replayed for _, _, replayed in answers) == {"": 1, "true": TIMES - 1}
    assert OrgUnit.objects.filter(name="robotics").count() == 1


def test_one_of_those_who_saw_the_same_changes_it(department: OrgUnit) -> None:
    client = make.with_key(make.make_key(make.make_user(role=make.ADMIN)))
    url = f"/api/v1/projects/{make.make_project('robotics', department).pk}/"
    seen, statuses = client.get(url)["ETag"], []

    def change(number: int) -> None:
        headers = {"If-Match": seen}
        answer = client.patch(url, {"description": f"Arms {number}"}, content_type=JSON, headers=headers)
        statuses.append(answer.status_code)

    assert at_once(*[lambda number=number: change(number) for number in range(TIMES)]) == []  # type: ignore[misc]
    assert Counter(statuses) == {200: 1, 412: TIMES - 1}
    assert AuditEvent.objects.filter(entity="project", action="update").count() == 1


def test_bulk_requests_on_the_same_things_wait_for_each_other(department: OrgUnit) -> None:
    client = make.with_key(make.make_key(make.make_user(role=make.ADMIN)))
    other = make.make_department("speech", make.make_cluster("south"))
    projects = [make.make_project("robotics", department), make.make_project("voices", other)]
    statuses = []

    def change(number: int) -> None:
        values = {"description": f"By {number}"}
        rows = [{"act": "change", "id": one.pk, "values": values} for one in projects[:: 1 if number % 2 else -1]]
        answer = client.post("/api/v1/projects/bulk/", {"rows": rows}, content_type=JSON)
        statuses.extend(one["status"] for one in answer.json()["results"])

    assert at_once(*[lambda number=number: change(number) for number in range(TIMES)]) == []  # type: ignore[misc]
    assert Counter(statuses) == {200: 2 * TIMES}
