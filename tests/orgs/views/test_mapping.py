from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from orgs.models import Mapping, OrgUnit, Role, User
from portal.models import AuditEvent
from quotas.models import GuardSetting, Quota
from tests.bad_input import BAD
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    default_pool_of,
    make_cluster,
    make_department,
    make_guard,
    make_node,
    make_project,
    make_user,
    make_workload,
    signed_in,
)
from tests.queries import queries_of

pytestmark = pytest.mark.django_db

URL = "/organization/new/"


@pytest.fixture
def cluster() -> OrgUnit:
    cluster = make_cluster("north")
    make_node(pool=default_pool_of(cluster), gpus=8)
    return cluster


@pytest.fixture
def client(cluster: OrgUnit) -> Client:
    return signed_in(make_user("ines@example.org", role=ADMIN))


def told(cluster: OrgUnit, **changes: str) -> dict[str, str]:
    """Everything as told, ready to be made."""
    pool = default_pool_of(cluster)
    values = {
        "step": "3",
        "go": "make",
        "pattern": "structure",
        "target": str(cluster.pk),
        "text": "research/vision,vis-3d,new@example.org,New Person",
        "role": str(Role.objects.get(name=RESEARCHER).pk),
        "make_people": "on",
        f"method_{pool.pk}": "evenly",
        f"amount_{pool.pk}": "4",
    }
    return values | changes


def carried(page: Any) -> dict[str, Any]:
    """What the browser would send from the page: its form as it is."""
    form = page.context["form"]
    return {name: form[name].value() or "" for name in form.fields if name != "upload"}


def test_four_steps_and_nothing_is_lost_on_the_way_back(client: Client, cluster: OrgUnit) -> None:
    page = client.get(URL)
    assert page.context["step"] == 0
    assert page.content.decode().count("mapping-picture") == 3
    told_so_far = carried(page) | {"step": "0", "go": "next", "pattern": "structure"}
    assert told_so_far["target"] == cluster.pk, "the only one is chosen"
    page = client.post(URL, told_so_far)
    assert page.context["step"] == 1
    text = "research/vision,vis-3d,new@example.org,New Person"
    page = client.post(URL, carried(page) | {"step": "1", "go": "next", "text": text, "make_people": "on"})
    assert page.context["step"] == 2
    pool = default_pool_of(cluster)
    assert carried(page)[f"amount_{pool.pk}"] == "8", "what is left in the pool"
    page = client.post(URL, carried(page) | {"step": "2", "go": "next", f"method_{pool.pk}": "evenly"})
    assert page.context["step"] == 3
    assert "1 project and 1 new person are about to be made." in page.content.decode()
    page = client.post(URL, carried(page) | {"step": "3", "go": "back"})
    page = client.post(URL, carried(page) | {"step": "2", "go": "back"})
    assert page.context["step"] == 1
    assert text in page.content.decode()
    page = client.post(URL, carried(page) | {"step": "1", "go": "next"})
    page = client.post(URL, carried(page) | {"step": "2", "go": "next"})
    page = client.post(URL, carried(page) | {"step": "3", "go": "make"}, follow=True)
    assert "2 departments, 1 project and 1 new person are there." in page.content.decode()
    assert Quota.objects.get(unit__name="vis-3d").gpu_milli == 8000


def test_undo_from_its_page(client: Client, cluster: OrgUnit) -> None:
    client.post(URL, told(cluster))
    mapping = Mapping.objects.get()
    page = client.get(reverse("mapping", args=[mapping.pk])).content.decode()
    assert reverse("mapping_undo", args=[mapping.pk]) in page
    page = client.post(reverse("mapping_undo", args=[mapping.pk]), follow=True).content.decode()
    assert "were taken back." in page
    assert not OrgUnit.objects.filter(name__in=["research", "vision", "vis-3d"]).exists()
    assert not User.objects.filter(email="new@example.org").exists()


def test_undo_says_why_it_cannot(client: Client, cluster: OrgUnit) -> None:
    client.post(URL, told(cluster))
    mapping = Mapping.objects.get()
    make_workload(project=OrgUnit.objects.get(name="vis-3d"))
    page = client.get(reverse("mapping", args=[mapping.pk])).content.decode()
    assert "The new projects have 1 workload, ended ones included." in page
    response = client.post(reverse("mapping_undo", args=[mapping.pk]))
    assert response.status_code == 422
    assert "The new projects have 1 workload" in response.content.decode()


def test_conflicts_are_marked_in_the_preview_and_nothing_is_made(client: Client, cluster: OrgUnit) -> None:
    make_project("taken", make_department("home", cluster))
    text = "vision,taken\nvision,Bad Name,ghost@example.org\nvision,fine"
    values = told(cluster, text=text, make_people="", step="2", go="next")
    page = client.post(URL, values).content.decode()
    assert "3 conflicts to mend first." in page
    assert "called “taken” in this cluster already, elsewhere." in page
    assert "Nobody signs in as ghost@example.org." in page
    response = client.post(URL, values | {"step": "3", "go": "make"})
    assert response.status_code == 422
    assert "Bad Name" in response.content.decode()
    assert not OrgUnit.objects.filter(name="fine").exists()


