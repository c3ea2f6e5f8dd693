"""Every wanted loop runs in exactly one place, whatever comes and goes; readiness tells of it."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from orgs.models import ClusterInfo
from portal.models import Lease, LiveWorker
from portal.services.live_worker import worker_seen
from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.simulated import SimulatedGateway
from scheduling.loops.readiness import leases_ready
from scheduling.loops.supervisor import Supervisor
from scheduling.loops.tenure import Tenure
from scheduling.loops.thread import LeasedThread
from tests.cluster.waiting import eventually
from tests.factories import make_pool

from .world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def supervisor() -> Any:
    made = Supervisor()
    yield made
    made.end()
    assert not any(thread.is_alive() for thread in made.threads.values())


def names(world: World) -> set[str]:
    return {
        f"observer:cluster:{world.cluster.pk}",
        f"assigner:cluster:{world.cluster.pk}",
        f"loop:pool:{world.pool.pk}",
        f"loop:pool:{world.default.pk}",
    }


def test_one_observer_and_one_assigner_a_cluster_and_one_loop_a_pool(world: World, supervisor: Supervisor) -> None:
    supervisor.look()
    assert set(supervisor.threads) == names(world)
    added = make_pool("new", world.cluster)
    supervisor.look()
    thread = supervisor.threads[f"loop:pool:{added.pk}"]
    added.delete()
    supervisor.look()
    eventually(lambda: not thread.is_alive())
    supervisor.look()
    assert set(supervisor.threads) == names(world)


def test_a_warm_stop_hands_everything_over_at_once(world: World, supervisor: Supervisor) -> None:
    first = Supervisor()
    first.look()
    first.end()
    supervisor.look()
    assert set(supervisor.threads) == names(world)
    assert set(Lease.objects.values_list("epoch", flat=True)) == {2}
    assert LiveWorker.objects.get().holder == supervisor.holder


def held(workers: list[Supervisor]) -> list[int]:
    """How many leases each holds. Fails when one is held twice. A thread that has given its lease back may take a
    moment to end."""
    names = [[name for name, thread in worker.threads.items() if _goes_on(thread)] for worker in workers]
    assert len(set(chain(*names))) == sum(map(len, names))
    return [len(held) for held in names]


def _goes_on(thread: LeasedThread) -> bool:
    return thread.is_alive() and not thread.stop.is_set()


def test_a_worker_that_joins_gets_its_part_and_then_nothing_moves(world: World) -> None:
    for number in range(4):
        make_pool(f"more-{number}", world.cluster)
    workers = [Supervisor() for _ in range(3)]
    try:
        workers[0].look()
        assert held(workers) == [8, 0, 0]

        def spread() -> bool:
            for worker in workers:
                worker.look()
            return sorted(held(workers)) == [2, 3, 3]

        eventually(spread)
        epochs = dict(Lease.objects.values_list("name", "epoch"))
        assert set(epochs.values()) <= {1, 2, 3}
        for _ in range(5):
            assert spread()
        assert dict(Lease.objects.values_list("name", "epoch")) == epochs, "none is handed to and fro"
        workers[2].end()
        eventually(lambda: [worker.look() for worker in workers[:2]] and held(workers[:2]) == [4, 4])
    finally:
        for worker in workers:
            worker.end()


def test_what_nobody_takes_is_taken_by_anybody(
    world: World, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.look()
    worker_seen(holder="lives, and takes nothing")
    added = f"loop:pool:{make_pool('new', world.cluster).pk}"
    supervisor.look()
    assert added not in supervisor.threads, "it is for who holds fewest"
    monkeypatch.setattr("scheduling.loops.supervisor.STRANDED_SECONDS", -1.0)
    supervisor.look()
    assert added in supervisor.threads


def test_a_thread_ends_when_its_lease_was_lost(world: World, supervisor: Supervisor) -> None:
    supervisor.look()
    name = f"loop:pool:{world.pool.pk}"
    lost = supervisor.threads[name]
    Lease.objects.filter(name=name).update(epoch=50, holder="another")
    eventually(lambda: not lost.is_alive())
    assert Lease.objects.get(name=name).holder == "another", "not given back: it is another's"
    supervisor.look()
    assert name not in supervisor.threads


def test_errors_end_a_round_and_never_the_thread() -> None:
    tenure = Tenure.take("loop:test", "me")
    assert tenure is not None
    rounds = []
    done = threading.Event()

    class Broken:
        def step(self, tenure: Tenure, stop: threading.Event) -> None:
            rounds.append(1)
            if len(rounds) == 1:
                raise OperationalError("server closed the connection unexpectedly")
            if len(rounds) == 2:
                raise ZeroDivisionError
            done.set()
            stop.wait()

    thread = LeasedThread(tenure, Broken())
    thread.start()
    assert done.wait(10)
    thread.stop.set()
    thread.join(5)
    assert Lease.objects.get().holder == ""


def test_pauses_grow_with_failures_in_a_row() -> None:
    tenure = Tenure.take("loop:test", "me")
    assert tenure is not None

    class Broken:
        def step(self, tenure: Tenure, stop: threading.Event) -> None:
            raise ZeroDivisionError

    thread = LeasedThread(tenure, Broken())
    pauses = [0.0]
    for _ in range(6):
        pauses.append(thread._step(pauses[-1]))
    assert pauses == [0.0, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_cluster_out_of_reach_says_why_and_comes_back(
    world: World, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(self: SimulatedGateway) -> str:
        raise GatewayError("connection refused")

    with monkeypatch.context() as broken:
        broken.setattr(SimulatedGateway, "check", unreachable)
        supervisor.look()
        info = ClusterInfo.objects.filter(pk=world.cluster.pk)
        eventually(lambda: info.filter(state=ClusterInfo.State.DISCONNECTED).exists())
        assert info.get().state_message == "connection refused"
    eventually(lambda: info.filter(state=ClusterInfo.State.CONNECTED, state_message="").exists())
    assert info.get().last_seen is not None
    assert info.get().server_version == "simulated"


def test_readiness_names_what_is_not_held_and_what_is_late(world: World, supervisor: Supervisor) -> None:
    assert not leases_ready()["ok"]
    assert set(leases_ready()["not_held"]) == names(world)
    supervisor.look()
    eventually(lambda: leases_ready()["ok"])
    ages = leases_ready()["seconds_since_cycle"]
    assert set(ages) == names(world)
    assert all(0 <= age < 3 for age in ages.values())
    Lease.objects.create(name="loop:pool:0", expires_at=timezone.now() - timedelta(days=1))
    assert leases_ready()["ok"], "nobody wants that one any more"


def test_readyz_is_503_until_the_loops_run(client: Client, world: World, supervisor: Supervisor) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"]["ok"]
    assert not answer.json()["leases"]["ok"]
    supervisor.look()
    eventually(lambda: client.get("/readyz").status_code == 200)
