"""Findings open when nodes leave and resolve when they are back; nothing else is changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orgs.models import OrgUnit, UnitState
from orgs.services.unit import unit_delete
from portal.models import AuditEvent
from quotas.guard import Level
from quotas.models import GuardFinding, Node, Pool, Quota
from quotas.services.finding import findings_refresh
from quotas.tasks import refresh_findings
from scheduling.services.purge import purge
from tests.factories import (
    actor_of,
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool() -> Pool:
    """16 GPUs ready, 12 guaranteed to vision, of which it has given out 8."""
    vision = make_department("vision", make_cluster("north"))
    pool = default_pool_of(OrgUnit.objects.get(name="north"))
    make_node("one", pool), make_node("two", pool)
    make_quota(vision, pool, gpus=12), make_quota(make_project("vis-3d", vision), pool, gpus=8)
    return pool


def _open() -> list[tuple[str, int, int]]:
    return [(one.unit.name, one.sum, one.ceiling) for one in GuardFinding.objects.filter(resolved_at=None)]


def test_nodes_that_leave_and_come_back(pool: Pool) -> None:
    quotas = list(Quota.objects.values())
    Node.objects.filter(name="two").update(removed_at=timezone.now())
    refresh_findings()
    assert _open() == [("north", 12_000, 8_000)]
    since = GuardFinding.objects.get().since
    Node.objects.filter(name="one").update(state=Node.State.NOT_READY)
    findings_refresh()
    assert _open() == [("north", 12_000, 0)]
    assert GuardFinding.objects.get().since == since
    Node.objects.update(state=Node.State.READY, removed_at=None)
    findings_refresh()
    assert _open() == []
    findings_refresh()
    assert GuardFinding.objects.count() == 1
    assert list(Quota.objects.values()) == quotas
    assert not AuditEvent.objects.filter(entity="quota").exists()


def test_what_is_deleted_is_found_no_more(pool: Pool) -> None:
    Quota.objects.filter(unit__name="vis-3d").update(gpu_milli=14_000)
    findings_refresh()
    assert _open() == []  # no service saw it
    refresh_findings(thorough=True)
    assert _open() == [("vision", 14_000, 12_000)]
    unit_delete(actor=actor_of(), unit=OrgUnit.objects.get(name="vision"))
    assert OrgUnit.objects.get(name="vision").state == UnitState.DELETING
    findings_refresh()
    assert _open() == []


def test_what_pools_are_over_together_ends_with_them(pool: Pool) -> None:
    vision, other = OrgUnit.objects.get(name="vision"), make_pool(cluster=pool.cluster)
    make_quota(vision, other, gpus=2)
    Node.objects.update(state=Node.State.NOT_READY)
    findings_refresh()
    assert sorted(one[1] for one in _open()) == [2_000, 12_000, 14_000]
    other.delete()
    findings_refresh()
    assert _open() == [("north", 12_000, 0)]
    Quota.objects.all().delete()
    findings_refresh()
    assert _open() == []


def test_open_ones_are_there_once(pool: Pool) -> None:
    for where in (pool, None):
        row = {"unit": pool.cluster, "pool": where, "resource": 0, "level": Level.HARDWARE, "sum": 2, "ceiling": 1}
        GuardFinding.objects.create(**row, resolved_at=timezone.now())
        GuardFinding.objects.create(**row)
        with pytest.raises(IntegrityError), transaction.atomic():
            GuardFinding.objects.create(**row)


def test_resolved_ones_are_kept_for_ninety_days(pool: Pool) -> None:
    for days in (91, 89, None):
        resolved = None if days is None else timezone.now() - timedelta(days=days)
        GuardFinding.objects.create(
            unit=pool.cluster, pool=pool, resource=0, level=Level.HARDWARE, sum=2, ceiling=1, resolved_at=resolved
        )
    assert purge()["guardfinding"] == 1
    assert GuardFinding.objects.count() == 2


def test_before_the_first_node_was_seen_nothing_is_found_against_the_hardware() -> None:
    """Also not against all pools together; what departments give out is judged all the same."""
    north = make_cluster("new")
    vision, pool = make_department("vision", north), default_pool_of(north)
    make_quota(vision, pool, gpus=4), make_quota(make_project("vis-3d", vision), pool, gpus=6)
    refresh_findings()
    refresh_findings(thorough=True)
    assert _open() == [("vision", 6000, 4000)]
    node = make_node("one", pool, gpus=2)
    refresh_findings()
    assert ("new", 4000, 2000) in _open()
    Node.objects.filter(pk=node.pk).update(removed_at=timezone.now())
    refresh_findings()
    assert ("new", 4000, 0) in _open(), "a node that is gone is a loss"
