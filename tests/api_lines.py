"""Every endpoint of the API with what each method answers to each role, and data that it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from orgs.models import Role
from orgs.services.unit import unit_rename
from portal.models import AuditEvent
from quotas.guard import Level
from quotas.models import GuardFinding, Quota, UnitUsage
from scheduling.models import Decision
from tests.documents import job
from tests.factories import actor_of, make_quota, make_usage
from tests.matrix import NONE, Arguments, of, statuses
from tests.world import World

Data = Callable[[World], Any]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`answers`: by method the statuses by the short forms of roles, as lines of pages have them; there is no other
    method. Who is not signed in gets 401."""

    name: str
    arguments: Arguments
    answers: dict[str, str]
    data: dict[str, Data] = field(default_factory=dict)

    def statuses(self, who: str, method: str) -> set[int]:
        """What it may answer. That there is no such method is said to those for whom there is such a thing."""
        if who == "anonymous":
            return {401}
        if method in self.answers:
            return {statuses(self.answers[method])[who]}
        shown = statuses(next(iter(self.answers.values())))[who]
        return {405, 404} if shown == 404 else {405}


def given(world: World) -> dict[str, Any]:
    """A quota of the project."""
    quota = Quota.objects.filter(unit=world.project, pool=world.pool).first()
    return {"pk": (quota or make_quota(world.project, world.pool, 1)).pk}


UNITS_SEEN = "rest: 200"
HOOKED = "SA DA Ed RM AA: 200; rest: 404"
HOOK = {"name": "pager", "address": "https://hooks.example.org/in", "kinds": ["workload.failed"]}


def found(world: World) -> dict[str, Any]:
    """A finding about the department."""
    names = {"unit": world.department, "pool": world.pool, "resource": 0, "level": Level.CHILDREN}
    finding = GuardFinding.objects.filter(**names).first()
    return {"pk": (finding or GuardFinding.objects.create(**names, sum=2000, ceiling=1000)).pk}


def used(world: World) -> dict[str, Any]:
    """What the other project has of the pool."""
    row = UnitUsage.objects.filter(unit=world.elsewhere, pool=world.pool).first()
    return {"pk": (row or make_usage(world.elsewhere, world.pool, 1)).pk}


def decided(world: World) -> dict[str, Any]:
    """A decision about the workload."""
    decision = Decision.objects.filter(workload=world.workload.pk).first()
    if decision is None:
        named = {"pool": world.pool.pk, "epoch": 57, "cycle": world.cycle.cycle, "node": world.node.pk}
        named |= {"batch": world.workload.pk, "workload": world.workload.pk, "pod": 1, "pod_uid": "uid"}
        decision = Decision.objects.create(kind=Decision.Kind.PLACE, deadline_at=timezone.now(), **named)
    return {"pk": decision.pk}


def done(world: World) -> dict[str, Any]:
    """An act in the project."""
    act = AuditEvent.objects.filter(unit=world.project.pk).order_by("id").first()
    if act is None:
        unit_rename(actor=actor_of(), unit=world.project, name=world.project.name, description="Depth")
    return {"pk": (act or AuditEvent.objects.filter(unit=world.project.pk).latest("id")).pk}


