"""What sharing a cluster costs and saves, against each team having its own: the Philly trace, 82,247 jobs of 15 teams
in 107 days (Jeon et al., USENIX ATC 2019).

Quotas are whole nodes in proportion to the teams' GPU-hours in the trace, the cluster their sum. Its size is such that
in the eight busiest weeks the jobs, if none ever waited, would take 85 % of it. All jobs are preemptible. Those too
large for their team's quota would never run on its own cluster, and are left out on both sides.

The whole trace takes a while; by default the weeks FIRST_WEEK to LAST_WEEK of it are replayed, on the cluster for the
whole trace, starting empty and going on until all their jobs are done. PHILLY=all replays everything.
PHILLY_GRACE_S and PHILLY_MIN_RUNTIME_S are the settings of the pool, PHILLY_NODES is another size.
"""

from __future__ import annotations

import csv
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from tests.bench.causes import Cause, Outcome
from tests.bench.jobs import NODE_DEVICES, Job
from tests.bench.measure import Figure, measurement
from tests.bench.packing import TRACES
from tests.bench.replay import DAY_S, Replay, Settings

FIRST_WEEK, LAST_WEEK = 4, 7
BUSY_WEEKS = 8
BUSY_PCT = 85
WEEK_S = 7 * 24 * 3600
HOUR_S = 3600
MOST_EXCESS_PCT = 1.0
SETTINGS = Settings(
    grace_s=int(os.environ.get("PHILLY_GRACE_S", "30")),
    min_runtime_s=int(os.environ.get("PHILLY_MIN_RUNTIME_S", "0")),
)


class Trace(NamedTuple):
    jobs: list[Job]
    """By submission; times are seconds since the first one."""
    teams: list[str]
    """A job's team is an index into this."""


def read_trace() -> Trace:
    with (TRACES / "philly_jobs.csv").open(newline="") as file:
        rows = [
            (
                int(datetime.fromisoformat(row["timestamp"]).timestamp()),
                row["cluster"],
                int(row["num_gpus"]),
                round(float(row["duration"])),
            )
            for row in csv.DictReader(file)
        ]
    rows.sort()
    teams = sorted({row[1] for row in rows})
    jobs = [
        Job(number, teams.index(team), devices, moment - rows[0][0], duration)
        for number, (moment, team, devices, duration) in enumerate(rows)
    ]
    return Trace(jobs, teams)


