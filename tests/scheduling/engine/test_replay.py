"""The replay of job lists (tests/bench), on lists with waiting times worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping

from scheduling.engine.types import Pod, PodState
from tests.bench.causes import Cause, Holdings, Outcome
from tests.bench.jobs import Job
from tests.bench.replay import Replay, Settings

SIX = [
    Job(0, 1, 8, 0, 600),
    Job(1, 1, 8, 0, 600),
    Job(2, 2, 8, 300, 300),
    Job(3, 2, 4, 400, 60),
    Job(4, 1, 1, 1000, 45),
    Job(5, 2, 2, 1021, 45),
]
"""Two teams; the second job of team 1 runs on what team 2 does not use, until its first one comes."""
ONE_NODE_EACH = {1: 1, 2: 1}


def alone(jobs: list[Job], nodes: Mapping[int, int], settings: Settings) -> dict[int, int]:
    waits: dict[int, int] = {}
    for team, count in nodes.items():
        waits |= Replay([job for job in jobs if job.team == team], {team: count}, settings).run().waits
    return waits


def together(jobs: list[Job], nodes: Mapping[int, int], settings: Settings) -> Outcome:
    return Replay(jobs, nodes, settings, alone(jobs, nodes, settings)).run()


def test_private_clusters_serve_in_order() -> None:
    """Job 3 arrives at 400 and waits for job 2, which ends at 600; job 4 for job 1, which ends at 1200; job 5 for the
    next step of the clock."""
    assert alone(SIX, ONE_NODE_EACH, Settings()) == {0: 0, 1: 600, 2: 0, 3: 200, 4: 200, 5: 29}


def test_borrowed_room_is_given_back_and_work_is_kept() -> None:
    """Job 1 is stopped at 300 with half of its work done. Job 2 starts at 330, when its pod is gone, and ends at 630.
    Job 0 ends at 600: job 1 of the same team, then without anything, goes on before job 3, which starts at 630."""
    outcome = together(SIX, ONE_NODE_EACH, Settings(step_s=30, grace_s=30))
    assert outcome.waits == {0: 0, 1: 300, 2: 30, 3: 230, 4: 20, 5: 29}
    assert outcome.excess == {2: {Cause.GRACE: 30}, 3: {Cause.ORDER: 30}}
    assert outcome.evictions == {1: 1}
    assert outcome.unfinished == []


def test_minimum_runtime_keeps_the_owner_waiting() -> None:
    """Job 1 may run for 450 seconds before it is stopped; the cycle after that is at 600, when it has ended."""
    outcome = together(SIX, ONE_NODE_EACH, Settings(min_runtime_s=450))
    assert outcome.waits[2] == 300
    assert outcome.excess[2] == {Cause.MIN_RUNTIME: 300}
    assert not outcome.evictions


def test_gang_takes_its_quota_back_whole() -> None:
    """Of three borrowers the oldest is inside its team's quota; the others stop at 90 and go on when the gang ends, at
    180."""
    jobs = [*(Job(number, 2, 8, 0, 600) for number in range(3)), Job(3, 1, 16, 90, 60)]
    nodes = {1: 2, 2: 1}
    assert alone(jobs, nodes, Settings()) == {0: 0, 1: 600, 2: 1200, 3: 0}
    outcome = together(jobs, nodes, Settings())
    assert outcome.waits == {0: 0, 1: 90, 2: 90, 3: 30}
    assert outcome.excess == {3: {Cause.GRACE: 30}}
    assert outcome.evictions == {1: 1, 2: 1}


def test_fragmentation_is_told_from_a_missing_sum() -> None:
    """Team 1 has nothing, team 2 what it is entitled to; then the other half is being stopped."""
    holdings = Holdings({1: 8, 2: 8})
    waiting, running = Job(0, 1, 8, 0, 60), Job(1, 2, 4, 0, 60)
    holdings.count(running, [Pod(1, PodState.BOUND, 1), Pod(2, PodState.BOUND, 2)], 1)
    holdings.settle(dict)
    assert holdings.cause(waiting, [Pod(3)], was_stopped=False) is Cause.FRAGMENTATION
    holdings.count(running, [Pod(4, PodState.RELEASING, 2)], 1)
    holdings.settle(dict)
    assert holdings.cause(waiting, [Pod(3)], was_stopped=False) is Cause.GRACE


def test_long_queue_is_served_to_its_end() -> None:
    """More waits than the engine is shown in one cycle."""
    outcome = Replay([Job(number, 1, 8, 0, 60) for number in range(20)], {1: 1}).run()
    assert outcome.waits == {number: 60 * number for number in range(20)}
    assert outcome.held_device_s == {0: 20 * 8 * 60}
