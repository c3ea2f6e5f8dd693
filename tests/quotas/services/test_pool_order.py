from __future__ import annotations

import pytest

from orgs.access import Forbidden
from orgs.models import OrgUnit
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Pool, PoolPreference
from quotas.selectors.pool_order import pool_order, reordered, unit_pool_order
from quotas.services.pool import pool_delete
from quotas.services.pool_order import pool_order_set
from scheduling.models import Workload
from scheduling.services.workload import workload_resume, workload_submit
from tests.factories import (
    DEPARTMENT_ADMIN,
    RESEARCHER,
    actor_of,
    default_pool_of,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def north() -> OrgUnit:
    north = make_cluster("north")
    for name in ("h100", "a100", "l40s"):
        make_pool(name, north)
    return north


@pytest.fixture
def project(north: OrgUnit) -> OrgUnit:
    return make_project("vis-3d", make_department("lab", make_department("vision", north)))


def _set(unit: OrgUnit, *pools: str) -> None:
    pool_order_set(actor=actor_of(), unit=unit, pools=pools)


def _holds(unit: OrgUnit) -> tuple[list[str], str]:
    order = pool_order(unit)
    return order.names, order.words(unit)


def test_the_nearest_order_holds_and_without_any_the_default_pool(project: OrgUnit) -> None:
    lab = project.parent
    assert lab is not None
    assert lab.parent is not None
    assert _holds(project) == (["default"], "the default pool: nobody has said otherwise")
    _set(lab.parent, "a100", "default")
    assert _holds(project) == (["a100", "default"], "from department vision")
    _set(lab, "l40s")
    assert _holds(project) == (["l40s"], "from department lab")
    _set(project, "h100", "l40s")
    assert _holds(project) == (["h100", "l40s"], "")
    assert pool_order(project, above=True).names == ["l40s"]
    _set(project)
    assert _holds(project) == (["l40s"], "from department lab")
    assert _holds(make_project(department=lab.parent))[0] == ["a100", "default"]


def test_what_was_and_what_is_are_told(project: OrgUnit) -> None:
    head = make_user(name="Ines Roth", role=DEPARTMENT_ADMIN, scope=project.parent)
    _set(project, "h100")
    pool_order_set(actor=actor_of(head), unit=project, pools=["l40s", "h100"], expected=["h100"])
    event = AuditEvent.objects.get(actor_name="Ines Roth")
    assert (event.actor_name, event.unit) == ("Ines Roth", project.pk)
    assert (event.before, event.after) == ({"pool_order": ["h100"]}, {"pool_order": ["l40s", "h100"]})
    events = AuditEvent.objects.count()
    _set(project, "l40s", "h100")
    assert AuditEvent.objects.count() == events, "nothing has changed"
    with pytest.raises(Refused) as refusal:
        pool_order_set(actor=actor_of(head), unit=project, pools=["a100"], expected=["h100"])
    assert list(refusal.value.message_dict) == ["expected"]


def test_only_pools_of_the_cluster_each_once_and_only_for_departments_and_projects(project: OrgUnit) -> None:
    make_pool("far-away")
    for pools in (["far-away"], ["h100", "h100"], ["none-such"]):
        with pytest.raises(Refused):
            _set(project, *pools)
    assert project.cluster is not None
    with pytest.raises(Refused, match="Departments and projects"):
        _set(project.cluster, "h100")
    assert not PoolPreference.objects.exists()


def test_who_may_not_make_rules_there(project: OrgUnit) -> None:
    for role, scope in ((RESEARCHER, project), (DEPARTMENT_ADMIN, make_department(parent=project.cluster))):
        with pytest.raises(Forbidden):
            pool_order_set(actor=actor_of(make_user(role=role, scope=scope)), unit=project, pools=["h100"])


def test_a_pool_that_is_deleted_goes_out_of_every_order(project: OrgUnit, north: OrgUnit) -> None:
    _set(project, "h100", "a100")
    pool_delete(actor=actor_of(), pool=Pool.objects.get(cluster=north, name="h100"))
    assert _holds(project) == (["a100"], "")
    pool_delete(actor=actor_of(), pool=Pool.objects.get(cluster=north, name="a100"))
    assert _holds(project)[0] == ["default"]


def test_the_panel_tells_who_may_know_of_pools(project: OrgUnit, north: OrgUnit) -> None:
    _set(project, "h100")
    head = make_user(role=DEPARTMENT_ADMIN, scope=project.parent)
    mira = make_user(role=RESEARCHER, scope=project)
    assert unit_pool_order(north, head) is None
    for user, changeable in ((head, True), (mira, False)):
        found = unit_pool_order(project, user)
        assert found is not None
        assert (found.pools, found.source, found.changeable) == (["h100"], "", changeable)
    assert unit_pool_order(project, make_user()) is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", "a b c"),
        ("up:b", "b a c"),
        ("up:a", "a b c"),
        ("down:a", "b a c"),
        ("down:c", "a b c"),
        ("out:b", "a c"),
        ("add:d", "a b c d"),
        ("add:b", "a b c"),
        ("add:x", "a b c"),
        ("up:x", "a b c"),
        ("nonsense", "a b c"),
    ],
)
def test_buttons_of_the_list(asked: str, expected: str) -> None:
    assert reordered(["a", "b", "x", "c", "b"], asked, ["a", "b", "c", "d"]) == expected.split()


def test_work_without_a_list_of_its_own_takes_the_order_and_says_where_from(project: OrgUnit, north: OrgUnit) -> None:
    def submit(name: str, *pools: str) -> Workload:
        values = {"kind": Workload.Kind.TRAINING, "image": "python:3.12", "cpu_millicores": 1000, "memory_bytes": 2**30}
        return workload_submit(actor=actor_of(), project=project, name=name, pools=pools, **values)  # type: ignore[arg-type]

    def told(workload: Workload) -> tuple[str | None, list[str], str]:
        spec = workload.spec.spec
        return workload.pool.name if workload.pool else None, spec["pools"], spec["pools_from"]

    nobody = submit("a")
    assert (nobody.pool, nobody.spec.spec["pools_from"][:16]) == (default_pool_of(north), "the default pool")
    assert project.parent is not None
    _set(project.parent, "a100", "l40s")
    assert told(submit("b")) == ("a100", ["a100", "l40s"], "from department lab")
    own = submit("c", "h100", "a100")
    assert told(own) == ("h100", ["h100", "a100"], "")
    _set(project, "l40s")
    inherited = submit("d")
    assert told(inherited) == ("l40s", ["l40s"], "from project vis-3d")
    _set(project, "h100")
    Workload.objects.update(is_active=False, ended_at=nobody.created_at)
    for workload, pool in ((own, "h100"), (inherited, "h100")):
        workload.refresh_from_db()
        assert told(workload_resume(actor=actor_of(), workload=workload))[0] == pool
    assert told(Workload.objects.get(name="c", is_active=True))[1] == ["h100", "a100"]
