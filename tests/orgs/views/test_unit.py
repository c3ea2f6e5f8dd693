from __future__ import annotations

import pytest
from django.urls import reverse

from orgs.models import ClusterInfo, OrgUnit, ProjectInfo, UnitState
from scheduling.models import Workload
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    VIEWER,
    make_account,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_quota,
    make_rule,
    make_user,
    make_workload,
    signed_in,
)

pytestmark = pytest.mark.django_db

FRAGMENT = {"HX-Request": "true"}


def test_a_project_is_made_in_a_dialog_and_then_selected() -> None:
    vision = make_department("vision")
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    url = reverse("project_create", args=[vision.pk])
    dialog = client.get(url, headers=FRAGMENT).content.decode()
    assert dialog.lstrip().startswith("<dialog")
    assert "New project in vision" in dialog
    response = client.post(url, {"name": "vis-3d", "description": ""}, headers=FRAGMENT)
    project = OrgUnit.objects.get(name="vis-3d")
    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == f"/organization/?unit={project.pk}"


def test_without_scripts_it_is_a_page() -> None:
    cluster = make_cluster("north")
    client = signed_in(make_user(role=ADMIN))
    url = reverse("department_create", args=[cluster.pk])
    assert "<html" in client.get(url).content.decode()
    response = client.post(url, {"name": "vision"}, follow=True)
    assert "Department vision is there." in response.content.decode()


def test_what_was_typed_stays_beside_the_error() -> None:
    vision = make_department("vision")
    make_project("taken", department=vision)
    client = signed_in(make_user(role=ADMIN))
    url = reverse("project_create", args=[vision.pk])
    response = client.post(url, {"name": "taken", "description": "Eyes & ears"}, headers=FRAGMENT)
    page = response.content.decode()
    assert response.status_code == 422
    assert "There is a project called “taken” in this cluster already." in page
    assert "Eyes &amp; ears" in page
    assert 'value="taken"' in page


def test_renaming_starts_with_what_is_there() -> None:
    project = make_project("old")
    client = signed_in(make_user(role=ADMIN))
    url = reverse("unit_rename", args=[project.pk])
    page = client.get(url).content.decode()
    assert 'value="old"' in page
    assert "Its namespace bursar-old stays as it is." in page
    client.post(url, {"name": "new"})
    project.refresh_from_db()
    assert project.name == "new"


def test_deleting_shows_the_impact_and_wants_the_name_while_work_runs() -> None:
    project = make_project("vis-3d")
    make_workload(project=project, state=Workload.State.RUNNING)
    client = signed_in(make_user(role=ADMIN))
    url = reverse("unit_delete", args=[project.pk])
    dialog = client.get(url, headers=FRAGMENT).content.decode()
    assert "Delete project vis-3d?" in dialog
    assert "Running workloads are stopped" in dialog
    response = client.post(url, {"confirm_name": "vis"})
    assert response.status_code == 422
    assert "Type vis-3d to confirm" in response.content.decode()
    assert OrgUnit.objects.get(pk=project.pk).state == UnitState.ACTIVE
    response = client.post(url, {"confirm_name": "vis-3d"})
    assert response.headers["Location"] == f"/organization/?unit={project.parent_id}"
    assert OrgUnit.objects.get(pk=project.pk).state == UnitState.DELETING


def test_without_running_work_no_name_has_to_be_typed() -> None:
    project = make_project()
    client = signed_in(make_user(role=ADMIN))
    assert client.post(reverse("unit_delete", args=[project.pk])).status_code == 302
    assert OrgUnit.objects.get(pk=project.pk).state == UnitState.DELETING


def test_a_refusal_of_the_whole_is_said_above_the_buttons() -> None:
    default = make_cluster().children.get(name="default")
    response = signed_in(make_user(role=ADMIN)).post(reverse("unit_delete", args=[default.pk]))
    assert response.status_code == 422
    assert "The default department of a cluster cannot be deleted." in response.content.decode()


def test_moving_shows_the_sums_it_changes_and_then_the_unit_in_its_new_place() -> None:
    north = make_cluster("north")
    vision, robots = make_department("vision", north), make_department("robots", north)
    project = make_project("vis-3d", vision)
    pool = make_pool("a100", cluster=north)
    for unit, gpus in ((vision, 8), (robots, 2), (project, 4)):
        make_quota(unit, pool, gpus)
    make_user(role=VIEWER, scope=vision)
    client = signed_in(make_user(role=ADMIN))
    url = reverse("unit_move", args=[project.pk])
    dialog = client.get(url, headers=FRAGMENT).content.decode()
    assert "Move project vis-3d" in dialog
    assert "Choose a place to see what changes there." in dialog
    dialog = client.get(url, {"parent": robots.pk}, headers=FRAGMENT).content.decode()
    assert "GPUs guaranteed inside vision, pool a100" in dialog
    assert "4 → 0 of 8" in dialog
    assert "0 → 4 of 2" in dialog
    assert "2 more than it has" in dialog
    assert "Access rules from above that no longer hold on vis-3d" in dialog
    response = client.post(url, {"parent": robots.pk, "expected_version": project.version}, headers=FRAGMENT)
    assert response.headers["HX-Redirect"] == f"/organization/?unit={project.pk}"
    assert OrgUnit.objects.get(pk=project.pk).parent == robots


def test_a_move_is_refused_beside_the_field() -> None:
    vision = make_department("vision")
    project = make_project("vis-3d", vision)
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    make_user(role=VIEWER, scope=vision)
    inner = make_department("inner", vision)
    client = signed_in(head)
    url = reverse("unit_move", args=[project.pk])
    page = client.get(url).content.decode()
    assert f'value="{inner.pk}"' in page
    assert f'value="{vision.parent_id}"' not in page
    page = client.post(url, {"parent": vision.parent_id}).content.decode()
    assert "There is no such place here, or you may not see it." in page
    page = client.post(url, {}).content.decode()
    assert "No place is chosen." in page
    page = client.post(url, {"parent": inner.pk, "expected_version": 7}).content.decode()
    assert "Somebody changed this meanwhile." in page
    assert OrgUnit.objects.get(pk=project.pk).parent == vision


def test_what_may_not_be_chosen_is_shown_and_says_why() -> None:
    vision = make_department("vision")
    project = make_project("vis-3d", vision)
    other = make_department("other", vision.parent)
    user = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    make_rule(user, VIEWER, make_account())
    client = signed_in(user)
    url = reverse("unit_move", args=[project.pk])
    assert "“project: create” there." in client.get(url).content.decode()
    page = client.post(url, {"parent": other.pk}).content.decode()
    assert "other cannot be chosen. This takes the permission" in page


def test_a_namespace_is_asked_for_where_there_are_some() -> None:
    client = signed_in(make_user(role=ADMIN))
    department = make_department(parent=make_cluster("north", ClusterInfo.Mode.KUBERNETES))
    path = f"/organization/{department.pk}/projects/new/"
    assert "Existing namespace" in client.get(path).content.decode()
    client.post(path, {"name": "vision", "namespace": "team-vision"})
    assert ProjectInfo.objects.get(unit__name="vision").namespace == "team-vision"
    simulated = f"/organization/{make_department().pk}/projects/new/"
    assert "Existing namespace" not in client.get(simulated).content.decode()
