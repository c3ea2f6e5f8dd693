"""A list of jobs through the engine on a simulated clock: who waits how long, and why longer than on a cluster of its
own.

The clock goes in steps. A cycle runs at every step at which a job arrives or ends or a stopped pod is gone, if somebody
waits. A stopped job keeps its work up to that moment and waits again; its pods hold their room for the termination
grace.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush, merge
from itertools import islice

from scheduling.engine import decide
from scheduling.engine.decisions import Decisions
from scheduling.engine.types import Amounts, Bounds, Node, Pod, PodState, Snapshot, Unit, Workload
from tests.bench.causes import Cause, Holdings, Outcome
from tests.bench.jobs import NODE_DEVICES, Job, job_of, new_workload, pods, position, without_node

DAY_S = 24 * 3600
RETRY_S = 300
"""With a minimum runtime the mere passing of time lets somebody start: so often a cycle while a claim is open."""


@dataclass(frozen=True, slots=True)
class Settings:
    step_s: int = 30
    grace_s: int = 30
    """Between the decision to stop a pod and its room being free; at least a step."""
    min_runtime_s: int = 0


class _State:
    """Of a job that has arrived and not ended."""

    __slots__ = ("is_held", "job", "left_s", "run", "since_s", "waited_s", "workload")

    def __init__(self, job: Job, workload: Workload, now_s: int) -> None:
        self.job = job
        self.workload = workload
        self.left_s = job.duration_s
        self.waited_s = now_s - job.submit_s
        self.since_s = now_s
        """Since when it runs, or waits."""
        self.run = -1
        """Which of its runs it is in, from 0; less than 0 = it waits, after so many."""
        self.is_held = False
        """It has a pod on a node, or a room kept for it."""

    @property
    def is_running(self) -> bool:
        return self.run >= 0


Observer = Callable[[Snapshot, Decisions], None]


class Replay:
    def __init__(
        self,
        jobs: Iterable[Job],
        nodes: Mapping[int, int],
        settings: Settings = Settings(),
        private: Mapping[int, int] | None = None,
        observe: Observer | None = None,
    ) -> None:
        """`nodes`: the quota of each team in whole nodes; the cluster is their sum. `private`: how long each job waits
        on a cluster of its team's own; excess is attributed only where it is given."""
        self.outcome = Outcome()
        self._jobs = sorted(jobs)
        self._settings = settings
        self._private = private
        self._observe = observe
        self._quota = {team: NODE_DEVICES * count for team, count in nodes.items()}
        self._capacity = sum(self._quota.values())
        self._nodes = tuple(
            Node(1 + n, f"n{n:03}", NODE_DEVICES, Amounts(NODE_DEVICES * 1000), 110) for n in range(sum(nodes.values()))
        )
        self._units = tuple(
            Unit(team, None, f"t{team}", created_ms=team, quota=Bounds(gpu_milli=quota * 1000))
            for team, quota in sorted(self._quota.items())
        )
        self._now = 0
        self._arrived = 0
        self._states: dict[int, _State] = {}
        self._held: dict[int, Workload] = {}
        self._waiting: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        """Ids of jobs that hold nothing, by team and size: to the engine they are alike but for their age."""
        self._ends: list[tuple[int, int, int]] = []
        self._gone: list[tuple[int, int]] = []
        self._due: list[tuple[int, int, int]] = []
        """When jobs will have waited for as long as on the private cluster."""
        self._overdue: dict[int, Cause] = {}
        self._retry_s: int | None = None
        self._holdings = Holdings(self._quota)
        self._running = 0

    def run(self) -> Outcome:
        self._now = self._step(self._jobs[0].submit_s) if self._jobs else 0
        while (now := self._next()) is not None:
            self._pass(now)
            has_changed = self._end() | self._free_stopped() | self._arrive() | (now == self._retry_s)
            self._fall_due()
            if has_changed:
                self._retry_s = None
            if has_changed and len(self._states) > self._running:
                self._cycle()
        self.outcome.unfinished = sorted(self._states)
        return self.outcome

    def _pass(self, until_s: int) -> None:
        """Nothing happens until then."""
        for job, cause in self._overdue.items():
            self.outcome.excess.setdefault(job, Counter())[cause] += until_s - self._now
        self.outcome.held_device_s[self._now // DAY_S] += self._holdings.bound * (until_s - self._now)
        self._now = until_s

    def _next(self) -> int | None:
        while self._ends and not self._is_current(*self._ends[0][1:]):
            heappop(self._ends)
        while self._due and not self._is_current(*self._due[0][1:]):
            heappop(self._due)
        times = [heap[0][0] for heap in (self._ends, self._gone, self._due) if heap]
        if self._arrived < len(self._jobs):
            times.append(self._step(self._jobs[self._arrived].submit_s))
        if self._retry_s is not None:
            times.append(self._retry_s)
        return min(times, default=None)

    def _is_current(self, job: int, run: int) -> bool:
        return job in self._states and self._states[job].run == run

    def _step(self, moment_s: int) -> int:
        """The first step at or after a moment."""
        return -(-moment_s // self._settings.step_s) * self._settings.step_s

    def _end(self) -> bool:
        ended = False
        while self._ends and self._ends[0][0] <= self._now:
            _, job, run = heappop(self._ends)
            if self._is_current(job, run):
                state = self._states.pop(job)
                self._holdings.count(state.job, pods(state.workload), -1)
                self._running -= 1
                del self._held[job]
                self.outcome.waits[job] = state.waited_s
                ended = True
        return ended

    def _free_stopped(self) -> bool:
        """Pods that were stopped are gone, and ask again."""
        gone: defaultdict[int, set[int]] = defaultdict(set)
        while self._gone and self._gone[0][0] <= self._now:
            pod = heappop(self._gone)[1]
            gone[job_of(pod)].add(pod)
        for job, ids in gone.items():
            state = self._states[job]
            self._set_pods(state, [without_node(pod) if pod.id in ids else pod for pod in pods(state.workload)])
        return bool(gone)

    def _arrive(self) -> bool:
        before = self._arrived
        while self._arrived < len(self._jobs) and self._jobs[self._arrived].submit_s <= self._now:
            job = self._jobs[self._arrived]
            state = self._states[job.id] = _State(job, new_workload(job), self._now)
            insort(self._waiting[job.team, job.devices], job.id)
            self._expect(state)
            self._arrived += 1
        return self._arrived > before

    def _expect(self, state: _State) -> None:
        """Note when a job that waits will have done so for as long as on the private cluster."""
        if self._private is not None:
            left = self._private[state.job.id] - state.waited_s
            heappush(self._due, (self._now + max(0, left), state.job.id, state.run))

    def _fall_due(self) -> None:
        while self._due and self._due[0][0] <= self._now:
            _, job, run = heappop(self._due)
            if self._is_current(job, run):
                self._overdue[job] = self._cause(self._states[job])

    def _cause(self, state: _State) -> Cause:
        return self._holdings.cause(state.job, pods(state.workload), state.run < -1)

    def _cycle(self) -> None:
        snapshot = self.snapshot()
        decisions = decide(snapshot)
        if self._observe:
            self._observe(snapshot, decisions)
        self.outcome.cycles += 1
        for job, changed in self._changes(decisions).items():
            state = self._states[job]
            self._set_pods(state, [changed.get(pod.id, pod) for pod in pods(state.workload)])
        moved = {kept.workload for kept in decisions.reserves}
        for job in dict.fromkeys(evict.workload for evict in decisions.evicts):
            (self.outcome.moves if job in moved else self.outcome.evictions)[job] += 1
        gone_s = self._step(self._now + max(1, self._settings.grace_s))
        for evict in decisions.evicts:
            heappush(self._gone, (gone_s, evict.pod))
        self._holdings.settle(self._protected)
        for job in self._overdue:
            self._overdue[job] = self._cause(self._states[job])
        if self._settings.min_runtime_s and any(
            waiting and self._holdings.is_entitled(*key) for key, waiting in self._waiting.items()
        ):
            self._retry_s = self._step(self._now + RETRY_S)

    def _protected(self) -> Counter[int]:
        """Devices by team that the minimum runtime protects."""
        found: Counter[int] = Counter()
        least_s = self._settings.min_runtime_s
        for job in self._held if least_s else ():
            state = self._states[job]
            if state.is_running and self._now - state.since_s < least_s:
                found[state.job.team] += state.job.devices
        return found

    def snapshot(self) -> Snapshot:
        """Of the waiting jobs of a team and size only as many as would fill the cluster: those behind could neither
        start now nor make a difference to anybody's share."""
        ids: list[Sequence[int] | Iterable[int]] = [sorted(self._held)]
        for (_, devices), waiting in self._waiting.items():
            ids.append(islice(waiting, 1 + self._capacity // devices))
        return Snapshot(
            pool=1,
            now_ms=self._now * 1000,
            nodes=self._nodes,
            units=self._units,
            workloads=tuple([self._states[job].workload for job in merge(*ids)]),
            min_runtime_ms=self._settings.min_runtime_s * 1000,
            staleness_grace_ms=None,
        )

    def _changes(self, decisions: Decisions) -> dict[int, dict[int, Pod]]:
        """Pods that are no longer as they were, by job."""
        found: defaultdict[int, dict[int, Pod]] = defaultdict(dict)

        def now(pod: int) -> Pod:
            job = job_of(pod)
            return found[job].get(pod) or pods(self._states[job].workload)[position(pod)]

        for pod in decisions.withdrawn:
            found[job_of(pod)][pod] = replace(now(pod), reserved_node=None, reserved_devices=())
        for evict in decisions.evicts:
            found[evict.workload][evict.pod] = replace(now(evict.pod), state=PodState.RELEASING)
        for kept in decisions.reserves:
            found[kept.workload][kept.pod] = replace(
                now(kept.pod), reserved_node=kept.node, reserved_devices=kept.devices
            )
        for place in decisions.places:
            found[place.workload][place.pod] = Pod(place.pod, PodState.BOUND, place.node, place.devices)
        return found

    def _set_pods(self, state: _State, now: list[Pod]) -> None:
        """A job runs while all its pods are on nodes."""
        job, workload, group = state.job, state.workload, state.workload.sub_groups[0]
        runs = all(pod.state is PodState.BOUND for pod in now)
        started_ms = workload.started_ms
        if not any(pod.state is PodState.BOUND for pod in now):
            started_ms = None
        elif started_ms is None:
            started_ms = self._now * 1000
        self._holdings.count(job, group.pods, -1)
        self._holdings.count(job, now, 1)
        state.workload = replace(workload, sub_groups=(replace(group, pods=tuple(now)),), started_ms=started_ms)
        if runs and not state.is_running:
            state.waited_s += self._now - state.since_s
            state.run, state.since_s = -state.run - 1, self._now
            heappush(self._ends, (self._step(self._now + state.left_s), job.id, state.run))
            self._overdue.pop(job.id, None)
            self._running += 1
        elif state.is_running and not runs:
            state.left_s = max(0, state.left_s - (self._now - state.since_s))
            state.run, state.since_s = -state.run - 2, self._now
            self._expect(state)
            self._running -= 1
        was_held = state.is_held
        state.is_held = any(pod.state is not PodState.PENDING or pod.reserved_node is not None for pod in now)
        if state.is_held:
            self._held[job.id] = state.workload
        waiting = self._waiting[job.team, job.devices]
        if state.is_held and not was_held:
            del waiting[bisect_left(waiting, job.id)]
        elif was_held and not state.is_held:
            del self._held[job.id]
            insort(waiting, job.id)
