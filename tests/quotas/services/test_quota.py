from __future__ import annotations

from typing import Any

import pytest

from orgs.access import Forbidden
from orgs.models import OrgUnit, UnitState
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Pool, Quota, Rank
from quotas.services.quota import quota_clear, quota_set
from quotas.services.quota_rules import MAXIMA
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    actor_of,
    default_pool_of,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_quota,
    make_user,
)

pytestmark = pytest.mark.django_db


def _place() -> tuple[OrgUnit, OrgUnit, Pool]:
    vision = make_department("vision")
    assert vision.cluster is not None
    return vision, make_project("vis-3d", vision), default_pool_of(vision.cluster)


def test_a_first_quota_and_a_change_of_it() -> None:
    _, project, pool = _place()
    actor = actor_of(make_user(name="Ana Krol", role=ADMIN))
    first = quota_set(actor=actor, unit=project, pool=pool, gpu_milli=8_500, limit_gpu_milli=16_000, expected_version=0)
    assert (first.version, first.cpu_millicores, first.over_quota, first.rank) == (1, None, True, Rank.MEDIUM)
    second = quota_set(
        actor=actor, unit=project, pool=pool, gpu_milli=12_000, limit_gpu_milli=16_000, expected_version=first.version
    )
    assert (second.pk, second.version, second.gpu_milli) == (first.pk, 2, 12_000)
    created, updated = AuditEvent.objects.filter(entity="quota").order_by("pk")
    assert (created.action, created.actor_name, created.unit) == ("create", "Ana Krol", project.pk)
    assert created.entity_name == "vis-3d in default"
    assert created.after["gpu_milli"] == 8_500
    assert (updated.action, updated.before, updated.after) == ("update", {"gpu_milli": 8_500}, {"gpu_milli": 12_000})


def test_the_same_values_again_change_nothing() -> None:
    _, project, pool = _place()
    quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=1000)
    again = quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=1000)
    assert again.version == 1
    assert AuditEvent.objects.filter(entity="quota").count() == 1


def test_a_row_that_somebody_else_changed_is_not_overwritten() -> None:
    _, project, pool = _place()
    quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=1000)
    quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=2000, expected_version=1)
    for stale in (0, 1):
        with pytest.raises(Refused) as refusal:
            quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=9000, expected_version=stale)
        assert list(refusal.value.message_dict) == ["expected_version"]
        with pytest.raises(Refused):
            quota_clear(actor=actor_of(), unit=project, pool=pool, expected_version=stale)
    assert Quota.objects.get().gpu_milli == 2000


def test_clearing_goes_back_to_the_default_access() -> None:
    _, project, pool = _place()
    make_quota(project, pool, gpus=4)
    quota_clear(actor=actor_of(), unit=project, pool=pool, expected_version=1)
    quota_clear(actor=actor_of(), unit=project, pool=pool)
    assert not Quota.objects.exists()
    event = AuditEvent.objects.get(entity="quota")
    assert (event.action, event.before["gpu_milli"]) == ("delete", 4000)


def test_the_right_is_asked_on_the_parent() -> None:
    vision, project, pool = _place()
    head = actor_of(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    quota_set(actor=head, unit=project, pool=pool, gpu_milli=4000)
    quota_clear(actor=head, unit=project, pool=pool)
    for service in (quota_set, quota_clear):
        with pytest.raises(Forbidden, match="Ask someone"):
            service(actor=head, unit=vision, pool=pool)
        with pytest.raises(Forbidden):
            service(actor=actor_of(make_user(role=RESEARCHER, scope=project)), unit=project, pool=pool)
    own = actor_of(make_user(role=DEPARTMENT_ADMIN, scope=project))
    with pytest.raises(Forbidden):
        quota_set(actor=own, unit=project, pool=pool, gpu_milli=4000)
    assert not Quota.objects.exists()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("gpu_milli", {"gpu_milli": -10}),
        ("gpu_milli", {"gpu_milli": MAXIMA["gpu_milli"] + 10}),
        ("gpu_milli", {"gpu_milli": -(10**5000)}),
        ("gpu_milli", {"gpu_milli": None}),
        ("gpu_milli", {"gpu_milli": "8"}),
        ("gpu_milli", {"gpu_milli": True}),
        ("gpu_milli", {"gpu_milli": 1005}),
        ("limit_gpu_milli", {"limit_gpu_milli": 1005}),
        ("limit_gpu_milli", {"gpu_milli": 8000, "limit_gpu_milli": 7990}),
        ("limit_cpu_millicores", {"cpu_millicores": 8000, "limit_cpu_millicores": 7999}),
        ("limit_memory_bytes", {"limit_memory_bytes": -1}),
        ("cpu_millicores", {"cpu_millicores": 1.5}),
        ("memory_bytes", {"memory_bytes": 2**63}),
        ("over_quota", {"over_quota": None}),
        ("rank", {"rank": 4}),
        ("rank", {"rank": "high"}),
        ("weight_milli", {"weight_milli": -1}),
        ("weight_milli", {"weight_milli": 10**9}),
    ],
)
def test_values_that_cannot_be(field: str, values: dict[str, Any]) -> None:
    _, project, pool = _place()
    with pytest.raises(Refused) as refusal:
        quota_set(actor=actor_of(), unit=project, pool=pool, **values)
    assert list(refusal.value.message_dict) == [field]
    assert not Quota.objects.exists()


def test_the_largest_values_fit_the_columns() -> None:
    _, project, pool = _place()
    largest = {**MAXIMA, **{f"limit_{resource}": most for resource, most in MAXIMA.items()}}
    quota_set(actor=actor_of(), unit=project, pool=pool, **largest, weight_milli=1_000_000)
    assert Quota.objects.get().memory_bytes == MAXIMA["memory_bytes"]


def test_units_that_have_no_quota_of_their_own() -> None:
    vision, project, pool = _place()
    cluster = vision.cluster
    assert cluster is not None
    default = OrgUnit.objects.get(parent=cluster, name="default")
    with pytest.raises(Refused, match="sum of its projects"):
        quota_set(actor=actor_of(), unit=default, pool=pool, gpu_milli=1000)
    with pytest.raises(Refused, match="no quota of its own"):
        quota_set(actor=actor_of(), unit=cluster, pool=pool, gpu_milli=1000)
    with pytest.raises(Refused, match="another cluster"):
        quota_set(actor=actor_of(), unit=project, pool=make_pool(cluster=make_cluster()), gpu_milli=1000)
    gone = Pool(pk=10**9, cluster=cluster, name="gone")
    with pytest.raises(Refused, match="deleted meanwhile"):
        quota_set(actor=actor_of(), unit=project, pool=gone, gpu_milli=1000)
    OrgUnit.objects.filter(pk=project.pk).update(state=UnitState.DELETING)
    with pytest.raises(Refused, match="deleted meanwhile"):
        quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=1000)
