"""Every method of every endpoint by every role."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.api_lines import ENDPOINTS, METHODS
from tests.factories import signed_in
from tests.world import ROLES, make_world

pytestmark = pytest.mark.django_db


def sent(client: Client, method: str, url: str, data: Any) -> Any:
    """The answer; what the request did is taken back."""
    cache.clear()
    extra = {"data": data} if method == "get" else {"data": data, "content_type": "application/json"}
    with transaction.atomic():
        response = getattr(client, method)(url, **extra)
        transaction.set_rollback(True)
    return response


@pytest.mark.parametrize("who", ["anonymous", "nobody", *ROLES])
def test_what_every_endpoint_answers(who: str) -> None:
    world = make_world()
    client = signed_in(world.people[who]) if who in world.people else Client()
    wrong = []
    for endpoint in ENDPOINTS:
        url = reverse(endpoint.name, kwargs=endpoint.arguments(world))
        for method in METHODS:
            data = endpoint.data.get(method, lambda world: {})(world)
            response = sent(client, method, url, data)
            if response.status_code not in endpoint.statuses(who, method):
                said = f"{response.status_code}, not {endpoint.statuses(who, method)}"
                wrong.append(f"{method} {endpoint.name} {url} as {who}: {said}: {response.content[:200]!r}")
            elif response.status_code >= 400:
                assert response.json()["status"] == response.status_code
                assert response["Content-Type"] == "application/problem+json"
    assert not wrong, "\n".join(wrong)
