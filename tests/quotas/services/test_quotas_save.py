"""Many cells in one save: all or nothing, each refusal with its own words, history and audit beside it, and back."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.access import Forbidden
from orgs.models import OrgUnit
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Pool, Quota, QuotaVersion
from quotas.services.quota import (
    MOST_CHANGES,
    QuotaChange,
    RefusedCells,
    quota_clear,
    quota_set,
    quotas_check,
    quotas_save,
)
from quotas.services.quota_rules import values_of
from quotas.services.quota_undo import quotas_undo
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    actor_of,
    default_pool_of,
    make_department,
    make_project,
    make_quota,
    make_user,
)

pytestmark = pytest.mark.django_db

PROJECTS = ("vis-3d", "vis-med", "robotics")


def _change(unit: OrgUnit, pool: Pool, version: int | None = None, **values: Any) -> QuotaChange:
    return QuotaChange(unit, pool, values_of(None) | values, version)


@pytest.fixture
def vision() -> OrgUnit:
    vision = make_department("vision")
    for name in PROJECTS:
        make_project(name, vision)
    return vision


@pytest.fixture
def pool(vision: OrgUnit) -> Pool:
    assert vision.cluster is not None
    return default_pool_of(vision.cluster)


def _projects() -> list[OrgUnit]:
    return [OrgUnit.objects.get(name=name) for name in PROJECTS]


def test_a_save_is_written_with_its_history(vision: OrgUnit, pool: Pool) -> None:
    first, second, third = _projects()
    make_quota(first, pool, gpus=4)
    make_quota(second, pool, gpus=2)
    ana = actor_of(make_user(name="Ana Krol", role=ADMIN))
    batch = quotas_save(
        actor=ana,
        reason="  More for robotics ",
        changes=[
            _change(first, pool, 1, gpu_milli=1000),
            QuotaChange(second, pool, None, 1),
            _change(third, pool, 0, gpu_milli=5000, rank=3),
        ],
    )
    assert {q.unit.name: (q.gpu_milli, q.version) for q in Quota.objects.select_related("unit")} == {
        "vis-3d": (1000, 2), "robotics": (5000, 1)
    }  # fmt: skip
    saved = list(QuotaVersion.objects.filter(batch=batch).order_by("unit__name"))
    assert [(v.number, v.values and v.values["gpu_milli"]) for v in saved] == [(1, 5000), (2, 1000), (2, None)]
    assert {(v.actor, v.actor_name, v.reason, v.until) for v in saved} == {
        (ana.subject_id, "Ana Krol", "More for robotics", None)
    }
    ended = QuotaVersion.objects.filter(until=saved[0].since)
    assert sorted(v.values["gpu_milli"] for v in ended) == [2000, 4000]
    events = {event.entity_name: event for event in AuditEvent.objects.filter(entity="quota")}
    assert events["vis-3d in default"].before == {"gpu_milli": 4000}
    assert events["vis-3d in default"].after == {"gpu_milli": 1000, "reason": "More for robotics"}
    assert [events[f"{name} in default"].action for name in PROJECTS] == ["update", "delete", "create"]


def test_every_refused_cell_has_its_own_words_and_nothing_is_saved(vision: OrgUnit, pool: Pool) -> None:
    first, second, third = _projects()
    make_quota(first, pool, gpus=4, version=7)
    head = actor_of(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    changes = [
        _change(first, pool, 6, gpu_milli=1000),
        _change(second, pool, 0, gpu_milli=8000, limit_gpu_milli=1000),
        _change(vision, pool, 0, gpu_milli=9000),
        _change(third, pool, 0, gpu_milli=1000),
    ]
    with pytest.raises(RefusedCells) as refusal:
        quotas_save(actor=head, changes=changes)
    words = {OrgUnit.objects.get(pk=unit).name: str(refused) for (unit, _), refused in refusal.value.cells.items()}
    assert "Somebody changed this meanwhile" in words["vis-3d"]
    assert "The limit would be below the quota" in words["vis-med"]
    assert "quota: update" in words["vision"]
    assert "robotics" not in words
    assert isinstance(refusal.value.cells[vision.pk, pool.pk], Forbidden)
    assert quotas_check(actor=head, changes=changes).keys() == refusal.value.cells.keys()
    assert quotas_check(actor=head, changes=changes[3:]) == {}
    assert list(Quota.objects.values_list("gpu_milli", flat=True)) == [4000]
    assert not AuditEvent.objects.filter(entity="quota").exists()
    assert QuotaVersion.objects.count() == 1


def test_what_a_save_as_a_whole_is_refused_for(vision: OrgUnit, pool: Pool) -> None:
    first, _, _ = _projects()
    with pytest.raises(RefusedCells) as refusal:
        quotas_save(actor=actor_of(), changes=[_change(first, pool), _change(first, pool)])
    assert "twice" in str(refusal.value.cells[first.pk, pool.pk])
    with pytest.raises(Refused, match="too many for one save"):
        quotas_save(actor=actor_of(), changes=[_change(first, pool)] * (MOST_CHANGES + 1))
    for reason in ("x" * 501, "a\x00b", None):
        with pytest.raises(Refused, match="Shorten it"):
            quotas_save(actor=actor_of(), changes=[_change(first, pool)], reason=reason)  # type: ignore[arg-type]
    assert not Quota.objects.exists()


def test_a_row_that_went_and_came_back_counts_on(vision: OrgUnit, pool: Pool) -> None:
    first, _, _ = _projects()
    quota_set(actor=actor_of(), unit=first, pool=pool, gpu_milli=1000)
    quota_clear(actor=actor_of(), unit=first, pool=pool)
    again = quota_set(actor=actor_of(), unit=first, pool=pool, gpu_milli=2000, expected_version=0)
    assert again.version == 3
    with pytest.raises(Refused, match="Somebody changed"):
        quota_set(actor=actor_of(), unit=first, pool=pool, gpu_milli=9000, expected_version=1)


def test_a_save_is_taken_back(vision: OrgUnit, pool: Pool) -> None:
    first, second, third = _projects()
    make_quota(first, pool, gpus=4, weight_milli=3000)
    make_quota(second, pool, gpus=2)
    ana = actor_of(make_user(name="Ana Krol", role=ADMIN))
    batch = quotas_save(
        actor=ana,
        changes=[
            _change(first, pool, 1, gpu_milli=1000),
            QuotaChange(second, pool, None, 1),
            _change(third, pool, 0, gpu_milli=5000),
        ],
    )
    assert batch is not None
    assert quotas_undo(actor=ana, batch=batch) not in (None, batch)
    assert {q.unit.name: (q.gpu_milli, q.weight_milli, q.version) for q in Quota.objects.select_related("unit")} == {
        "vis-3d": (4000, 3000, 3), "vis-med": (2000, 2000, 3)
    }  # fmt: skip
    assert QuotaVersion.objects.get(unit=first, until=None).reason == "Takes back the save of Ana Krol"


def test_a_save_that_was_changed_since_is_not_taken_back(vision: OrgUnit, pool: Pool) -> None:
    first, second, _ = _projects()
    batch = quotas_save(
        actor=actor_of(), changes=[_change(first, pool, gpu_milli=1000), _change(second, pool, gpu_milli=1000)]
    )
    assert batch is not None
    quota_set(actor=actor_of(), unit=second, pool=pool, gpu_milli=3000)
    with pytest.raises(RefusedCells) as refusal:
        quotas_undo(actor=actor_of(), batch=batch)
    assert list(refusal.value.cells) == [(second.pk, pool.pk)]
    assert Quota.objects.get(unit=first).gpu_milli == 1000
    with pytest.raises(Refused, match="no such save"):
        quotas_undo(actor=actor_of(), batch=uuid.uuid4())
    stranger = actor_of(make_user(role=DEPARTMENT_ADMIN, scope=first))
    with pytest.raises(RefusedCells):
        quotas_undo(actor=stranger, batch=batch)
    first.delete()
    with pytest.raises(Refused, match="is gone"):
        quotas_undo(actor=actor_of(), batch=batch)


def test_a_save_reads_as_often_for_many_cells_as_for_few(vision: OrgUnit, pool: Pool) -> None:
    units = [make_project(department=vision) for _ in range(30)]

    def reads(some: list[OrgUnit]) -> int:
        with CaptureQueriesContext(connection) as captured:
            quotas_save(actor=actor_of(), changes=[_change(unit, pool, gpu_milli=1000) for unit in some])
        return len([query for query in captured if not query["sql"].startswith("INSERT")])

    reads(units[:1])  # opens a finding, which those after it change
    assert reads(units[1:3]) == reads(units[3:])
