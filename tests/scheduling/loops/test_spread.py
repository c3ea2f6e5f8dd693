"""Leases spread evenly and come to rest, whatever workers come, go and look in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduling.loops.spread import Spread
from tests.examples import examples


class Workers:
    """Workers that look one after another; who looks sees what is so."""

    def __init__(self, leases: int) -> None:
        self.holders: dict[str, str] = {}
        self.leases = [str(number) for number in range(leases)]
        self.live: set[str] = set()
        self.moves = 0

    def look(self, worker: str) -> None:
        free = [lease for lease in self.leases if lease not in self.holders]
        for lease in free:
            if self._spread(worker).takes():
                self.holders[lease] = worker
        if not free and self._spread(worker).gives():
            del self.holders[next(lease for lease, holder in self.holders.items() if holder == worker)]
            self.moves += 1

    def _spread(self, worker: str) -> Spread:
        mine = sum(holder == worker for holder in self.holders.values())
        return Spread.of(mine, self.live - {worker}, self.holders, len(self.leases))

    def leave(self, worker: str) -> None:
        self.live.discard(worker)
        self.holders = {lease: holder for lease, holder in self.holders.items() if holder != worker}


STEPS = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(("look", "look", "leave"))), max_size=30)


@given(leases=st.integers(0, 12), steps=STEPS, order=st.permutations("abcde"))
@examples(200)
def test_they_come_to_rest_evenly_and_soon(leases: int, steps: list[tuple[str, str]], order: list[str]) -> None:
    workers = Workers(leases)
    for worker, what in [*steps, ("a", "look")]:
        workers.live |= {worker}
        getattr(workers, what)(worker)
    rounds = [worker for worker in order if worker in workers.live] * (2 * leases + 2)
    for worker in rounds:
        workers.look(worker)
    counts = [sum(holder == worker for holder in workers.holders.values()) for worker in workers.live]
    assert sum(counts) == leases, "none is free"
    assert max(counts) - min(counts) <= 1
    moves = workers.moves
    assert moves <= leases + len(steps)
    for worker in rounds:
        workers.look(worker)
    assert workers.moves == moves, "nothing moves any more"


def test_whoever_is_alone_takes_all_and_keeps_it() -> None:
    assert Spread(mine=6, others=(), wanted=7).takes()
    assert not Spread(mine=7, others=(), wanted=7).gives()


def test_a_part_is_taken_at_once_and_the_rest_goes_to_who_holds_fewest() -> None:
    assert Spread(mine=2, others=(0,), wanted=7).takes(), "below its part"
    assert not Spread(mine=3, others=(2,), wanted=7).takes()
    assert Spread(mine=3, others=(3,), wanted=7).takes()


def test_one_is_given_back_only_where_that_makes_it_more_even() -> None:
    assert Spread(mine=5, others=(2,), wanted=7).gives()
    assert not Spread(mine=4, others=(3,), wanted=7).gives()
    assert not Spread(mine=3, others=(5, 0), wanted=8).gives(), "another holds more"
