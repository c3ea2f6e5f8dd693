from __future__ import annotations

import pytest

from orgs.models import ClusterInfo, OrgUnit, User
from tests.factories import (
    ADMIN,
    RESEARCHER,
    make_account,
    make_cluster,
    make_project,
    make_user,
    signed_in,
)
from tests.kubeconfigs import KUBECONFIG
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db

URL = "/settings/"


@pytest.fixture(autouse=True)
def account() -> OrgUnit:
    return make_account()


def test_without_a_cluster_it_teaches_the_next_step() -> None:
    page = signed_in(make_user(role=ADMIN)).get(URL).content.decode()
    assert "<h1>No cluster yet.</h1>" in page
    assert "Simulate one" in page


def test_who_may_see_no_cluster_is_not_told_that_there_is_none() -> None:
    page = signed_in(make_user(role=RESEARCHER, scope=make_project())).get(URL).content.decode()
    assert "<h1>No cluster is yours to see.</h1>" in page
    assert "No cluster yet" not in page
    assert "Simulate one" not in page


def test_the_heading_names_clusters_out_of_reach() -> None:
    make_cluster("north")
    south = make_cluster("south")
    ClusterInfo.objects.filter(unit=south).update(
        state=ClusterInfo.State.DISCONNECTED, state_message="No route to 192.0.2.10."
    )
    page = signed_in(make_user(role=ADMIN)).get(URL).content.decode()
    assert "<h1>1 of 2 clusters not connected: south.</h1>" in page
    assert "No route to 192.0.2.10." in page


def test_connecting_keeps_secrets_out_of_every_answer() -> None:
    client = signed_in(make_user(role=ADMIN))
    url = "/settings/clusters/connect/"
    response = client.post(url, {"name": "Not Legal", "kubeconfig": KUBECONFIG})
    assert response.status_code == 422
    assert "s3cret-token" not in response.content.decode()
    assert "Not Legal" in response.content.decode()
    page = client.post(url, {"name": "north", "kubeconfig": KUBECONFIG}, follow=True).content.decode()
    assert "https://192.0.2.10:6443" in page
    assert "s3cret-token" not in page


def test_a_kubeconfig_with_a_program_in_it_is_refused_with_the_reason() -> None:
    bad = KUBECONFIG.replace('token: "s3cret-token"', "exec: {command: sh}")
    response = signed_in(make_user(role=ADMIN)).post(
        "/settings/clusters/connect/", {"name": "north", "kubeconfig": bad}
    )
    assert response.status_code == 422
    assert "kubectl create token" in response.content.decode()


def test_simulating_and_disconnecting() -> None:
    client = signed_in(make_user(role=ADMIN))
    page = client.post("/settings/clusters/simulate/", {"name": "lab-sim"}, follow=True).content.decode()
    assert "lab-sim" in page
    cluster = OrgUnit.objects.get(name="lab-sim")
    page = client.post(f"/settings/clusters/{cluster.pk}/disconnect/", follow=True).content.decode()
    assert "No cluster yet." in page


def test_a_new_person_gets_a_password_that_is_shown_once() -> None:
    client = signed_in(make_user(role=ADMIN))
    data = {"name": "Mira Okafor", "email": "mira@example.org"}
    response = client.post("/settings/people/new/", data, headers={"HX-Request": "true"})
    assert "no-store" in response.headers["Cache-Control"]
    password = response.context["new"].password
    assert password in response.content.decode()
    assert User.objects.get(email="mira@example.org").check_password(password)
    assert password not in client.get(URL).content.decode()


def test_deactivating_and_activating() -> None:
    client = signed_in(make_user(role=ADMIN))
    mira = make_user(name="Mira Okafor")
    assert "Deactivate Mira Okafor?" in client.get(f"/settings/people/{mira.pk}/deactivate/").content.decode()
    client.post(f"/settings/people/{mira.pk}/deactivate/")
    assert not User.objects.get(pk=mira.pk).is_active
    client.post(f"/settings/people/{mira.pk}/activate/")
    assert User.objects.get(pk=mira.pk).is_active


def test_queries_stay_the_same_for_clusters() -> None:
    client = signed_in(make_user(role=ADMIN))

    def clusters(number: int) -> None:
        for _ in range(number):
            make_cluster()

    assert assert_same_queries(client, URL, lambda: clusters(2), lambda: clusters(5)) < 30
