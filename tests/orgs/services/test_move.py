from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from orgs import hooks
from orgs.access import Forbidden
from orgs.models import OrgUnit, UnitState
from orgs.services.department import department_create
from orgs.services.move import unit_move
from orgs.services.tree import DEEPEST
from orgs.services.unit import unit_delete, unit_rename, units_remove
from portal.actor import Actor
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Quota
from scheduling.models import Workload
from tests.examples import examples
from tests.factories import (
    DEPARTMENT_ADMIN,
    RESEARCHER,
    actor_of,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_pod,
    make_project,
    make_quota,
    make_user,
    make_workload,
)

pytestmark = pytest.mark.django_db


def now(unit: OrgUnit) -> OrgUnit:
    return OrgUnit.objects.get(pk=unit.pk)


def test_everything_below_goes_along_with_rules_quotas_and_namespaces() -> None:
    cluster = make_cluster()
    vision, robots = make_department("vision", cluster), make_department("robots", cluster)
    lab = make_department("lab", vision)
    project = make_project("vis-3d", lab)
    make_quota(project, default_pool_of(cluster), 4)
    user = make_user(role=RESEARCHER, scope=project)
    moved = unit_move(actor=actor_of(), unit=lab, parent=robots)
    assert (moved.parent, moved.path, moved.version) == (robots, f"{robots.path}{lab.pk}/", lab.version + 1)
    inside = now(project)
    assert (inside.path, inside.parent_id, inside.version) == (f"{moved.path}{project.pk}/", lab.pk, project.version)
    assert inside.project_info.namespace == "bursar-vis-3d"
    assert Quota.objects.filter(unit=project).exists()
    assert user.subject.rules.get().scope_id == project.pk
    event = AuditEvent.objects.get(action="move")
    assert (event.entity_id, event.unit) == (lab.pk, lab.pk)
    assert (event.before["parent"], event.after["parent"]) == ("vision", "robots")


def test_the_number_of_statements_does_not_grow_with_what_lies_below() -> None:
    cluster = make_cluster()
    few, many, target = (make_department(name, cluster) for name in ("few", "many", "target"))
    make_project(department=few)
    for _ in range(20):
        make_project(department=make_department(parent=many))

    def statements(unit: OrgUnit) -> int:
        with CaptureQueriesContext(connection) as captured:
            unit_move(actor=actor_of(), unit=unit, parent=target)
        return len(captured)

    assert statements(few) == statements(many)
    assert OrgUnit.objects.filter(path__startswith=f"{target.path}{many.pk}/").count() == 41


def test_to_where_it_lies_already_writes_nothing() -> None:
    project = make_project()
    assert project.parent is not None
    assert unit_move(actor=actor_of(), unit=project, parent=project.parent).version == project.version
    assert not AuditEvent.objects.filter(action="move").exists()


def test_what_is_refused_and_in_which_words() -> None:
    cluster = make_cluster("north")
    vision, robots = make_department("vision", cluster), make_department("robots", cluster)
    inner = make_department("inner", vision)
    project = make_project(department=vision)
    default = cluster.children.get(name="default")
    make_department("inner", robots)
    cases = [
        (vision, inner, "lies in it"),
        (vision, vision, "itself"),
        (project, cluster, "in a department"),
        (project, project, "itself"),
        (robots, project, "in a cluster or in another department"),
        (inner, robots, "called “inner” here already. Rename"),
        (vision, make_department("far"), "own cluster"),
        (project, make_account(), "own cluster"),
        (default, vision, "stays in it"),
        (cluster, make_account(), "only departments and projects move"),
    ]
    before = list(OrgUnit.objects.order_by("pk").values())
    for unit, parent, words in cases:
        with pytest.raises(Refused, match=words):
            unit_move(actor=actor_of(), unit=unit, parent=parent)
    assert list(OrgUnit.objects.order_by("pk").values()) == before


