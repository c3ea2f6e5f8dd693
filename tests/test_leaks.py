"""What somebody may not see is in no answer: by name, and by what it would add to counts, sums and choices.

Driven by the table of addresses, so that a page that comes later is searched, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, resolve, reverse
from django.utils import timezone

from orgs.models import Delivery, OrgUnit, Role, User, Webhook
from orgs.services.unit import unit_rename
from quotas.services.quota import quota_set
from scheduling.models import CycleReport, Decision, Workload
from scheduling.selectors.visible import CREATE_WORK
from scheduling.services.workload import workload_stop
from tests.api_lines import ENDPOINTS
from tests.factories import (
    RESEARCHER,
    VIEWER,
    actor_of,
    make_answer,
    make_delivery,
    make_department,
    make_group,
    make_pod,
    make_project,
    make_quota,
    make_rule,
    make_summary,
    make_usage,
    make_user,
    make_waiting,
    make_webhook,
    make_workload,
    signed_in,
)
from tests.matrix import NONE
from tests.test_api_matrix import sent
from tests.test_url_matrix import LINES, named_patterns
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

WITHOUT_SIGHT = ("nobody", "DA", "L1", "ML", "DV", "En")
"""People of every kind of role whose place is another department."""
SECRETS = ("zanzibar", "quagga-7", "okapi-run", "okapi-late", "okapi-done", "okapi-hook")
"""The names of the hidden department, project and workloads; what follows `bursar-` is the project's name as well."""
PICKED = (CREATE_WORK, "pool:create", "project:create", "department:create", "access_rule:create", "access_rule:read")
"""What the scope picker is asked for."""
PARTS = {"q": "zanz", "who": "hidden@example.org"}
"""What is searched for holds less than a whole name: an answer may repeat what was typed."""


@dataclass(frozen=True, slots=True)
class Hidden:
    department: OrgUnit
    project: OrgUnit
    workload: Workload
    person: User
    webhook: Webhook
    delivery: Delivery

    def ids(self) -> dict[str, Any]:
        """As every parameter and field that takes an id, a name or an address."""
        units = ("scope", "unit", "project", "parent", "scopes", "on", "inside", "department")
        found: dict[str, Any] = dict.fromkeys(units, self.project.pk)
        return found | {"workload": self.workload.pk, "selected": self.workload.pk} | PARTS


def hide(world: World, *, busy: bool) -> Hidden:
    """A department of the same cluster with a project, quotas, people and ended work; `busy`: work that runs and waits
    in the same pool as well, on the same node, and a history of acts."""
    department = make_department("zanzibar", parent=world.cluster)
    project = make_project("quagga-7", department=department)
    person = make_user("hidden@example.org", "Hidden Person", role=RESEARCHER, scope=project)
    make_rule(make_group("wardens", person), VIEWER, department)
    for unit in (department, project):
        make_quota(unit, world.pool, 2)
    webhook = make_webhook(project, name="okapi-hook")
    delivery = make_delivery(webhook, subject="workload:okapi-done", payload={"text": "okapi-done"})
    done = make_workload("okapi-done", project=project, by=person, state=Workload.State.COMPLETED)
    if not busy:
        return Hidden(department, project, done, person, webhook, delivery)
    for unit in (department, project):
        make_usage(unit, world.pool, 1)
    running = make_workload("okapi-run", project=project, pool=world.pool, by=person, state=Workload.State.RUNNING)
    make_pod(running, node=world.node, devices="0")
    waiting = make_workload("okapi-late", project=project, pool=world.pool, by=person, priority=100)
    make_waiting(waiting, "limit", at=project.pk)
    make_waiting(world.workload, "share", at=department.pk)
    make_answer(
        world.workload,
        [{"step": "reclaim", "code": "too_little_above", "numbers": {"units": 1, "above": 1000, "free": 0}}],
        [{"code": "preemptible", "numbers": {}, "raises": [], "units": [], "is_least": True}],
    )
    _decided_for(waiting, world)
    unit_rename(actor=actor_of(), unit=project, name="quagga-7", description="Stripes")
    quota_set(actor=actor_of(), unit=project, pool=world.pool, gpu_milli=1000, expected_version=1)
    workload_stop(actor=actor_of(), workload=running)
    return Hidden(department, project, running, person, webhook, delivery)


def _decided_for(hidden: Workload, world: World) -> None:
    """In the cycle of the world: somebody's work is stopped for the hidden one, which is placed."""
    rows = [[unit, 1000, 1000, 0, 1000] for unit in (hidden.project_id, hidden.project.parent_id, world.project.pk)]
    CycleReport.objects.filter(pk=world.cycle.pk).update(served={"resource": "gpu_milli", "units": rows})
    numbers = {"unit": world.project.pk, "resource": "gpu_milli", "allocated": 2000, "quota": 0, "fair_share": 0}
    common = {"pool": world.pool.pk, "epoch": 57, "cycle": world.cycle.cycle, "deadline_at": timezone.now()}
    common |= {"state": Decision.State.OBSERVED, "batch": hidden.pk, "pod_uid": "uid"}
    Decision.objects.create(kind=Decision.Kind.PLACE, workload=hidden.pk, pod=1, node=world.node.pk, **common)
    Decision.objects.create(
        kind=Decision.Kind.EVICT,
        workload=world.workload.pk,
        pod=2,
        for_workload=hidden.pk,
        code="reclaim",
        numbers=numbers,
        **common,
    )


def hidden_in(world: World, hidden: Hidden) -> World:
    """The world with hidden things in place of its own."""
    return replace(
        world,
        project=hidden.project,
        department=hidden.department,
        elsewhere=hidden.project,
        workload=hidden.workload,
        work_elsewhere=hidden.workload,
        rule=hidden.person.subject.rules.get(),
        webhook=hidden.webhook,
        delivery=hidden.delivery,
    )


