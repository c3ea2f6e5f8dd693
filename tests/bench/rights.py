"""Rights at the size of a large organization: 60,000 rules, 10,000 projects, 5,000 people in 400 groups."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.measure import Figure, measurement

CLUSTERS, DEPARTMENTS, PROJECTS = 4, 500, 10_000
PEOPLE, GROUPS, GROUPS_A_PERSON = 5_000, 400, 2
OWN_RULES, GROUP_RULES = 10, 25
"""Of each person, and of each group."""
WORKLOADS = 20_000
AMOUNTS = {
    "pods_wanted": 1,
    "requested_gpu_milli": 1_000,
    "requested_cpu_millicores": 1_000,
    "requested_memory_bytes": 1024**3,
}
"""Of each workload."""
ASKED = 200
"""People who are asked about, each once."""
MAY_TARGET_MS = 1.0
PAGE_TARGET_MS = 300.0
PAGES = {"workloads": "/workloads/", "organization": "/organization/", "rules": "/access/"}


@measurement
def rights() -> Iterator[Figure]:
    """`may()` of somebody whose rights are not known yet, and afterwards; lists limited to what people see."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _measured("SQLite", {"BURSAR_TEST_EMBEDDED": "1", "BURSAR_TEST_SQLITE": str(Path(folder) / "db")})


def _measured(database: str, environment: dict[str, str]) -> Iterator[Figure]:
    """In a process of its own, because Django knows one database."""
    settings = {"DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.rights"],
        env=os.environ | settings | environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    for name, milliseconds, target in json.loads(done.stdout.splitlines()[-1]):
        yield Figure(f"rights, {name}, {database}", milliseconds, "ms", target)


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    people = fill()
    print(json.dumps(list(figures(people))))


def fill() -> list[int]:
    """The organization; returns the ids of the people."""
    from django.db import connection

    from orgs.models import AccessRule, ClusterInfo, Group, GroupMember, OrgUnit, Role, Subject, UnitKind, User
    from scheduling.models import Workload

    def units(kind: UnitKind, parents: list[OrgUnit], number: int) -> list[OrgUnit]:
        made = []
        for index in range(number):
            parent = parents[index % len(parents)]
            made.append(OrgUnit(kind=kind, name=f"{kind.label}-{index}", parent=parent, cluster=parent.cluster))
        OrgUnit.objects.bulk_create(made)
        for unit in made:
            assert unit.parent is not None
            unit.path = f"{unit.parent.path}{unit.pk}/"
            unit.cluster = unit if kind == UnitKind.CLUSTER else unit.cluster
        OrgUnit.objects.bulk_update(made, ["path", "cluster"], batch_size=500)
        return made

    account = OrgUnit.objects.create(kind=UnitKind.ACCOUNT, name="Aldergrove")
    account.path = f"/{account.pk}/"
    account.save()
    clusters = units(UnitKind.CLUSTER, [account], CLUSTERS)
    ClusterInfo.objects.bulk_create([ClusterInfo(unit=unit, mode=1, state=2) for unit in clusters])
    departments = units(UnitKind.DEPARTMENT, clusters, DEPARTMENTS)
    projects = units(UnitKind.PROJECT, departments, PROJECTS)
    users = User.objects.bulk_create(User(email=f"p{n}@example.org", name=f"Person {n}") for n in range(PEOPLE))
    groups = Group.objects.bulk_create(Group(name=f"group-{n}") for n in range(GROUPS))
    subjects = Subject.objects.bulk_create(Subject(name=user.email, user=user) for user in users)
    shared = Subject.objects.bulk_create(Subject(kind=2, name=group.name, group=group) for group in groups)
    GroupMember.objects.bulk_create(
        GroupMember(user=user, group=groups[(number * 7 + turn * 31) % GROUPS])
        for number, user in enumerate(users)
        for turn in range(GROUPS_A_PERSON)
    )
    researcher, viewer = Role.objects.get(name="L1 researcher"), Role.objects.get(name="Viewer")
    rules = [
        AccessRule(subject=subject, role=researcher, scope=projects[(number * 13 + turn * 701) % PROJECTS])
        for number, subject in enumerate(subjects)
        for turn in range(OWN_RULES)
    ]
    rules += [
        AccessRule(subject=subject, role=viewer, scope=projects[(number * 29 + turn * 997) % PROJECTS])
        for number, subject in enumerate(shared)
        for turn in range(GROUP_RULES)
    ]
    AccessRule.objects.bulk_create(rules, batch_size=2_000)
    head = Role.objects.get(name="Department administrator")
    for number in range(ASKED):
        AccessRule.objects.create(subject=subjects[number], role=head, scope=departments[number])
    Workload.objects.bulk_create(
        [
            Workload(
                project=project,
                cluster=project.cluster,
                name=f"train-{number}",
                kind=2,
                image="python:3.12",
                **AMOUNTS,
            )
            for number, project in enumerate(projects * (WORKLOADS // PROJECTS))
        ],
        batch_size=2_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return [user.pk for user in users[:ASKED]]


def figures(people: list[int]) -> Iterator[tuple[str, float, float | None]]:
    """Name, milliseconds, target."""
    from orgs.access import may
    from orgs.models import OrgUnit, UnitKind, User
    from tests.factories import signed_in

    project = OrgUnit.objects.filter(kind=UnitKind.PROJECT)[5_000]
    fresh = [User.objects.get(pk=pk) for pk in people]
    may(fresh[0], "read", "training", project)  # the first use of anything costs more
    first = [timed(lambda user=user: may(user, "create", "training", project)) for user in fresh[1:]]  # type: ignore[misc]
    yield "first may() of a request, median", statistics.median(first), MAY_TARGET_MS
    yield "first may() of a request, p95", sorted(first)[int(len(first) * 0.95)], None
    again = [timed(lambda user=user: may(user, "update", "quota", project)) for user in fresh]  # type: ignore[misc]
    yield "every further may(), median", statistics.median(again), MAY_TARGET_MS
    for name, path in PAGES.items():
        taken = []
        for user in fresh[:9]:
            client = signed_in(user)
            client.get(path)
            taken.append(timed(lambda client=client, path=path: client.get(path)))  # type: ignore[misc]
        yield f"page {name}, 35 projects and a department", statistics.median(taken), PAGE_TARGET_MS


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1_000


if __name__ == "__main__":
    main()
