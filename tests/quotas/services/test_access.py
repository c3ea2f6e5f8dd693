"""What holds where a unit has no quota in a pool: by one setting of the account."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs.access import Forbidden
from orgs.models import OrgUnit
from portal.models import AuditEvent
from quotas.access_words import closing_rows
from quotas.models import DefaultAccess, Pool, Quota
from quotas.selectors.access import closing, no_row
from quotas.services.access import default_access_set
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    actor_of,
    make_account,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_quota,
    make_usage,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def vision() -> OrgUnit:
    return make_department("vision", make_cluster("north"))


@pytest.fixture
def pool(vision: OrgUnit) -> Pool:
    return make_pool("a100", vision.cluster)


def close() -> None:
    make_account()
    default_access_set(actor=actor_of(), closed=True)


def test_it_is_open_until_an_administrator_closes_it() -> None:
    account, actor = make_account(), actor_of(make_user(role=ADMIN))
    assert not no_row().blocked
    default_access_set(actor=actor, closed=False)
    assert not AuditEvent.objects.filter(action="update").exists(), "nothing was changed"
    default_access_set(actor=actor, closed=True)
    default_access_set(actor=actor, closed=True)
    assert no_row().blocked
    event = AuditEvent.objects.get(action="update")
    assert (event.entity, event.entity_id) == ("account", account.pk)
    assert (event.before, event.after) == ({"new pools": "open"}, {"new pools": "closed"})
    default_access_set(actor=actor, closed=False)
    assert not no_row().blocked
    assert Quota.objects.count() == 0


def test_it_takes_the_right_to_change_the_settings(vision: OrgUnit) -> None:
    with pytest.raises(Forbidden):
        default_access_set(actor=actor_of(make_user(role=DEPARTMENT_ADMIN, scope=vision)), closed=True)
    assert not DefaultAccess.objects.exists()


def test_whom_it_would_shut_out_is_said_beforehand(vision: OrgUnit, pool: Pool) -> None:
    alone, kept, shut, idle, inside = (make_project(name, vision) for name in ("alone", "kept", "shut", "idle", "in"))
    make_quota(vision, pool, 8)
    other = make_pool("h100", vision.cluster)
    make_quota(kept, pool, 2), make_quota(shut, pool, 0, over_quota=False), make_quota(inside, other, 2)
    default = make_project("loose", OrgUnit.objects.get(name="default", cluster=vision.cluster))
    make_quota(default, pool, 1)
    for project in (alone, kept, shut, default):
        make_usage(project, pool, 1, running=1, pending=2)
    make_usage(idle, pool)
    make_usage(inside, other, 1, running=3)
    found = closing(make_user(role=ADMIN))
    assert [(one.unit.name, one.pool.name, one.above and one.above.name) for one in found.named] == [
        ("in", "h100", "vision"),
        ("alone", "a100", None),
    ]
    assert (found.total, found.running, sum(one.pending for one in found.named)) == (2, 4, 2)
    assert [row["text"] for row in closing_rows(found)] == [
        "in would start nothing in h100 as its department has no quota there: 3 workloads running",
        "alone would start nothing in a100: 1 workload running and 2 workloads waiting",
        "Running workloads go on until they end, or until others take the room",
    ]
    stranger = closing(make_user(role=DEPARTMENT_ADMIN, scope=make_department("other", vision.cluster)))
    assert (stranger.named, stranger.total) == ([], 2)
    assert closing_rows(stranger)[0]["text"] == "projects would start nothing in pools in which they have work"


def test_the_settings_page_closes_and_opens(vision: OrgUnit, pool: Pool) -> None:
    make_usage(make_project("vis-3d", vision), pool, 1, running=1)
    client = signed_in(make_user(role=ADMIN))
    settings, close_it = reverse("settings"), reverse("pools_close")
    assert f'href="{close_it}"' in client.get(settings).content.decode()
    assert "vis-3d would start nothing in a100" in client.get(close_it).content.decode()
    assert not DefaultAccess.objects.exists(), "a look changes nothing"
    assert client.post(close_it)["Location"] == settings
    shown = client.get(settings).content.decode()
    assert "New pools are closed" in shown
    assert client.post(reverse("pools_open"))["Location"] == settings
    assert not no_row().blocked


def test_the_matrix_shows_it_and_what_is_typed_begins_with_it(vision: OrgUnit, pool: Pool) -> None:
    project, given = make_project("vis-3d", vision), make_project("vis-med", vision)
    make_quota(given, pool, 2)
    close()
    client = signed_in(make_user(role=ADMIN))
    url = f"{reverse('quotas')}?scope={vision.cluster_id}"

    def cell(unit: OrgUnit) -> str:
        return client.get(url).content.decode().split(f'id="cell-{unit.pk}-{pool.pk}"')[1].split("</td>")[0]

    assert "<i>blocked</i>" in cell(project)
    assert "<i>blocked</i>" in cell(vision), "so nothing starts in it, whatever its projects have"
    assert "blocked" not in cell(given)
    default = OrgUnit.objects.get(name="default", cluster=vision.cluster)
    assert "blocked" not in cell(default), "it is the sum of its projects"
    edit = {"cell": f"{project.pk}-{pool.pk}", "version": "0", "resource": "gpu", "show": "weight", "text": "3"}
    body = {"edits": [edit], "reason": ""}
    assert client.post(reverse("quotas_save"), body, content_type="application/json").status_code == 200
    assert Quota.objects.get(unit=project).blocked, "a weight opens nothing"
    assert "<i>" not in cell(project)
    client.post(reverse("project_create", args=[vision.pk]), {"name": "late"})
    assert "late is there, blocked in every pool" in client.get(url).content.decode()
