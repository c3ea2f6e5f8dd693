from __future__ import annotations

import pytest

from orgs.access import Forbidden
from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.services.department import department_create
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    actor_of,
    make_account,
    make_cluster,
    make_department,
    make_project,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_a_department_in_a_cluster_and_one_inside_it() -> None:
    cluster = make_cluster("north")
    actor = actor_of(make_user(name="Ana Krol", role=ADMIN))
    vision = department_create(actor=actor, parent=cluster, name="vision", description="Eyes for machines")
    inner = department_create(actor=actor, parent=vision, name="vision")
    assert (vision.kind, vision.cluster, vision.path) == (UnitKind.DEPARTMENT, cluster, f"{cluster.path}{vision.pk}/")
    assert inner.path == f"{vision.path}{inner.pk}/"
    event = AuditEvent.objects.get(entity_id=vision.pk, entity="department")
    assert (event.actor_name, event.action, event.unit) == ("Ana Krol", "create", cluster.pk)
    assert event.after == {"name": "vision", "parent": "north"}


def test_who_has_no_right_on_the_parent() -> None:
    vision = make_department()
    with pytest.raises(Forbidden):
        department_create(actor=actor_of(make_user(role=DEPARTMENT_ADMIN, scope=vision)), parent=vision, name="deep")
    assert not OrgUnit.objects.filter(name="deep").exists()


def test_taken_names() -> None:
    vision = make_department("vision")
    with pytest.raises(Refused, match="a department called “vision” here already"):
        department_create(actor=actor_of(), parent=vision.cluster, name="vision")
    OrgUnit.objects.filter(pk=vision.pk).update(state=UnitState.DELETING)
    with pytest.raises(Refused, match="still being deleted"):
        department_create(actor=actor_of(), parent=vision.cluster, name="vision")


def test_parents_that_cannot_be() -> None:
    for parent in (make_account(), make_project()):
        with pytest.raises(Refused) as refusal:
            department_create(actor=actor_of(), parent=parent, name="deep")
        assert list(refusal.value.message_dict) == ["parent"]


def test_a_parent_deleted_meanwhile() -> None:
    vision = make_department("vision")
    OrgUnit.objects.filter(pk=vision.pk).update(state=UnitState.DELETING)
    with pytest.raises(Refused, match="vision was deleted meanwhile"):
        department_create(actor=actor_of(), parent=vision, name="deep")


def test_depth_ends() -> None:
    parent = make_cluster()
    for level in range(8):
        parent = department_create(actor=actor_of(), parent=parent, name=f"level-{level}")
    with pytest.raises(Refused, match="at most 8 deep"):
        department_create(actor=actor_of(), parent=parent, name="level-9")
