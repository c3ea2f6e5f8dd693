"""The REST API at the size of a large organization, on PostgreSQL: 10,000 projects, 60,000 rules, 500,000 workloads."""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from psycopg import connect

from tests.bench.measure import Figure, measurement
from tests.harness.production import production, wait_until_up, web
from tests.harness.servers import free_port, postgres, postgres_bin, redis

READERS = ("System administrator", "head of a department", "researcher")
DEPTHS = (0.0, 0.25, 0.5, 0.75, 0.999)
FILTERED_DEPTHS = (0.0, 0.9)
TIMES = 3
LIST_TARGET_MS = 150.0
QUERIES_TARGET = 8
SECONDS, CALLERS, WORKERS = 15, 12, 2
READS_TARGET = 150.0
Row = tuple[str, float, str, float | None, bool]


@measurement
def api() -> Iterator[Figure]:
    """Lists in every order and with every filter at any depth, for people with many and with few rights; and how many
    reads a second the production server carries."""
    if postgres_bin() is None:
        return
    with postgres() as database, redis() as broker:
        with connect(database.rsplit("/", 1)[0] + "/postgres", autocommit=True) as server:
            server.execute("create database bursar")
        done = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.api"],
            env=os.environ | production(database, broker),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert done.stdout
        for line in done.stdout:
            name, value, unit, target, at_least = json.loads(line)
            yield Figure(f"api, {name}", value, unit, target, at_least)
        if done.wait():
            raise RuntimeError("the measurement of the API failed")


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.bench.api_data import fill

    begun = time.perf_counter()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    people = fill()
    say("making 10,000 projects, 60,000 rules, 500,000 workloads", time.perf_counter() - begun, "s", 180.0)
    keys = _keys(people)
    for row in (*_lists(keys), *_reads(keys)):
        say(*row)


def say(name: str, value: float, unit: str, target: float | None = None, at_least: bool = False) -> None:
    print(json.dumps([name, value, unit, target, at_least]), flush=True)


def _keys(people: list[int]) -> list[str]:
    """Of a System administrator, then of heads of departments, who hold roles in projects too, then of researchers."""
    from orgs.models import AccessRule, OrgUnit, Role, Subject, User
    from tests.factories import make_key

    account = OrgUnit.objects.get(kind=1)
    first = User.objects.get(pk=people[0])
    administrator = Role.objects.get(name=READERS[0])
    AccessRule.objects.create(subject=Subject.objects.get(user=first), role=administrator, scope=account)
    researchers = User.objects.exclude(pk__in=people).order_by("pk")[:50]
    owners = [first, *(User.objects.get(pk=pk) for pk in people[1:50]), *researchers]
    return [make_key(owner).token for owner in owners]


