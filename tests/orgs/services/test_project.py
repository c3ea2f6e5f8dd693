from __future__ import annotations

import pytest

from orgs.access import Forbidden
from orgs.models import ProjectInfo
from orgs.services.project import project_create
from orgs.services.unit import unit_rename
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import DEPARTMENT_ADMIN, VIEWER, actor_of, make_cluster, make_department, make_user

pytestmark = pytest.mark.django_db


def test_a_project_has_a_namespace() -> None:
    vision = make_department("vision")
    actor = actor_of(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    project = project_create(actor=actor, parent=vision, name="vis-3d")
    assert project.path == f"{vision.path}{project.pk}/"
    assert project.project_info.namespace == "bursar-vis-3d"
    assert project.project_info.phase == ProjectInfo.Phase.CREATING
    assert AuditEvent.objects.get(entity_id=project.pk).after["namespace"] == "bursar-vis-3d"


def test_who_may_not() -> None:
    vision = make_department()
    with pytest.raises(Forbidden):
        project_create(actor=actor_of(make_user(role=VIEWER, scope=vision)), parent=vision, name="vis-3d")


def test_names_are_unique_in_the_cluster_not_beyond() -> None:
    north = make_cluster()
    one, other, elsewhere = make_department(parent=north), make_department(parent=north), make_department()
    project_create(actor=actor_of(), parent=one, name="vis-3d")
    with pytest.raises(Refused, match="a project called “vis-3d” in this cluster already"):
        project_create(actor=actor_of(), parent=other, name="vis-3d")
    assert project_create(actor=actor_of(), parent=elsewhere, name="vis-3d")


def test_a_project_may_be_called_as_a_department_beside_it() -> None:
    vision = make_department()
    make_department("speech", parent=vision)
    assert project_create(actor=actor_of(), parent=vision, name="speech")


def test_the_namespace_of_a_renamed_project_stays_taken() -> None:
    vision = make_department()
    project = project_create(actor=actor_of(), parent=vision, name="old")
    renamed = unit_rename(actor=actor_of(), unit=project, name="new")
    assert ProjectInfo.objects.get(unit=renamed).namespace == "bursar-old"
    with pytest.raises(Refused, match="bursar-old belongs to project new"):
        project_create(actor=actor_of(), parent=vision, name="old")
    assert not vision.children.filter(name="old").exists()


def test_a_project_lies_in_a_department() -> None:
    with pytest.raises(Refused) as refusal:
        project_create(actor=actor_of(), parent=make_cluster(), name="vis-3d")
    assert list(refusal.value.message_dict) == ["parent"]


def test_a_project_may_have_a_namespace_that_is_there_already() -> None:
    vision = make_department()
    project = project_create(actor=actor_of(), parent=vision, name="vis-3d", namespace=" team-3d ")
    info = ProjectInfo.objects.get(unit=project)
    assert (info.namespace, info.adopted) == ("team-3d", True)
    with pytest.raises(Refused) as refusal:
        project_create(actor=actor_of(), parent=vision, name="vis-4d", namespace="team-3d")
    told = "The namespace team-3d belongs to project vis-3d. Choose another."
    assert refusal.value.message_dict == {"namespace": [told]}
    plain = project_create(actor=actor_of(), parent=vision, name="plain")
    assert not ProjectInfo.objects.get(unit=plain).adopted


@pytest.mark.parametrize("name", ["default", "kube-system", "bursar-system", "Team", "-team", "team.a", "t" * 64])
def test_namespaces_of_the_cluster_and_wrong_names_are_refused(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        project_create(actor=actor_of(), parent=make_department(), name="vis-3d", namespace=name)
    assert list(refusal.value.message_dict) == ["namespace"]