ENDPOINTS = [
    Endpoint("api_schema", NONE, {"get": "nobody rest: 200"}),
    Endpoint("whoami-list", NONE, {"get": "nobody rest: 200"}),
    Endpoint(
        "clusters-list",
        NONE,
        {"get": UNITS_SEEN, "post": "SA: 201; rest: 403"},
        {"post": lambda world: {"name": "south", "mode": "simulated"}},
    ),
    Endpoint(
        "clusters-detail",
        of(pk="cluster.pk"),
        {
            "get": "SA Vi AA: 200; rest: 404",
            "patch": "SA: 200; Vi AA: 403; rest: 404",
            "delete": "SA: 204; Vi AA: 403; rest: 404",
        },
        {"patch": lambda world: {"description": "In the basement"}},
    ),
    Endpoint(
        "departments-list",
        NONE,
        {"get": UNITS_SEEN, "post": "SA Ed: 201; L1 L2 ML: 422; rest: 403"},
        {"post": lambda world: {"name": "speech", "parent": world.department.pk}},
    ),
    Endpoint(
        "departments-detail",
        of(pk="department.pk"),
        {
            "get": "L1 L2 ML: 404; rest: 200",
            "patch": "SA Ed: 200; L1 L2 ML: 404; rest: 403",
            "delete": "SA Ed: 204; L1 L2 ML: 404; rest: 403",
        },
        {"patch": lambda world: {"description": "Eyes"}},
    ),
    Endpoint(
        "projects-list",
        NONE,
        {"get": UNITS_SEEN, "post": "SA DA Ed RM: 201; L1 L2 ML: 422; rest: 403"},
        {"post": lambda world: {"name": "robotics", "parent": world.department.pk}},
    ),
    Endpoint(
        "projects-detail",
        of(pk="project.pk"),
        {"get": "rest: 200", "patch": "SA DA Ed RM: 200; rest: 403", "delete": "SA DA Ed RM: 204; rest: 403"},
        {"patch": lambda world: {"description": "Arms"}},
    ),
    Endpoint(
        "projects-detail",
        of(pk="elsewhere.pk"),
        {
            "get": "SA Vi AA: 200; rest: 404",
            "patch": "SA: 200; Vi AA: 403; rest: 404",
            "delete": "SA: 204; Vi AA: 403; rest: 404",
        },
        {"patch": lambda world: {"description": "Arms"}},
    ),
    Endpoint("places-list", NONE, {"get": "nobody rest: 200"}, {"get": lambda world: {"permission": "project:create"}}),
    Endpoint("settings-list", NONE, {"get": UNITS_SEEN}),
    Endpoint(
        "settings-detail",
        of(pk="account.pk"),
        {"get": "SA Vi AA: 200; rest: 404", "patch": "SA: 200; Vi AA: 403; rest: 404"},
        {"patch": lambda world: {"closed_pools": True, "pool_wait_seconds": 30}},
    ),
    Endpoint(
        "pool-orders-detail",
        of(pk="project.pk"),
        {"get": UNITS_SEEN, "patch": "SA DA Ed: 200; rest: 403"},
        {"patch": lambda world: {"pools": [world.pool.name]}},
    ),
    Endpoint("audit-list", NONE, {"get": "SA DA AA: 200; rest: 404"}),
    Endpoint("audit-detail", done, {"get": "SA DA AA: 200; rest: 404"}),
    # --- who
    Endpoint(
        "roles-list",
        NONE,
        {"get": "SA DA Ed RM AA: 200; rest: 404", "post": "SA: 201; DA Ed RM AA: 403; rest: 404"},
        {"post": lambda world: {"name": "Day shift", "permissions": ["project:read"]}},
    ),
    Endpoint(
        "roles-detail",
        of(pk="custom_role.pk"),
        {
            "get": "SA DA Ed RM AA: 200; rest: 404",
            "patch": "SA: 200; DA Ed RM AA: 403; rest: 404",
            "delete": "SA: 204; DA Ed RM AA: 403; rest: 404",
        },
        {"patch": lambda world: {"name": "Day shift"}},
    ),
    Endpoint(
        "access-rules-list",
        NONE,
        {"get": "SA DA Ed RM AA: 200; rest: 404", "post": "SA DA Ed RM: 201; AA: 403; rest: 404"},
        {
            "post": lambda world: {
                "subject": "vision-research",
                "role": Role.objects.get(name="Environment administrator").pk,
                "scope": world.project.pk,
            }
        },
    ),
    Endpoint(
        "access-rules-detail",
        of(pk="rule.pk"),
        {
            "get": "SA DA Ed RM AA: 200; rest: 404",
            "patch": "SA DA Ed RM AA: 200; rest: 404",
            "delete": "SA DA Ed RM AA: 204; rest: 404",
        },
        {"patch": lambda world: {"expires_at": "2998-12-31T00:00:00Z"}},
    ),
    Endpoint(
        "access-rules-detail",
        of(pk="rule_above.pk"),
        {"get": "SA AA: 200; rest: 404", "patch": "SA AA: 200; rest: 404", "delete": "SA AA: 204; rest: 404"},
        {"patch": lambda world: {"expires_at": "2998-12-31T00:00:00Z"}},
    ),
    Endpoint(
        "users-list",
        NONE,
        {"get": "SA DA Ed RM AA: 200; rest: 404", "post": "SA: 201; DA Ed RM AA: 403; rest: 404"},
        {"post": lambda world: {"email": "mira@example.org", "name": "Mira"}},
    ),
    Endpoint(
        "users-detail",
        of(pk="people.viewer.pk"),
        {"get": "SA DA Ed RM AA: 200; rest: 404", "patch": "SA: 200; DA Ed RM AA: 403; rest: 404"},
        {"patch": lambda world: {"is_active": False}},
    ),
    Endpoint(
        "groups-list",
        NONE,
        {"get": "SA DA Ed RM AA: 200; rest: 404", "post": "SA: 201; DA Ed RM AA: 403; rest: 404"},
        {"post": lambda world: {"name": "language"}},
    ),
    Endpoint(
        "groups-detail",
        of(pk="group.pk"),
        {
            "get": "SA DA Ed RM AA: 200; rest: 404",
            "patch": "SA: 200; DA Ed RM AA: 403; rest: 404",
            "delete": "SA: 204; DA Ed RM AA: 403; rest: 404",
        },
        {"patch": lambda world: {"description": "Ears"}},
    ),
    Endpoint(
        "group-members-list",
        NONE,
        {"get": "SA DA Ed RM AA: 200; rest: 404", "post": "SA: 201; DA Ed RM AA: 403; rest: 404"},
        {"post": lambda world: {"group": world.group.pk, "user": world.people["viewer"].pk}},
    ),
    Endpoint(
        "group-members-detail",
        of(pk="member.pk"),
        {"get": "SA DA Ed RM AA: 200; rest: 404", "delete": "SA: 204; DA Ed RM AA: 403; rest: 404"},
    ),
    Endpoint(
        "applications-list",
        NONE,
        {"get": "SA DA Ed AA: 200; rest: 404", "post": "SA AA: 201; DA Ed: 403; rest: 404"},
        {"post": lambda world: {"name": "Night runs"}},
    ),
    Endpoint(
        "applications-detail",
        of(pk="application.pk"),
        {
            "get": "SA DA Ed AA: 200; rest: 404",
            "patch": "SA AA: 200; DA Ed: 403; rest: 404",
            "delete": "SA AA: 204; DA Ed: 403; rest: 404",
        },
        {"patch": lambda world: {"description": "Trains"}},
    ),
    Endpoint(
        "access-keys-list",
        NONE,
        {"get": "nobody rest: 200", "post": "nobody rest: 201"},
        {"post": lambda world: {"name": "nightly"}},
    ),
    Endpoint(
        "access-keys-detail",
        of(pk="key.pk"),
        {
            "get": "SA AA L1: 200; rest: 404",
            "patch": "SA: 422; AA: 422; L1: 200; rest: 404",
            "delete": "SA AA L1: 204; rest: 404",
        },
        {"patch": lambda world: {"name": "weekly"}},
    ),
    Endpoint("access-keys-rotate", of(pk="key.pk"), {"post": "SA AA: 422; L1: 201; rest: 404"}),
    Endpoint(
        "webhooks-list",
        NONE,
        {"get": HOOKED, "post": HOOKED.replace("200", "201")},
        {"post": lambda world: {**HOOK, "scope": world.department.pk}},
    ),
    Endpoint(
        "webhooks-detail",
        of(pk="webhook.pk"),
        {"get": HOOKED, "patch": HOOKED, "delete": HOOKED.replace("200", "204")},
        {"patch": lambda world: {"name": "chat"}},
    ),
    Endpoint("webhooks-rotate", of(pk="webhook.pk"), {"post": HOOKED.replace("200", "201")}),
    Endpoint("webhooks-test", of(pk="webhook.pk"), {"post": HOOKED.replace("200", "201")}),
    Endpoint("webhook-deliveries-list", NONE, {"get": HOOKED}),
    Endpoint("webhook-deliveries-detail", of(pk="delivery.pk"), {"get": HOOKED}),
    Endpoint("webhook-deliveries-again", of(pk="delivery.pk"), {"post": HOOKED}),
    # --- what
    Endpoint(
        "pools-list",
        NONE,
        {"get": "En Co Ds Te Cr: 404; rest: 200", "post": "SA: 201; Vi AA: 403; En Co Ds Te Cr: 404; rest: 422"},
        {
            "post": lambda world: {
                "cluster": world.cluster.pk,
                "name": "rack-7",
                "label_key": "example.org/rack",
                "label_value": "r07",
            }
        },
    ),
    Endpoint(
        "pools-detail",
        of(pk="pool.pk"),
        {
            "get": "En Co Ds Te Cr: 404; rest: 200",
            "patch": "SA: 200; En Co Ds Te Cr: 404; rest: 403",
            "delete": "SA: 422; En Co Ds Te Cr: 404; rest: 403",
        },
        {"patch": lambda world: {"min_runtime_seconds": 60}},
    ),
    Endpoint("nodes-list", NONE, {"get": "SA DA Ed ML Vi AA: 200; rest: 404"}),
    Endpoint("nodes-detail", of(pk="node.pk"), {"get": "SA DA Ed ML Vi AA: 200; rest: 404"}),
    Endpoint(
        "quotas-list",
        NONE,
        {"get": "En Co Ds Te Cr: 404; rest: 200", "post": "SA DA Ed: 201; En Co Ds Te Cr: 404; rest: 403"},
        {"post": lambda world: {"unit": world.project.pk, "pool": world.default_pool.pk, "gpu_milli": 1000}},
    ),
    Endpoint(
        "quotas-detail",
        given,
        {
            "get": "En Co Ds Te Cr: 404; rest: 200",
            "patch": "SA DA Ed: 200; En Co Ds Te Cr: 404; rest: 403",
            "delete": "SA DA Ed: 204; En Co Ds Te Cr: 404; rest: 403",
        },
        {"patch": lambda world: {"gpu_milli": 2000}},
    ),
    Endpoint(
        "quotas-bulk",
        NONE,
        {"post": "SA DA Ed: 200; En Co Ds Te Cr: 404; rest: 422"},
        {"post": lambda world: {"changes": [{"unit": world.project.pk, "pool": world.pool.pk, "gpu_milli": 3000}]}},
    ),
    Endpoint(
        "topologies-list",
        NONE,
        {"get": "En Co Ds Te Cr: 404; rest: 200", "post": "SA: 201; Vi AA: 403; En Co Ds Te Cr: 404; rest: 422"},
        {"post": lambda world: {"cluster": world.cluster.pk, "name": "rows", "levels": ["example.org/row"]}},
    ),
    Endpoint(
        "topologies-detail",
        of(pk="topology.pk"),
        {
            "get": "En Co Ds Te Cr: 404; rest: 200",
            "patch": "SA: 200; En Co Ds Te Cr: 404; rest: 403",
            "delete": "SA: 204; En Co Ds Te Cr: 404; rest: 403",
        },
        {"patch": lambda world: {"levels": ["example.org/row"]}},
    ),
    Endpoint("findings-list", NONE, {"get": "En Co Ds Te Cr: 404; rest: 200"}),
    Endpoint("findings-detail", found, {"get": "SA DA Ed RM Vi DV AA: 200; rest: 404"}),
    Endpoint("guards-list", NONE, {"get": UNITS_SEEN}),
    Endpoint(
        "guards-detail",
        of(pk="account.pk"),
        {"get": "SA Vi AA: 200; rest: 404", "patch": "SA: 200; Vi AA: 403; rest: 404"},
        {"patch": lambda world: {"departments": {"mode": "enforce"}}},
    ),
    Endpoint("organization-export", NONE, {"get": "rest: 200"}),
    Endpoint(
        "organization-apply",
        NONE,
        {"post": "SA DA Ed RM: 200; L1 L2 ML: 422; rest: 403"},
        {"post": lambda world: {"document": {"projects": [{"path": "north/vision/robotics"}]}}},
    ),
    # --- work
    Endpoint(
        "workloads-list",
        NONE,
        {
            "get": "En Co Ds Te Cr: 404; rest: 200",
            "post": "SA DA Ed RM L1 L2: 201; En Co Ds Te Cr: 404; rest: 403",
        },
        {
            "post": lambda world: {
                "project": world.project.pk,
                "kind": "training",
                "name": "train-9",
                "image": "python:3.12",
                "cpu_millicores": 1000,
                "memory_bytes": 1024**3,
            }
        },
    ),
    Endpoint(
        "workloads-detail",
        of(pk="workload.pk"),
        {"get": "En Co Ds Te Cr: 404; rest: 200", "delete": "SA DA Ed RM L1: 204; En Co Ds Te Cr: 404; rest: 403"},
    ),
    Endpoint(
        "workloads-detail",
        of(pk="work_elsewhere.pk"),
        {"get": "SA Vi AA: 200; rest: 404", "delete": "SA: 204; Vi AA: 403; rest: 404"},
    ),
    Endpoint(
        "workloads-stop",
        of(pk="workload.pk"),
        {"post": "SA DA Ed RM L1: 200; En Co Ds Te Cr: 404; rest: 403"},
    ),
    Endpoint(
        "workloads-resume",
        of(pk="work_of_l2.pk"),
        {"post": "SA DA Ed RM L2: 201; En Co Ds Te Cr: 404; rest: 403"},
    ),
    Endpoint(
        "workloads-from-manifest",
        NONE,
        {"post": "SA DA Ed RM L1 L2: 201; En Co Ds Te Cr: 404; rest: 403"},
        {"post": lambda world: {"project": world.project.pk, "manifest": job("train-9")}},
    ),
    Endpoint("workloads-explain", of(pk="workload.pk"), {"get": "En Co Ds Te Cr: 404; rest: 200"}),
    Endpoint("workloads-logs", of(pk="workload.pk"), {"get": "Vi DV AA: 403; En Co Ds Te Cr: 404; rest: 200"}),
    Endpoint("workloads-ask", of(pk="workload.pk"), {"post": "En Co Ds Te Cr: 404; rest: 200"}),
    Endpoint(
        "workloads-clone",
        of(pk="workload.pk"),
        {"post": "SA DA Ed RM L1 L2: 201; En Co Ds Te Cr: 404; rest: 403"},
    ),
    Endpoint(
        "slots-list",
        NONE,
        {"get": "SA DA Ed RM L1 L2: 200; ML: 200; rest: 404"},
        {"get": lambda world: {"project": world.project.pk, "devices": 2}},
    ),
    Endpoint("decisions-list", NONE, {"get": "En Co Ds Te Cr: 404; rest: 200"}),
    Endpoint("decisions-detail", decided, {"get": "En Co Ds Te Cr: 404; rest: 200"}),
    Endpoint("cycles-list", NONE, {"get": UNITS_SEEN}),
    Endpoint("cycles-detail", of(pk="cycle.pk"), {"get": "En Co Ds Te Cr: 404; rest: 200"}),
    Endpoint(
        "saved-cycles-list",
        NONE,
        {"get": UNITS_SEEN, "post": "SA: 201; Vi AA: 403; En Co Ds Te Cr: 422; rest: 403"},
        {"post": lambda world: {"pool": world.pool.pk}},
    ),
    Endpoint(
        "saved-cycles-detail",
        of(pk="saved.pk"),
        {"get": "SA Vi AA: 200; rest: 404", "delete": "SA: 204; Vi AA: 403; rest: 404"},
    ),
    Endpoint("saved-cycles-file", of(pk="saved.pk"), {"get": "SA Vi AA: 200; rest: 404"}),
    Endpoint("workloads-events", NONE, {"get": "En Co Ds Te Cr: 404; rest: 200"}),
    # --- use
    Endpoint("usage-list", NONE, {"get": UNITS_SEEN}),
    Endpoint("usage-detail", used, {"get": "SA Vi AA: 200; rest: 404"}),
    Endpoint("reports-use", NONE, {"get": UNITS_SEEN}),
    Endpoint("reports-people", NONE, {"get": UNITS_SEEN}),
    Endpoint("reports-lending", NONE, {"get": UNITS_SEEN}),
    Endpoint("reports-held", NONE, {"get": UNITS_SEEN}),
    Endpoint("pool-samples-list", NONE, {"get": UNITS_SEEN}),
    # --- many at once
    Endpoint("clusters-bulk", NONE, {"post": "rest: 422"}),
    Endpoint("departments-bulk", NONE, {"post": "rest: 422"}),
    Endpoint(
        "projects-bulk",
        NONE,
        {"post": "rest: 200"},
        {"post": lambda world: {"rows": [{"act": "delete", "id": world.elsewhere.pk}]}},
    ),
    Endpoint("roles-bulk", NONE, {"post": "SA DA Ed RM AA: 422; rest: 404"}),
    Endpoint("access-rules-bulk", NONE, {"post": "SA DA Ed RM AA: 422; rest: 404"}),
    Endpoint("users-bulk", NONE, {"post": "SA DA Ed RM AA: 422; rest: 404"}),
    Endpoint("groups-bulk", NONE, {"post": "SA DA Ed RM AA: 422; rest: 404"}),
    Endpoint("group-members-bulk", NONE, {"post": "SA DA Ed RM AA: 422; rest: 404"}),
    Endpoint("applications-bulk", NONE, {"post": "SA DA Ed AA: 422; rest: 404"}),
    Endpoint("pools-bulk", NONE, {"post": "En Co Ds Te Cr: 404; rest: 422"}),
    Endpoint("topologies-bulk", NONE, {"post": "En Co Ds Te Cr: 404; rest: 422"}),
    Endpoint(
        "workloads-bulk",
        NONE,
        {"post": "SA DA Ed RM L1: 200; En Co Ds Te Cr: 404; rest: 422"},
        {"post": lambda world: {"rows": [{"act": "stop", "id": world.workload.pk}], "all_or_nothing": True}},
    ),
]