def test_departments_nest_only_so_deep() -> None:
    cluster = make_cluster()
    deep = cluster
    for _ in range(DEEPEST - 1):
        deep = make_department(parent=deep)
    tall = make_department(parent=cluster)
    leaf = make_department(parent=tall)
    with pytest.raises(Refused, match="at most 8 deep"):
        unit_move(actor=actor_of(), unit=tall, parent=deep)
    unit_move(actor=actor_of(), unit=leaf, parent=deep)
    with pytest.raises(Refused, match="at most 8 deep"):
        department_create(actor=actor_of(), parent=now(leaf), name="more")


def test_a_unit_that_somebody_changed_meanwhile_stays() -> None:
    vision = make_department("vision")
    robots = make_department("robots", vision.parent)
    unit_rename(actor=actor_of(), unit=vision, name="sight")
    with pytest.raises(Refused, match="changed this meanwhile"):
        unit_move(actor=actor_of(), unit=vision, parent=robots, expected_version=vision.version)


def test_to_what_is_being_deleted() -> None:
    vision = make_department("vision")
    robots = make_department("robots", vision.parent)
    unit_delete(actor=actor_of(), unit=robots)
    with pytest.raises(Refused, match="robots was deleted meanwhile"):
        unit_move(actor=actor_of(), unit=vision, parent=robots)


def test_takes_the_rights_at_both_ends() -> None:
    cluster = make_cluster()
    one, other = make_department("one", cluster), make_department("other", cluster)
    project = make_project(department=one)
    inner = make_department(parent=one)
    user = make_user(role=DEPARTMENT_ADMIN, scope=one)
    unit_move(actor=actor_of(user), unit=project, parent=inner)
    with pytest.raises(Forbidden, match="create"):
        unit_move(actor=actor_of(user), unit=project, parent=other)
    with pytest.raises(Forbidden, match="delete"):
        unit_move(actor=actor_of(make_user(role=DEPARTMENT_ADMIN, scope=other)), unit=project, parent=other)
    # A right that was left behind is gone: the person's request knew the old place.
    unit_move(actor=actor_of(), unit=project, parent=other)
    with pytest.raises(Forbidden):
        unit_delete(actor=actor_of(user), unit=project)


def test_quotas_may_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    target = make_department(parent=project.cluster)
    asked = []

    def refuse(unit: OrgUnit, new_parent: OrgUnit, actor: Actor) -> None:
        asked.append((unit, unit.parent, new_parent))
        raise Refused({"parent": "Over by 4 GPUs."})

    monkeypatch.setattr(hooks.unit_moving, "_answer", refuse)
    with pytest.raises(Refused, match="Over by 4"):
        unit_move(actor=actor_of(), unit=project, parent=target)
    assert asked == [(project, project.parent, target)]
    assert now(project).path == project.path


def test_what_is_being_deleted_waits_for_its_pods_wherever_it_went_meanwhile() -> None:
    vision = make_department("vision")
    robots = make_department("robots", vision.parent)
    project = make_project(department=vision)
    make_pod(make_workload(project=project, state=Workload.State.RUNNING))
    unit_delete(actor=actor_of(), unit=project)
    unit_move(actor=actor_of(), unit=vision, parent=robots)
    assert units_remove() == 0
    assert now(project).state == UnitState.DELETING
    assert now(project).path.startswith(robots.path)


@examples(15)
@given(moves=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12))
def test_paths_follow_parents_whatever_moves_where(moves: list[tuple[int, int]]) -> None:
    cluster = make_cluster()
    units = [cluster]
    for number in range(8):
        units.append(make_department(parent=units[number // 2]))
    units += [make_project(department=units[number]) for number in (3, 5, 8)]
    for unit, parent in moves:
        try:
            unit_move(actor=actor_of(), unit=now(units[unit]), parent=now(units[parent]))
        except Refused:
            continue
        assert now(units[unit]).parent_id == units[parent].pk
    parents = dict(OrgUnit.objects.values_list("pk", "parent_id"))

    def path(pk: int | None) -> str:
        return f"{path(parents[pk])}{pk}/" if pk else "/"

    for unit in OrgUnit.objects.all():
        assert unit.path == path(unit.pk)
