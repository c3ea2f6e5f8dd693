"""Many decisions go out in batches: while the calls of one are made, the next is marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from portal.services.lease import LeaseLost
from scheduling.clusters.orders import Bind, Outcome, Result
from scheduling.clusters.simulated import SimulatedGateway
from scheduling.loops import actor as module
from scheduling.loops.actor import Actor
from scheduling.models import Decision
from tests.cluster.waiting import eventually

from .test_actor import states, submitted
from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)
State = Decision.State
KeepGoing = Callable[[], bool]


class Counting(SimulatedGateway):
    """Calls `before` ahead of each batch, and takes so many binds in all (`takes`)."""

    takes = 10**6

    def __init__(self, cluster: int) -> None:
        super().__init__(cluster)
        self.together: list[int] = []
        self.sent: Counter[int] = Counter()
        self.before: Callable[[KeepGoing], None] = lambda keep_going: None

    def bind(self, binds: Sequence[Bind], keep_going: KeepGoing) -> list[Result]:
        self.before(keep_going)
        self.together.append(len(binds))
        taken = binds[: self.takes]
        self.takes -= len(taken)
        self.sent.update(bind.decision for bind in taken)
        unsent = [Result(bind.decision, Outcome.NOT_SENT) for bind in binds[len(taken) :]]
        return super().bind(taken, keep_going) + unsent


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(module, "FIRST_BATCH", 2)
    monkeypatch.setattr(module, "LEAST_BATCH", 1)
    made = World()
    made.gateway = Counting(made.cluster.pk)
    return made


def test_so_many_go_out_together_as_take_a_second(world: World, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, gateway = SimpleNamespace(now=0.0), world.gateway
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def slowly(keep_going: KeepGoing) -> None:
        number = len(gateway.together)
        clock.now += [0.5, 0.5, 4.0, 4.0, 1.0, 1.0][number]

    gateway.before = slowly
    submitted(world, steps, pods=14, devices=0)
    steps.cycle()
    assert gateway.together == [2, 2, 4, 4, 1, 1], "the next is marked before it is known how long the last took"
    assert set(states()) == {State.CONFIRMED}


def test_the_next_is_marked_while_calls_are_made(world: World, steps: Steps) -> None:
    marked: list[int] = []

    def look(keep_going: KeepGoing) -> None:
        """In the thread of the calls: waits until the other has marked."""
        if not marked:
            marked.append(eventually(lambda: states().count(State.SENT) == 4))

    world.gateway.before = look
    submitted(world, steps, pods=5, devices=0)
    steps.cycle()
    assert marked, "two whose calls are made, and two that are next"
    assert set(states()) == {State.CONFIRMED}


def test_what_was_marked_and_is_not_sent_is_recorded_again(world: World, steps: Steps) -> None:
    world.gateway.takes = 3
    submitted(world, steps, pods=7, devices=0)
    steps.cycle()
    assert states() == [State.CONFIRMED] * 3 + [State.RECORDED] * 4
    world.gateway.takes = 10
    steps.cycle()
    assert set(states()) == {State.CONFIRMED}
    assert set(world.gateway.sent.values()) == {1}, "each was sent once"


def test_who_loses_the_lease_beside_calls_makes_no_more(world: World, steps: Steps) -> None:
    submitted(world, steps, pods=5, devices=0)
    world.gateway.takes = 0
    steps.cycle()
    world.gateway.takes = 5
    stopped: list[bool] = []

    def lose(keep_going: KeepGoing) -> None:
        steps.tenure.epoch = 99
        stopped.append(eventually(lambda: not keep_going()))

    world.gateway.before = lose
    with pytest.raises(LeaseLost):
        Actor(world.pool.pk).act(world.gateway, steps.tenure)
    assert stopped
