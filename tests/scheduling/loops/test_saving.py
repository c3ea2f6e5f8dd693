"""Cycles that a loop keeps: asked for, too slow, or gone wrong; each is decided once more to the same bytes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from portal.actor import SYSTEM
from portal.services.lease import LeaseLost
from scheduling.cycle_file import CycleFile, unpacked
from scheduling.cycle_replay import replay
from scheduling.loops import pool_loop
from scheduling.models import CycleReport, Decision, SavedCycle
from scheduling.services.purge import purge
from scheduling.services.saved_cycle import cycle_ask

from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)
State = SavedCycle.State


@pytest.fixture
def world() -> World:
    return World()


def file_of(saved: SavedCycle) -> CycleFile:
    saved.refresh_from_db()
    assert saved.state == State.SAVED
    assert saved.content is not None
    assert saved.size == len(saved.content)
    return unpacked(bytes(saved.content))


def test_the_next_cycle_is_kept_also_in_a_quiet_pool_and_of_a_kept_engine(world: World, steps: Steps) -> None:
    world.submit(world.project("vis"), "train", devices=4)
    steps.start()
    steps.loop._quiet_until = 0.0
    steps.cycle()
    saved = cycle_ask(actor=SYSTEM, pool=world.pool)
    steps.loop._quiet_until = 0.0
    steps.cycle()
    kept = file_of(saved)
    assert saved.cycle == kept.about.cycle == steps.tenure.cycle
    assert (kept.about.pool, kept.about.cluster, kept.about.cause) == ("gpu", world.cluster.name, "asked")
    assert [workload.name for workload in kept.snapshot.workloads] == ["train"]
    assert kept.decisions is not None
    assert not kept.decisions.places
    assert replay(kept).is_same(kept)
    assert CycleReport.objects.filter(pool=world.pool, cycle=saved.cycle).exists(), "every saved cycle has a page"
    steps.loop._quiet_until = 0.0
    steps.cycle()
    assert SavedCycle.objects.count() == 1


def test_the_next_that_decides_waits_for_it(world: World, steps: Steps) -> None:
    project = world.project("vis")
    saved = cycle_ask(actor=SYSTEM, pool=world.pool, deciding=True)
    steps.cycle()
    saved.refresh_from_db()
    assert saved.state == State.WANTED
    world.submit(project, "train", devices=2, pods=2, kind=3)
    steps.start()
    kept = file_of(saved)
    assert kept.decisions is not None
    assert len(kept.decisions.places) == 2
    assert replay(kept).is_same(kept)
    report = CycleReport.objects.get(pool=world.pool, cycle=saved.cycle)
    assert report.counts["places"] == 2
    assert report.took_us == sum(report.timings.values()) > 0
    vis = kept.snapshot.workloads[0].unit
    assert [vis, 0, 4000, 4000, 4000] in report.served["units"]
    assert report.served["resource"] == "gpu_milli"


def test_slow_ones_are_kept_but_not_one_after_the_other(world: World, steps: Steps, settings: Any) -> None:
    settings.SLOW_CYCLE_SECONDS = 0.0
    for _ in range(3):
        steps.loop._quiet_until = 0.0
        steps.cycle()
    saved = SavedCycle.objects.get()
    assert file_of(saved).about.cause == "slow"
    assert file_of(saved).about.took_us > 0
    settings.SAVED_CYCLES = 2
    for _ in range(4):
        steps.loop._saving._not_before.clear()
        steps.loop._quiet_until = 0.0
        steps.cycle()
    assert SavedCycle.objects.count() == 2
    assert not SavedCycle.objects.filter(pk=saved.pk).exists(), "the oldest goes"
    settings.SAVED_CYCLES = 0
    steps.loop._saving._not_before.clear()
    steps.loop._quiet_until = 0.0
    steps.cycle()
    assert SavedCycle.objects.count() == 2


def test_one_whose_engine_stops_with_an_error(world: World, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    world.submit(world.project("vis"), "train")
    steps.observe()
    steps.observe()

    def broken(*_: Any) -> Any:
        raise KeyError(7)

    monkeypatch.setattr(pool_loop.PoolLoop, "_think", broken)
    for _ in range(2):
        with pytest.raises(KeyError):
            steps.cycle()
    saved = SavedCycle.objects.get()
    kept = file_of(saved)
    assert kept.error == saved.problem == "KeyError: 7"
    assert kept.decisions is None
    assert len(kept.snapshot.workloads) == 1
    made = replay(kept)
    assert made.decisions is not None
    assert made.decisions.places, "nothing is wrong with this engine"
    assert not made.is_same(kept)
    assert not Decision.objects.exists()
    assert CycleReport.objects.get(cycle=saved.cycle).counts["places"] == 0


def test_one_that_cannot_be_recorded_is_kept_with_its_decisions(
    world: World, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.submit(world.project("vis"), "train")
    steps.observe()
    steps.observe()

    def broken(problem: Exception) -> Any:
        def record(*_: Any) -> None:
            raise problem

        return record

    for problem in (OperationalError("away"), LeaseLost("lost")):
        monkeypatch.setattr(pool_loop, "record", broken(problem))
        with pytest.raises(type(problem)):
            steps.cycle()
    assert not SavedCycle.objects.exists(), "no fault of the cycle's"
    monkeypatch.setattr(pool_loop, "record", broken(ValueError("odd")))
    with pytest.raises(ValueError, match="odd"):
        steps.cycle()
    kept = file_of(SavedCycle.objects.get())
    assert kept.error == "ValueError: odd"
    assert kept.decisions is not None
    assert len(kept.decisions.places) == 1
    assert replay(kept).is_same(kept)


def test_what_is_too_large_says_so_and_what_goes_wrong_in_keeping_stops_nothing(
    world: World, steps: Steps, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = cycle_ask(actor=SYSTEM, pool=world.pool)
    world.submit(world.project("vis"), "train")
    steps.observe()
    steps.observe()

    def broken(*_: Any) -> Any:
        raise ValueError("odd")

    with monkeypatch.context() as patched:
        patched.setattr("scheduling.loops.saving.packed", broken)
        steps.cycle()
    assert Decision.objects.count() == 1, "the cycle itself is recorded"
    settings.SAVED_CYCLE_MIB = 0
    steps.loop._quiet_until = 0.0
    steps.cycle()
    saved.refresh_from_db()
    assert saved.state == State.FAILED
    assert saved.content is None
    assert saved.problem == "It has 1 MiB packed, and at most 0 are kept (BURSAR_SAVED_CYCLE_MIB)."


def test_who_lost_the_lease_keeps_nothing(world: World, steps: Steps) -> None:
    saved = cycle_ask(actor=SYSTEM, pool=world.pool)
    steps.successor()
    with pytest.raises(LeaseLost):
        steps.cycle()
    saved.refresh_from_db()
    assert saved.state == State.WANTED


def test_old_ones_and_old_wishes_go(world: World, steps: Steps, settings: Any) -> None:
    saved = cycle_ask(actor=SYSTEM, pool=world.pool)
    steps.cycle()
    saved.refresh_from_db()
    assert saved.at is not None
    assert saved.expires_at - saved.at == timedelta(days=settings.SAVED_CYCLE_DAYS)
    wish = cycle_ask(actor=SYSTEM, pool=world.pool)
    assert timedelta(minutes=59) < wish.expires_at - timezone.now() <= timedelta(hours=1)
    SavedCycle.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    steps.loop._quiet_until = 0.0
    steps.cycle()
    wish.refresh_from_db()
    assert wish.state == State.WANTED, "a wish whose time is over is not fulfilled any more"
    purge()
    assert not SavedCycle.objects.exists()
