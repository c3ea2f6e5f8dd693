"""The demo's stream of submissions: what is due of the cast, and now and then something small of anybody's.

It looks each time at what is there and what time it is, so a restart goes on where it stopped, and it may go on for
ever: whoever waited too long gives up, and comes again.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from orgs.models import OrgUnit, Subject, UnitKind
from portal.actor import SYSTEM, Actor
from portal.errors import Refused
from scheduling.models import Priority, Workload
from scheduling.services.simulation import simulated_node_do
from scheduling.services.workload import workload_stop, workload_submit

from .cast import CAST, FAILING_NODE, FAILS_EVERY, FAILS_FOR, PASSING, Job
from .organization import HARBOR, SITES
from .people import DOMAIN, ENGINEER, RESEARCHER

GIB = 1024**3
REGISTRY = f"registry.{DOMAIN}/"
"""Where the images of the stream come from: by it it knows its own."""
STEP_SECONDS = 12
"""Between two steps, of simulated time."""
MOST_ACTIVE = 150
"""So many active workloads are enough to look at."""
PATIENCE_SECONDS = 1500
"""So long anybody waits, of simulated time."""


def stream_step() -> int:
    """Submits what is due now; gives how many."""
    begun = OrgUnit.objects.values_list("created_at", flat=True).get(kind=UnitKind.ACCOUNT)
    seconds = (timezone.now() - begun).total_seconds() * settings.SIMULATED_SPEED
    _node(seconds)
    _give_up()
    due = [*_due(begun, seconds), *_passing(seconds)]
    return sum(map(_submit, due))


def _node(seconds: float) -> None:
    """Lets the failing node fail and return."""
    harbor = OrgUnit.objects.filter(kind=UnitKind.CLUSTER, name=HARBOR.name).first()
    if harbor is None:
        return
    act = "fail" if seconds % FAILS_EVERY < FAILS_FOR else "return"
    with suppress(Refused):  # it is so already
        simulated_node_do(actor=SYSTEM, cluster=harbor, node=FAILING_NODE, act=act)


def _due(begun: datetime, seconds: float) -> list[Job]:
    """Of the cast: whose time has come in its period, and who was not submitted since and is not there."""
    newest: dict[tuple[str, str], datetime] = {}
    active: set[tuple[str, str]] = set()
    since = timezone.now() - timedelta(seconds=max(job.every for job in CAST) / settings.SIMULATED_SPEED)
    rows = Workload.objects.filter(created_at__gte=since) | Workload.objects.filter(is_active=True)
    for project, name, created_at, is_active in rows.values_list("project__name", "name", "created_at", "is_active"):
        newest[project, name] = max(created_at, newest.get((project, name), created_at))
        if is_active:
            active.add((project, name))
    found = []
    for job in CAST:
        key = (job.project, job.name)
        came = seconds - (seconds - job.at) % job.every
        came_at = begun + timedelta(seconds=came / settings.SIMULATED_SPEED)
        if seconds >= job.at and key not in active and (key not in newest or newest[key] < came_at):
            found.append(job)
    return found


def _passing(seconds: float) -> list[Job]:
    """Something small every other step, the same for the same second."""
    number = int(seconds) // STEP_SECONDS
    if seconds < 90 or number % 2 or Workload.objects.filter(is_active=True).count() >= MOST_ACTIVE:
        return []
    chance = random.Random(number)  # noqa: S311 (a demo's variety, reproducible)
    project = chance.choice(sorted(PASSING))
    pools, stems = PASSING[project]
    name = f"{chance.choice(stems)}-{number}"
    seconds_run = int(chance.triangular(40, 300, 90))
    if pools == ("default",):
        return [Job(project, name, pools, 0, chance.randint(1, 4), seconds=seconds_run)]
    share = chance.choice((250, 500))
    fails = seconds_run // 3 if chance.random() < 0.1 else None
    priority = chance.choice((Priority.LOW, Priority.MEDIUM, Priority.HIGH))
    return [Job(project, name, pools, share_milli=share, priority=priority, seconds=seconds_run, fail_after=fails)]


def _give_up() -> None:
    """Who waited too long wants it no more."""
    late = timezone.now() - timedelta(seconds=PATIENCE_SECONDS / settings.SIMULATED_SPEED)
    waiting = Workload.objects.filter(
        state=Workload.State.WAITING,
        desired=Workload.Desired.RUNNING,
        is_active=True,
        state_since__lt=late,
        image__startswith=REGISTRY,
    )
    for workload in waiting.select_related("project").order_by("pk"):
        workload_stop(actor=_somebody_of(workload.project, workload.kind), workload=workload)


def _submit(job: Job) -> bool:
    """Whether it could be: people who look around may have renamed its project, or taken away its pool."""
    here = OrgUnit.objects.filter(name=job.project, kind=UnitKind.PROJECT, cluster__name=_site_of(job.project))
    project = here.first()
    if project is None:
        return False
    with suppress(Refused):
        workload_submit(
            actor=_somebody_of(project, job.kind),
            project=project,
            kind=job.kind,
            name=job.name,
            image=f"{REGISTRY}{job.project}:2026.11",
            command=("python", "-m", job.project.replace("-", "_")),
            pods=job.pods,
            min_pods=job.min_pods,
            devices=job.gpus,
            device_milli=job.share_milli,
            node_labels=job.labels,
            cpu_millicores=8000 if job.gpus else 16_000,
            memory_bytes=(32 if job.gpus else 24) * GIB,
            priority=job.priority,
            preemptible=job.preemptible,
            pools=job.pools,
            run_seconds=job.seconds,
            fail_after_seconds=job.fail_after,
        )
        return True
    return False


def _site_of(project: str) -> str:
    return next(site.name for site in SITES if any(project in department.projects for department in site.departments))


def _somebody_of(project: OrgUnit, kind: int) -> Actor:
    """The project's first person who may submit such a thing."""
    role = ENGINEER if kind == Workload.Kind.INFERENCE else RESEARCHER
    holds = {"rules__scope": project, "rules__role__name": role}
    subject = Subject.objects.select_related("user").filter(**holds).order_by("pk").first()
    assert subject is not None
    assert subject.user is not None
    return Actor(subject.user.name, subject.user, subject.pk)