def asked(world: World, hidden: Hidden) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, address and data: every page as it is, in the hidden scope, with hidden ids; every address of one thing
    for the hidden thing."""
    other = hidden_in(world, hidden)
    everything = hidden.ids()
    for line in LINES:
        own, theirs = line.arguments(world), line.arguments(other)
        url = reverse(line.name, kwargs=own)
        yield "get", url, {}
        if line.arguments is NONE:
            yield "get", url, {"scope": hidden.project.pk}
            yield "get", url, {name: value for name, value in everything.items() if name != "scope"}
        elif own != theirs:
            yield "get", reverse(line.name, kwargs=theirs), {}
            yield "post", reverse(line.name, kwargs=theirs), everything
        if line.name == "scope_choices":
            for permission, search in product(PICKED, ("", "zanz", "quag")):
                yield (
                    "get",
                    url,
                    {"permission": permission, "name": "project", "project": hidden.project.pk, "q": search},
                )
        yield "post", url, everything | {"role": Role.objects.get(name=VIEWER).pk, "subjects": "vision-research"}


def asked_of_the_api(world: World, hidden: Hidden) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The same of every endpoint: lists with every filter, every method of one thing for the hidden thing, with hidden
    ids in what is sent."""
    other = hidden_in(world, hidden)
    ids = hidden.ids()
    for endpoint in ENDPOINTS:
        own, theirs = endpoint.arguments(world), endpoint.arguments(other)
        url, hidden_url = reverse(endpoint.name, kwargs=own), reverse(endpoint.name, kwargs=theirs)
        yield "get", url, {}
        if endpoint.arguments is NONE:
            for name, value in (ids | {"search": "zanz"}).items():
                yield "get", url, {name: value}
        for method in ("get", "post", "patch", "delete"):
            sent = endpoint.data.get(method, lambda world: {})
            yield method, hidden_url, sent(other)
            yield method, url, sent(other)


def test_every_address_is_asked() -> None:
    """But Django's admin, which is there for System administrators only."""
    world = make_world()
    hidden = hide(world, busy=True)
    everything = [*asked(world, hidden), *asked_of_the_api(world, hidden)]
    found = {resolve(url).url_name for _, url, _ in everything}
    assert found == set(named_patterns(get_resolver().url_patterns))


@pytest.mark.parametrize("who", WITHOUT_SIGHT)
def test_hidden_names_are_in_no_answer(who: str) -> None:
    world = make_world()
    make_summary(world.pool, gpus=8, used=1)
    hidden = hide(world, busy=True)
    client = signed_in(world.people[who])
    session = client.cookies.copy()
    cache.clear()
    found = []
    count = 0
    for method, url, data in asked(world, hidden):
        for headers in ({}, {"HX-Request": "true"}):
            if headers and data:
                continue
            with transaction.atomic():
                response = getattr(client, method)(url, data, headers=headers)
                transaction.set_rollback(True)
            client.cookies = session.copy()
            count += 1
            said = response.getvalue().decode() + str(response.headers)
            found += [f"{secret} in {method} {url} {data or ''}" for secret in SECRETS if secret in said]
    assert not found, "\n".join(found)
    assert count > 150


@pytest.mark.parametrize("who", WITHOUT_SIGHT)
def test_hidden_names_are_in_no_answer_of_the_api(who: str) -> None:
    world = make_world()
    make_summary(world.pool, gpus=8, used=1)
    hidden = hide(world, busy=True)
    client = signed_in(world.people[who])
    found = []
    for method, url, data in asked_of_the_api(world, hidden):
        response = sent(client, method, url, data)
        said = response.getvalue().decode() + str(response.headers)
        found += [f"{secret} in {method} {url} {data or ''}" for secret in SECRETS if secret in said]
    assert not found, "\n".join(found)


OF_EVERYBODY = ("/accounts/", "/healthz", "/style-guide/", "/access/people/", "/access/groups/")
CHANGING = [
    re.compile(pattern)
    for pattern in (
        r'name="csrfmiddlewaretoken" value="[^"]*"',
        r'"X-CSRFToken": "[^"]*"',
        r"<time [^>]*>[^<]*</time>",
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?",
        r"(\d+(\.\d)? (s|ms|min|h)\b ?)+",
        r"<datalist .*?</datalist>",
    )
]


def settled(client: Client, url: str) -> str:
    """The page without what no two answers share."""
    page = client.get(url).getvalue().decode()
    for pattern in CHANGING:
        page = pattern.sub("", page)
    return page


@pytest.mark.parametrize("who", ["DA", "L1", "DV"])
def test_what_is_hidden_changes_no_page(who: str) -> None:
    """A department, projects, quotas, people, rules and ended work that come to be elsewhere leave every page as it is.

    No count, sum or choice tells of them. (Work that runs in a shared pool does: it takes room there.)

    People and groups are offered and listed to those who may read them, wherever these hold roles.
    """
    world = make_world()
    make_summary(world.pool, gpus=8, used=0)
    client = signed_in(world.people[who])
    urls = [reverse(line.name, kwargs=line.arguments(world)) for line in LINES if line.status(who) == 200]
    urls = [url for url in urls if not url.startswith(OF_EVERYBODY)]
    before = {url: settled(client, url) for url in urls}
    hide(world, busy=False)
    changed = []
    for url, page in before.items():
        now = settled(client, url)
        if now != page:
            lines = set(now.splitlines()) ^ set(page.splitlines())
            changed.append(f"{url}: {[line.strip()[:300] for line in lines][:4]}")
    assert not changed, "\n".join(changed)