class Kind:
    """Things that are listed: where, what there is, and for each filter what is asked for."""

    def __init__(self, name: str, endpoint: Any, rows: Any, filters: dict[str, list[Any]]) -> None:
        self.name, self.listing, self.rows = name, endpoint.listing, rows
        self.filters = filters
        self.total = rows.count()
        documented = set(self.listing.filters) | {"search"}
        assert set(filters) == documented, f"{name}: {set(filters) ^ documented}"

    def questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Words, and what stands after `?`: every order at every depth, then every filter near and far."""
        for sort in self.listing.sorts:
            for sign in ("", "-"):
                for depth in DEPTHS:
                    yield "in every order", {"sort": f"{sign}{sort}", **self.cursor(f"{sign}{sort}", depth)}
        usual = self.listing.usual or next(iter(self.listing.sorts))
        for sort in (usual, f"-{usual}".replace("--", "")):
            for name, values in self.filters.items():
                for value in values:
                    for depth in FILTERED_DEPTHS:
                        yield "with every filter", {"sort": sort, name: value, **self.cursor(sort, depth)}

    def cursor(self, sort: str, depth: float) -> dict[str, str]:
        """As `next` has it."""
        if not depth:
            return {}
        from portal.selectors.keyset import _cursor

        columns = (*self.listing.sorts[sort.removeprefix("-")], "id")
        sign = "-" if sort.startswith("-") else ""
        place = int(self.total * depth)
        key = (sort, place)
        if key not in self._known:
            self._known[key] = self.rows.order_by(*(sign + one for one in columns)).values_list(*columns)[place]
        return {"cursor": f"after.{_cursor(place, self._known[key])}"}

    _known: dict[tuple[str, int], Any] = {}


def _kinds() -> list[Kind]:
    from orgs.api.roles import Rules
    from orgs.api.units import Projects
    from orgs.models import AccessRule, OrgUnit, Subject, UnitKind
    from quotas.models import Pool
    from scheduling.api.workloads import Workloads
    from scheduling.models import Workload

    projects, work, rules = OrgUnit.objects.filter(kind=UnitKind.PROJECT), Workload.objects, AccessRule.objects
    project = projects.order_by("pk")[50]
    assert project.parent
    scopes = [project.pk, project.parent.pk, project.cluster_id]
    place = {"scope": scopes, "search": ["17", "train-17-2", "nothing has this"]}
    person = Subject.objects.filter(user__isnull=False).order_by("pk")[0].name
    ended = work.filter(is_active=False, project=project)[0]
    on_off = ["true", "false"]
    choices = {name: list(one.choices) for name, one in Workloads.listing.filters.items() if one.kind == "choice"}
    pool = Pool.objects.filter(cluster=project.cluster_id)[0].pk
    return [
        Kind(
            "projects",
            Projects,
            projects,
            {**place, "name": [project.name], "parent": [project.parent.pk], "cluster": [project.cluster_id]},
        ),
        Kind(
            "workloads",
            Workloads,
            work.all(),
            {
                **place,
                **choices,
                "name": [ended.name, "nothing"],
                "project": [project.pk],
                "pool": [pool],
                "is_active": on_off,
                "submitted_by": [person, "nobody"],
            },
        ),
        Kind(
            "access-rules",
            Rules,
            rules.all(),
            {
                **place,
                "subject": [person, "nobody"],
                "kind": list(Rules.listing.filters["kind"].choices),
                "role": list(rules.values_list("role", flat=True).distinct()[:4]),
                "unit": [project.pk, project.parent.pk],
                "in_force": on_off,
            },
        ),
    ]


def _lists(keys: list[str]) -> Iterator[Row]:
    """p95 over all readers and depths, and the most queries; what is slowest is named."""
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    for kind in _kinds():
        taken: dict[str, list[float]] = {}
        slowest: list[tuple[float, str]] = []
        counts = set()
        for words, asked in kind.questions():
            for reader, key in zip(READERS, (keys[0], keys[1], keys[-1]), strict=True):
                url = f"/api/v1/{kind.name}/?{urlencode(asked)}"
                client = Client(headers={"Authorization": f"Bearer {key}"})
                cache.clear()
                found = client.get(url)
                if found.status_code == 404 and reader != READERS[0]:
                    continue  # what the filter names, or the whole list, is nothing that this reader may see
                assert found.status_code == 200, found.content
                with CaptureQueriesContext(connection) as heard:
                    client.get(url)
                counts.add(len([one for one in heard if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]))
                times = []
                for _ in range(TIMES):
                    begun = time.perf_counter()
                    client.get(url)
                    times.append((time.perf_counter() - begun) * 1000)
                taken.setdefault(words, []).extend(times)
                slowest.append((min(times), f"{urlencode(asked)[:90]} as {reader}"))
        for words, times in taken.items():
            times.sort()
            yield f"{kind.name} {words}, p95", times[int(len(times) * 0.95)], "ms", LIST_TARGET_MS, False
        for milliseconds, what in sorted(slowest, reverse=True)[:3]:
            yield f"{kind.name}, among the slowest: {what}", milliseconds, "ms", None, False
        yield f"{kind.name}, queries at most", max(counts), "", QUERIES_TARGET, False


def _reads(keys: list[str]) -> Iterator[Row]:
    from django.core.cache import cache

    from orgs.models import OrgUnit
    from scheduling.models import Workload

    cache.clear()
    projects = list(OrgUnit.objects.filter(kind=4).order_by("pk").values_list("pk", flat=True)[:200])
    work = list(Workload.objects.filter(project__in=projects).values_list("pk", flat=True)[:200])
    port = free_port()
    server = web(port, "--workers", str(WORKERS))
    try:
        wait_until_up(port)
        done: list[float] = []
        wrong: list[str] = []
        ends = time.monotonic() + SECONDS
        spent = _cpu_seconds(server.pid)

        def call(number: int) -> None:
            chance = random.Random(number)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            while time.monotonic() < ends:
                path = chance.choice(
                    [
                        "/api/v1/projects/?limit=25",
                        f"/api/v1/workloads/?project={chance.choice(projects)}&sort=-created_at&limit=25",
                        f"/api/v1/workloads/{chance.choice(work)}/",
                        "/api/v1/workloads/?limit=25&sort=-created_at",
                        "/api/v1/access-rules/?limit=25",
                        "/api/v1/places/?permission=training:create&limit=25",
                    ]
                )
                begun = time.perf_counter()
                connection.request("GET", path, headers={"Authorization": f"Bearer {chance.choice(keys)}"})
                answer = connection.getresponse()
                answer.read()
                done.append((time.perf_counter() - begun) * 1000)
                if answer.status not in (200, 404):
                    wrong.append(f"{answer.status} {path}")

        threads = [threading.Thread(target=call, args=[number]) for number in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = _cpu_seconds(server.pid) - spent
    finally:
        server.terminate()
        server.wait(timeout=20)
    done.sort()
    yield f"mixed reads a second, {WORKERS} web processes", len(done) / SECONDS, "", READS_TARGET, True
    yield "mixed reads, p95", done[int(len(done) * 0.95)], "ms", None, False
    yield "mixed reads, processor time of the web processes for each", spent * 1000 / len(done), "ms", None, False
    yield "mixed reads, errors", len(wrong), "", 0, False


def _cpu_seconds(parent: int) -> float:
    """Of the processes that one has started."""
    spent = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parts = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(parts[1]) == parent:
                spent += int(parts[11]) + int(parts[12])
    return spent / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
