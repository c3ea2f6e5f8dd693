"""The demo's stream of submissions: what the people of Aldergrove send in, a little every few seconds.

The opening is written down, so that within two minutes every page has something to show: `corpus` fills the idle H100s
over its quota, then those come who are guaranteed them and take them back. Afterwards it goes on at random, seeded by
the number of what was submitted before, so that a restart goes on where it stopped.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from orgs.models import OrgUnit, Subject, UnitKind
from portal.actor import Actor
from scheduling.models import Priority, Workload
from scheduling.services.workload import workload_stop, workload_submit

from .content import CLUSTER

GIB = 1024**3
FIRST_WAVE = 11
MOST_ACTIVE = 90
"""So many active workloads are enough to look at."""
GIVING_UP = 10


@dataclass(frozen=True, slots=True)
class Job:
    """One submission. `gpus` per pod."""

    project: str
    name: str
    kind: Workload.Kind = Workload.Kind.TRAINING
    pool: str = "h100"
    pods: int = 1
    gpus: int = 1
    share_milli: int = 1000
    priority: Priority = Priority.MEDIUM
    preemptible: bool = True
    seconds: int = 300
    fail_after: int | None = None


OPENING: tuple[Job, ...] = (
    *(Job("corpus", f"dedup-shard-{n}", gpus=8, priority=Priority.LOW, seconds=1800) for n in range(1, 7)),
    Job(
        "chat",
        "chat-console",
        Workload.Kind.WORKSPACE,
        gpus=4,
        priority=Priority.VERY_HIGH,
        preemptible=False,
        seconds=7200,
    ),
    Job("translate", "align-small", pods=2, gpus=2, seconds=900),
    Job("sandbox", "notebook-ava", Workload.Kind.WORKSPACE, "default", gpus=1, share_milli=500, seconds=900),
    Job("corpus", "tokenize", pool="cpu", pods=4, gpus=0, seconds=240),
    Job("folding", "relax-a", pool="default", pods=1, gpus=4, seconds=600),
    Job("walker", "gait-sweep", Workload.Kind.DISTRIBUTED, pods=2, gpus=4, seconds=600),
    Job("grasp", "grasp-rl", Workload.Kind.DISTRIBUTED, pods=1, gpus=8, seconds=600),
    Job("folding", "fold-ensemble", Workload.Kind.DISTRIBUTED, pods=3, gpus=4, seconds=500),
    Job("chat", "instruct-tune", gpus=8, priority=Priority.HIGH, seconds=800),
    Job("perception", "depth-net", pool="default", gpus=2, seconds=400),
    Job("perception", "segment-night", pool="h100", gpus=4, seconds=700),
    Job("translate", "align-large", Workload.Kind.DISTRIBUTED, pods=2, gpus=4, seconds=600),
    Job("sandbox", "try-out", pool="default", gpus=1, seconds=120, fail_after=40),
    Job("walker", "not-here", pool="default", gpus=1, seconds=120),
    Job("corpus", "quality-filter", pool="cpu", pods=2, gpus=0, seconds=200),
)

STEMS = {
    "chat": ("instruct", "reward", "judge"),
    "corpus": ("dedup", "filter", "embed"),
    "translate": ("align", "mine", "distill"),
    "grasp": ("grasp-rl", "pinch", "bin-pick"),
    "walker": ("gait", "stairs", "recover"),
    "perception": ("depth", "segment", "track"),
    "folding": ("fold", "relax", "dock"),
    "sandbox": ("try", "bench", "toy"),
}


def stream_step() -> int:
    """Submits what is due now; gives how many. The opening goes in two waves, then one or two jobs at a time."""
    if Workload.objects.filter(is_active=True).count() >= MOST_ACTIVE:
        _give_up()
        return 0
    done = Workload.objects.count()
    if done < len(OPENING):
        due = OPENING[done : (FIRST_WAVE if done < FIRST_WAVE else len(OPENING))]
    else:
        due = tuple(_random_jobs(done))
    for job in due:
        _submit(job)
    return len(due)


def _give_up() -> None:
    """Those who waited longest want it no more, so that the demo never comes to a standstill."""
    waiting = Workload.objects.filter(state=Workload.State.WAITING, desired=Workload.Desired.RUNNING, is_active=True)
    for workload in waiting.order_by("created_at", "id")[:GIVING_UP]:
        workload_stop(actor=_somebody_of(workload.project), workload=workload)


def _random_jobs(number: int) -> list[Job]:
    chance = random.Random(number)  # noqa: S311 (a demo's variety, reproducible)
    jobs = []
    for offset in range(chance.choice((1, 1, 2))):
        project = chance.choice(sorted(STEMS))
        name = f"{chance.choice(STEMS[project])}-{number + offset}"
        pool = chance.choices(("h100", "default", "cpu"), (5, 4, 2))[0]
        priority = chance.choice((Priority.LOW, Priority.MEDIUM, Priority.MEDIUM, Priority.HIGH))
        seconds = int(chance.triangular(40, 700, 150))
        if pool == "cpu":
            jobs.append(Job(project, name, pool=pool, pods=chance.randint(1, 4), gpus=0, seconds=seconds))
        elif chance.random() < 0.2:
            share = chance.choice((250, 500))
            jobs.append(
                Job(project, name, Workload.Kind.WORKSPACE, pool, share_milli=share, priority=priority, seconds=seconds)
            )
        else:
            pods, gpus = chance.choice(((1, 1), (1, 1), (1, 2), (1, 4), (2, 2), (2, 4)))
            kind = Workload.Kind.DISTRIBUTED if pods > 1 else Workload.Kind.TRAINING
            fails = seconds // 3 if chance.random() < 0.06 else None
            jobs.append(
                Job(project, name, kind, pool, pods, gpus, priority=priority, seconds=seconds, fail_after=fails)
            )
    return jobs


def _submit(job: Job) -> None:
    project = OrgUnit.objects.get(cluster__name=CLUSTER, name=job.project, kind=UnitKind.PROJECT)
    workload_submit(
        actor=_somebody_of(project),
        project=project,
        kind=job.kind,
        name=job.name,
        image=f"registry.aldergrove.example/{job.project}:2026.11",
        command=("python", "-m", job.project),
        pods=job.pods,
        devices=job.gpus,
        device_milli=job.share_milli,
        cpu_millicores=8000 if job.gpus else 16000,
        memory_bytes=(32 if job.gpus else 24) * GIB,
        priority=job.priority,
        preemptible=job.preemptible,
        pools=(job.pool,),
        run_seconds=job.seconds,
        fail_after_seconds=job.fail_after,
    )


def _somebody_of(project: OrgUnit) -> Actor:
    """The project's researcher."""
    subject = Subject.objects.select_related("user").get(rules__scope=project, rules__role__name="L1 researcher")
    assert subject.user is not None
    return Actor(subject.user.name, subject.user, subject.pk)
