"""Several people at one cell: whoever comes late is told, and nothing is lost without a word."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from portal.actor import SYSTEM
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Quota
from quotas.services.quota import quota_set
from tests.factories import default_pool_of, make_project

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
