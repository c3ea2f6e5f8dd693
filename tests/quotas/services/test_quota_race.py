"""Several people at one cell: whoever comes late is told, and nothing is lost without a word."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from portal.actor import SYSTEM
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Quota, QuotaVersion
from quotas.services.quota import QuotaChange, RefusedCells, quota_set, quotas_save
from quotas.services.quota_rules import values_of
from tests.factories import default_pool_of, make_department, make_project

WRITERS = 6


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_writers_with_the_same_version_one_is_taken() -> None:
    project = make_project("lm-align")
    assert project.cluster is not None
    pool = default_pool_of(project.cluster)

    def write(gpu_milli: int) -> bool:
        try:
            quota_set(actor=SYSTEM, unit=project, pool=pool, gpu_milli=gpu_milli, expected_version=version)
        except Refused as refusal:
            return "expected_version" not in refusal.message_dict
        finally:
            connections.close_all()
        return True

    for version in range(3):
        with ThreadPoolExecutor(WRITERS) as writers:
            taken = list(writers.map(write, range(1000 * (version + 1), 1000 * (version + 1) + 10 * WRITERS, 10)))
        assert taken.count(True) == 1
        assert Quota.objects.get().version == version + 1
    assert AuditEvent.objects.filter(entity="quota").count() == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_saves_of_many_cells_that_overlap_are_taken_whole_or_not_at_all() -> None:
    department = make_department()
    assert department.cluster is not None
    pool = default_pool_of(department.cluster)
    projects = [make_project(department=department) for _ in range(2 * WRITERS)]

    def write(number: int) -> bool:
        """A block that shares a cell with the blocks of both neighbours."""
        block = projects[2 * number : 2 * number + 3]
        values = values_of(None) | {"gpu_milli": amount + 10 * number}
        try:
            quotas_save(
                actor=SYSTEM,
                changes=[QuotaChange(project, pool, values, versions[project.pk]) for project in reversed(block)],
            )
        except RefusedCells:
            return False
        finally:
            connections.close_all()
        return True

    for amount in (1000, 2000, 3000):
        versions = dict.fromkeys([project.pk for project in projects], 0) | dict(
            Quota.objects.values_list("unit", "version")
        )
        with ThreadPoolExecutor(WRITERS) as writers:
            taken = list(writers.map(write, range(WRITERS)))
        assert any(taken)
        now = {quota.unit_id: quota for quota in Quota.objects.all()}
        for number, whole in enumerate(taken):
            block = projects[2 * number : 2 * number + 3]
            holds = [project.pk in now and now[project.pk].gpu_milli == amount + 10 * number for project in block]
            assert (all if whole else any)(holds) is whole
        assert all(now[unit].version - versions[unit] <= 1 for unit in now)
    numbers = QuotaVersion.objects.filter(until=None).values_list("unit", "number")
    assert dict(numbers) == dict(Quota.objects.values_list("unit", "version"))
