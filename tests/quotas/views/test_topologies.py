"""Topologies on the Node pools page: listed, made, changed and deleted there."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs.models import OrgUnit
from quotas.models import Topology
from tests.factories import ADMIN, RESEARCHER, make_cluster, make_pool, make_topology, make_user, signed_in
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def north() -> OrgUnit:
    return make_cluster("north")


def test_the_page_lists_them_with_what_may_be_done(north: OrgUnit) -> None:
    racks = make_topology("racks", north)
    url = reverse("node_pools")
    html = signed_in(make_user(role=ADMIN)).get(url).content.decode()
    assert "example.org/rack" in html
    assert "New topology" in html
    assert "Delete racks" in html
    html = signed_in(make_user(role=RESEARCHER, scope=north)).get(url).content.decode()
    assert f'id="topology-{racks.pk}"' in html
    assert "New topology" not in html
    assert "Change racks" not in html


def test_making_changing_and_deleting_one(north: OrgUnit) -> None:
    client = signed_in(make_user(role=ADMIN))
    data = {"cluster": str(north.pk), "name": "racks", "levels": " example.org/hall \n\nrack\n"}
    response = client.post(reverse("topology_create"), data, follow=True)
    assert "Topology racks is there." in response.content.decode()
    racks = Topology.objects.get()
    assert racks.levels == ["example.org/hall", "rack"]
    url = reverse("topology", args=[racks.pk])
    assert "example.org/hall\nrack" in client.get(url).content.decode()
    assert client.post(url, {"levels": "rack", "expected_version": "1"}).status_code == 302
    stale = client.post(url, {"levels": "hall", "expected_version": "1"})
    assert stale.status_code == 422
    assert "Somebody changed this topology meanwhile." in stale.content.decode()
    pool = make_pool("gpu", north, topology=racks)
    url = reverse("topology_delete", args=[racks.pk])
    refused = client.post(url)
    assert refused.status_code == 422
    assert "gpu has this topology." in refused.content.decode()
    pool.delete()
    assert client.post(url).status_code == 302
    assert not Topology.objects.exists()


def test_a_dialog_keeps_what_was_typed(north: OrgUnit) -> None:
    client = signed_in(make_user(role=ADMIN))
    data = {"cluster": str(north.pk), "name": "Racks", "levels": "two words"}
    response = client.post(reverse("topology_create"), data, headers={"HX-Request": "true"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "two words" in html
    assert "This is no label key." in html


def test_queries_are_the_same_for_few_and_many(north: OrgUnit) -> None:
    def add(number: int) -> None:
        for _ in range(number):
            make_pool(cluster=north, topology=make_topology(cluster=north))

    client = signed_in(make_user(role=ADMIN))
    assert_same_queries(client, reverse("node_pools"), lambda: add(1), lambda: add(10))
