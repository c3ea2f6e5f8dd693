"""What an address answers that leads nowhere."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import signed_in
from tests.world import make_world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/api/v1/projects/-1/", "/api/v1/planets/", "/api/v9/"])
def test_programs_get_a_problem_for_an_address_that_is_not_there(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:bursar:problem:not-found"


def test_people_get_a_page() -> None:
    answer = signed_in(make_world().people["admin"]).get("/planets/")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
