"""Access to a pool through the real loops: what a blocked project may not, a best-effort one may, and at once."""

from __future__ import annotations

import pytest

from portal.actor import SYSTEM
from quotas.services.access import default_access_set
from quotas.services.quota import quota_set
from scheduling.models import Pod, Waiting, Workload
from tests.cluster.waiting import eventually

from .world import World

pytestmark = pytest.mark.django_db(transaction=True)


def _state(workload: Workload) -> int:
    return Workload.objects.values_list("state", flat=True).get(pk=workload.pk)


def test_work_without_gpu_of_a_blocked_project_starts_in_a_gpu_pool_only_once_it_is_let_in() -> None:
    world = World()
    shut, best_effort = world.project("shut"), world.project("open")
    quota_set(actor=SYSTEM, unit=shut, pool=world.pool, over_quota=False)
    with world.running():
        kept_out = world.submit(shut, "kept-out", devices=0)
        let_in = world.submit(best_effort, "let-in", devices=0)
        eventually(lambda: _state(let_in) == Workload.State.RUNNING)
        reason = eventually(lambda: Waiting.objects.select_related("wait_class").filter(workload=kept_out).first())
        assert (reason.wait_class.code, reason.wait_class.numbers) == ("blocked", {"unit": shut.pk})
        assert not Pod.objects.filter(workload=kept_out, node__isnull=False).exists()
        quota_set(actor=SYSTEM, unit=shut, pool=world.pool, over_quota=True)
        eventually(lambda: _state(kept_out) == Workload.State.RUNNING)
    assert Pod.objects.get(workload=kept_out).charged_pool == world.pool


def test_where_pools_are_closed_only_who_has_a_row_starts_anything() -> None:
    world = World()
    without, given = world.project("without"), world.project("given")
    quota_set(actor=SYSTEM, unit=given, pool=world.pool, gpu_milli=1000)
    default_access_set(actor=SYSTEM, closed=True)
    with world.running():
        kept_out = [world.submit(without, "kept-out", devices=1), world.submit(without, "without-gpu", devices=0)]
        let_in = world.submit(given, "let-in", devices=1)
        eventually(lambda: _state(let_in) == Workload.State.RUNNING)
        for workload in kept_out:
            reason = eventually(lambda one=workload: Waiting.objects.filter(workload=one).first())
            assert (reason.wait_class.code, reason.wait_class.numbers) == ("blocked", {"unit": without.pk})
        default_access_set(actor=SYSTEM, closed=False)
        for workload in kept_out:
            eventually(lambda one=workload: _state(one) == Workload.State.RUNNING)