def test_the_same_list_again_has_nothing_to_make(client: Client, cluster: OrgUnit) -> None:
    client.post(URL, told(cluster))
    page = client.post(URL, told(cluster, step="2", go="next"))
    shown = page.content.decode()
    assert "Everything in the list is there already." in shown
    assert shown.count("there already</span>") == len(list(page.context["plan"].units()))
    assert 'title="Everything is there already."' in shown
    page = client.post(URL, told(cluster))
    assert page.status_code == 422
    assert Mapping.objects.count() == 1


OVER = "4 over: 12 GPUs asked for in default, 8 available (8 ready, 0 given to others)."


@pytest.mark.parametrize("mode", GuardSetting.Mode)
def test_what_the_guard_says_of_more_than_the_pool_has(client: Client, cluster: OrgUnit, mode: int) -> None:
    make_guard(cluster, mode)
    off, warns, enforces = (mode == one for one in GuardSetting.Mode)
    values = told(cluster, **{f"amount_{default_pool_of(cluster).pk}": "12"})
    shown = client.post(URL, values | {"step": "2", "go": "next"}).content.decode()
    assert shown.count(OVER) == (0 if off else 1)
    assert ("The over-subscription guard warns. It can be made all the same.</b>" in shown) == warns
    assert ("The over-subscription guard refuses this.</b>" in shown) == enforces
    assert ("1 conflict to mend first." in shown) == enforces
    assert ('title="Mend what is marked first."' in shown) == enforces
    answer = client.post(URL, values, follow=True)
    assert answer.status_code == (422 if enforces else 200)
    assert answer.content.decode().count(OVER) == (0 if off else 1), "told once"
    assert Mapping.objects.exists() != enforces
    assert AuditEvent.objects.filter(action="refuse").exists() == enforces


def test_a_file_takes_the_place_of_the_list(client: Client, cluster: OrgUnit) -> None:
    upload = SimpleUploadedFile("list.csv", "department,project\nvision,größe\n".encode())
    values = told(cluster, step="1", go="next", text="old")
    page = client.post(URL, values | {"upload": upload})
    assert page.context["form"]["text"].value() == "department,project\nvision,größe\n"
    page = client.post(URL, values | {"upload": SimpleUploadedFile("list.csv", b"\xff\xfe\x00")})
    assert page.status_code == 422
    assert "Save it as “CSV UTF-8”" in page.content.decode()
    assert page.context["form"]["text"].value() == "old"


def test_by_hand_asks_for_each_project(client: Client, cluster: OrgUnit) -> None:
    pool = default_pool_of(cluster)
    text = f"department,project,{pool.name}\nvision,one,2\nvision,two,"
    values = told(cluster, **{"step": "2", "go": "next", "text": text, f"method_{pool.pk}": "hand"})
    page = client.post(URL, values)
    assert page.context["step"] == 2
    assert f'name="hand_{pool.pk}_one" value="2"' in page.content.decode()
    values |= {"hand": "1", f"hand_{pool.pk}_one": "2", f"hand_{pool.pk}_two": "x"}
    page = client.post(URL, values)
    assert "“x” is no number of GPUs for default." in page.content.decode()
    assert f'name="hand_{pool.pk}_two" value="x"' in page.content.decode()
    values |= {f"hand_{pool.pk}_two": "0.5", "step": "3", "go": "make"}
    client.post(URL, values)
    assert dict(Quota.objects.values_list("unit__name", "gpu_milli")) == {"one": 2000, "two": 500, "vision": 2500}


def test_a_department_administrator_maps_the_own_department(cluster: OrgUnit) -> None:
    vision = make_department("vision", cluster)
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    page = client.get(URL).content.decode()
    assert f'value="{vision.pk}"' in page
    response = client.post(URL, told(cluster, pattern="units", text=",robots", target=str(vision.pk), make_people=""))
    assert response.status_code == 302
    assert OrgUnit.objects.get(name="robots").parent == vision
    response = client.post(URL, told(cluster))
    assert response.status_code == 422
    assert "There is no such place here" in response.content.decode()


def test_no_value_makes_it_fall_over_or_lose_what_was_typed(client: Client, cluster: OrgUnit) -> None:
    valid = told(cluster)
    pool = default_pool_of(cluster).pk
    legal = {"text": {"line break"}, f"amount_{pool}": {"missing", "blank"}}
    wrong = []
    for name in ("step", "pattern", "target", "text", "role", f"amount_{pool}"):
        for kind, value in BAD.items():
            with transaction.atomic():
                response = client.post(URL, valid | {name: value})
                transaction.set_rollback(True)
            if response.status_code == 302 and kind not in legal.get(name, ()):
                wrong.append((name, kind, "taken"))
            if response.status_code != 302 and name == "text" and kind not in ("null", "too long"):
                wrong += [(name, kind, "lost")] if response.context["form"]["text"].value() != value else []
    assert wrong == []


def test_queries_do_not_grow_with_the_list(client: Client, cluster: OrgUnit) -> None:
    assert len(queries_of(client, URL)) < 40
