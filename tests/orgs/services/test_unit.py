from __future__ import annotations

import pytest
from django.utils import timezone

from orgs.access import Forbidden
from orgs.models import AccessRule, OrgUnit, ProjectInfo, UnitState
from orgs.services.unit import unit_delete, unit_rename, units_remove
from portal.errors import Refused
from portal.models import AuditEvent
from scheduling.models import Workload
from tests.factories import (
    DEPARTMENT_ADMIN,
    RESEARCHER,
    actor_of,
    make_account,
    make_cluster,
    make_department,
    make_pod,
    make_project,
    make_user,
    make_workload,
)

pytestmark = pytest.mark.django_db


def state_of(unit: OrgUnit) -> int:
    return OrgUnit.objects.values_list("state", flat=True).get(pk=unit.pk)


class TestRename:
    def test_changes_name_and_description_and_says_so(self) -> None:
        project = make_project("old")
        renamed = unit_rename(actor=actor_of(), unit=project, name="new", description="What it is for")
        assert (renamed.name, renamed.description, renamed.version) == ("new", "What it is for", project.version + 1)
        assert renamed.path == project.path
        event = AuditEvent.objects.get(entity_id=project.pk)
        assert event.before == {"name": "old", "description": ""}
        assert event.after == {"name": "new", "description": "What it is for"}

    def test_nothing_changed_is_nothing_written(self) -> None:
        project = make_project("same")
        assert unit_rename(actor=actor_of(), unit=project, name="same").version == project.version
        assert not AuditEvent.objects.filter(action="update").exists()

    def test_taken_and_illegal_names(self) -> None:
        vision = make_department("vision")
        make_project("taken", department=vision)
        project = make_project(department=vision)
        for name in ("taken", "No", "", "x" * 57):
            with pytest.raises(Refused) as refusal:
                unit_rename(actor=actor_of(), unit=project, name=name)
            assert list(refusal.value.message_dict) == ["name"]

    def test_the_default_department_keeps_its_name_and_takes_a_description(self) -> None:
        default = make_cluster().children.get(name="default")
        with pytest.raises(Refused, match="keeps its name"):
            unit_rename(actor=actor_of(), unit=default, name="other")
        assert unit_rename(actor=actor_of(), unit=default, name="default", description="For all").description

    def test_the_account_has_any_name(self) -> None:
        assert unit_rename(actor=actor_of(), unit=make_account(), name="Halden Labs").name == "Halden Labs"

    def test_who_may_not(self) -> None:
        project = make_project()
        with pytest.raises(Forbidden):
            unit_rename(actor=actor_of(make_user(role=RESEARCHER, scope=project)), unit=project, name="mine")
        vision = make_department()
        with pytest.raises(Forbidden):
            unit_rename(actor=actor_of(make_user(role=DEPARTMENT_ADMIN, scope=vision)), unit=vision, name="mine")


class TestDelete:
    def test_takes_along_everything_below(self) -> None:
        vision = make_department("vision")
        project = make_project(department=make_department(parent=vision))
        bystander = make_project(department=make_department(parent=vision.cluster))
        user = make_user(role=RESEARCHER, scope=project)
        unit_delete(actor=actor_of(), unit=vision)
        assert state_of(project) == state_of(vision) == UnitState.DELETING
        assert state_of(bystander) == UnitState.ACTIVE
        assert AuditEvent.objects.get(action="delete").before == {"name": "vision", "units": 3}
        assert units_remove() == 1
        assert not OrgUnit.objects.filter(path__startswith=vision.path).exists()
        assert not ProjectInfo.objects.filter(unit_id=project.pk).exists()
        assert not AccessRule.objects.filter(subject__user=user).exists()
        assert OrgUnit.objects.filter(pk=bystander.pk).exists()

    def test_ends_the_work_and_waits_for_its_last_pod(self) -> None:
        project = make_project()
        running = make_workload(project=project, state=Workload.State.RUNNING)
        pod = make_pod(running)
        unit_delete(actor=actor_of(), unit=project)
        running.refresh_from_db()
        assert running.desired == Workload.Desired.DELETED
        assert units_remove() == 0
        assert state_of(project) == UnitState.DELETING
        Workload.objects.update(state=Workload.State.STOPPED, is_active=False, ended_at=timezone.now())
        assert units_remove() == 0
        pod.delete()
        assert units_remove() == 1
        assert not Workload.objects.exists()

    def test_work_submitted_in_the_same_moment_is_ended_too(self) -> None:
        project = make_project()
        unit_delete(actor=actor_of(), unit=project)
        late = make_workload(project=project, state=Workload.State.RUNNING)
        make_pod(late)
        units_remove()
        late.refresh_from_db()
        assert late.desired == Workload.Desired.DELETED

    def test_a_name_is_free_again_afterwards(self) -> None:
        project = make_project("again")
        unit_delete(actor=actor_of(), unit=project)
        units_remove()
        assert make_project("again", department=project.parent)

    def test_once_is_enough(self) -> None:
        project = make_project()
        unit_delete(actor=actor_of(), unit=project)
        with pytest.raises(Refused, match="deleted meanwhile"):
            unit_delete(actor=actor_of(), unit=project)

    def test_what_stays(self) -> None:
        with pytest.raises(Refused, match="account cannot be deleted"):
            unit_delete(actor=actor_of(), unit=make_account())
        with pytest.raises(Refused, match="default department"):
            unit_delete(actor=actor_of(), unit=make_cluster().children.get(name="default"))

    def test_who_may_not(self) -> None:
        vision = make_department()
        user = make_user(role=DEPARTMENT_ADMIN, scope=vision)
        with pytest.raises(Forbidden):
            unit_delete(actor=actor_of(user), unit=vision)
        project = make_project(department=vision)
        unit_delete(actor=actor_of(user), unit=project)
        assert state_of(project) == UnitState.DELETING