def cluster_nodes(jobs: Sequence[Job]) -> int:
    """How many nodes the busiest weeks would fill to `BUSY_PCT`."""
    weeks: Counter[int] = Counter()
    for job in jobs:
        start, end = job.submit_s, job.submit_s + job.duration_s
        while start < end:
            week = start // WEEK_S
            until = min(end, (week + 1) * WEEK_S)
            weeks[week] += (until - start) * job.devices
            start = until
    busy = sum(sorted(weeks.values(), reverse=True)[:BUSY_WEEKS])
    return -(-busy * 100 // (BUSY_WEEKS * WEEK_S * NODE_DEVICES * BUSY_PCT))


def quotas(jobs: Sequence[Job], nodes: int) -> dict[int, int]:
    """Whole nodes in proportion to device-seconds: the largest remainders get those left over, everybody at least
    one."""
    used: Counter[int] = Counter()
    for job in jobs:
        used[job.team] += job.devices * job.duration_s
    parts = {team: Fraction(nodes * seconds, used.total()) for team, seconds in used.items()}
    found = {team: max(1, int(part)) for team, part in parts.items()}
    for team in sorted(parts, key=lambda team: (int(parts[team]) - parts[team], team)):
        if sum(found.values()) < nodes and parts[team] >= 1:
            found[team] += 1
    return dict(sorted(found.items()))


class Team(NamedTuple):
    """Waiting in seconds."""

    name: str
    devices: int
    jobs: int
    private_s: int
    shared_s: int
    excess_of_jobs_s: int
    causes: Counter[Cause]
    stopped: int
    """Evictions."""

    @property
    def excess_s(self) -> int:
        return max(0, self.shared_s - self.private_s)


def by_team(
    trace: Trace, jobs: Sequence[Job], nodes: Mapping[int, int], private: Mapping[int, int], shared: Outcome
) -> list[Team]:
    found = []
    for team, count in nodes.items():
        own = [job.id for job in jobs if job.team == team]
        causes: Counter[Cause] = Counter()
        for job in own:
            causes.update(shared.excess.get(job, {}))
        found.append(
            Team(
                trace.teams[team],
                NODE_DEVICES * count,
                len(own),
                sum(private[job] for job in own),
                sum(shared.waits[job] for job in own),
                sum(max(0, shared.waits[job] - private[job]) for job in own),
                causes,
                sum(shared.evictions[job] for job in own),
            )
        )
    return found


def table(teams: Sequence[Team]) -> Iterator[str]:
    yield (
        f"{'team':<8}{'GPUs':>5}{'jobs':>7}{'private h':>11}{'shared h':>10}{'excess h':>10}{'of jobs h':>11}"
        f"{'stopped':>9}  causes of the jobs' excess, in hours"
    )
    for team in sorted(teams, key=lambda team: -team.devices):
        causes = ", ".join(f"{cause} {seconds / HOUR_S:.1f}" for cause, seconds in team.causes.most_common() if seconds)
        yield (
            f"{team.name:<8}{team.devices:>5}{team.jobs:>7}{team.private_s / HOUR_S:>11.1f}"
            f"{team.shared_s / HOUR_S:>10.1f}{team.excess_s / HOUR_S:>10.1f}{team.excess_of_jobs_s / HOUR_S:>11.1f}"
            f"{team.stopped:>9}  {causes}"
        )


@measurement
def philly() -> Iterator[Figure]:
    """One engine, one clock; every team alone first, then all together."""
    if not (TRACES / "philly_jobs.csv").exists():
        print(f"philly: skipped, {TRACES} has no trace.")
        return
    trace = read_trace()
    nodes = quotas(trace.jobs, int(os.environ.get("PHILLY_NODES") or cluster_nodes(trace.jobs)))
    jobs = [job for job in trace.jobs if job.pods <= nodes[job.team]]
    if os.environ.get("PHILLY") != "all":
        jobs = [job for job in jobs if FIRST_WEEK <= job.submit_s // WEEK_S <= LAST_WEEK]
    weeks = sorted({job.submit_s // WEEK_S for job in jobs})
    size = NODE_DEVICES * sum(nodes.values())
    print(f"philly: weeks {weeks[0]} to {weeks[-1]}, {len(jobs)} jobs on {size} GPUs, {SETTINGS}")
    begun = time.perf_counter()
    private: dict[int, int] = {}
    for team, count in nodes.items():
        private |= Replay([job for job in jobs if job.team == team], {team: count}, SETTINGS).run().waits
    alone_s = time.perf_counter() - begun
    shared = Replay(jobs, nodes, SETTINGS, private).run()
    both_s = time.perf_counter() - begun
    yield from figures(by_team(trace, jobs, nodes, private, shared), shared)
    days = range(weeks[0] * WEEK_S // DAY_S, (weeks[-1] + 1) * WEEK_S // DAY_S)
    used = sum(shared.held_device_s[day] for day in days) / (len(days) * DAY_S * size)
    yield Figure("philly, use of the shared cluster in these weeks", 100 * used, "%")
    yield Figure("philly, jobs too large for a private cluster", sum(j.pods > nodes[j.team] for j in trace.jobs), "")
    yield Figure("philly, replay alone", alone_s, "s")
    yield Figure("philly, replay shared", both_s - alone_s, "s")


def figures(teams: Sequence[Team], shared: Outcome) -> Iterator[Figure]:
    for line in table(teams):
        print(line)
    private_s, shared_s = (sum(column) for column in zip(*((t.private_s, t.shared_s) for t in teams), strict=True))
    excess_s = sum(team.excess_s for team in teams)
    saved_s = sum(max(0, team.private_s - team.shared_s) for team in teams)
    of_jobs_s = sum(team.excess_of_jobs_s for team in teams)
    yield Figure("philly, waiting on private clusters", private_s / HOUR_S, "h")
    yield Figure("philly, waiting on the shared cluster", shared_s / HOUR_S, "h")
    yield Figure("philly, saved by sharing", saved_s / HOUR_S, "h")
    yield Figure("philly, excess of teams", excess_s / HOUR_S, "h")
    yield Figure("philly, excess of teams of what is saved", 100 * excess_s / max(1, saved_s), "%", MOST_EXCESS_PCT)
    yield Figure("philly, excess of jobs", of_jobs_s / HOUR_S, "h")
    yield Figure("philly, excess of jobs of what is saved", 100 * of_jobs_s / max(1, saved_s), "%")
    for cause in Cause:
        yield Figure(f"philly, excess of jobs by {cause}", sum(team.causes[cause] for team in teams) / HOUR_S, "h")
    yield Figure("philly, evictions", shared.evictions.total(), "jobs")
    yield Figure("philly, moves", shared.moves.total(), "jobs")
    yield Figure("philly, most evictions of one job", max(shared.evictions.values(), default=0), "")
    yield Figure("philly, shared cycles", shared.cycles, "")
