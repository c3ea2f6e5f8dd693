"""Every form and every service, tried with bad input: too long, negative, huge, wrong type, foreign id, other script,
control characters. Each is refused beside its field, nothing typed is lost, and nothing falls over.

A case: see `tests.bad_input`. What is listed under `legal` may be taken; everything else has to be refused.
"""

from __future__ import annotations

import pytest
from django.forms import BaseForm
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from orgs.models import ClusterInfo, OrgUnit
from orgs.services.application import application_create
from orgs.services.cluster import cluster_create
from orgs.services.department import department_create
from orgs.services.group import group_create
from orgs.services.move import unit_move
from orgs.services.project import project_create
from orgs.services.role import role_create
from orgs.services.unit import unit_rename
from orgs.services.user import user_create
from quotas.services.access import default_access_set
from quotas.services.guard_setting import guard_set
from quotas.services.pool import pool_create
from quotas.services.pool_order import pool_order_set
from quotas.services.pools import NewPool, pools_create
from quotas.services.quota import quota_set
from quotas.services.topology import topology_create
from scheduling.clusters.simulated import simulate_cluster
from scheduling.services.pool_choice import pool_choice_set
from scheduling.services.simulation import simulated_node_do, simulated_node_label, simulated_pods_do
from scheduling.services.tour import tour_set
from tests import bad_webhooks, bad_work
from tests.bad_input import (
    BAD,
    OPTIONAL,
    PRINTABLE,
    WITHOUT_FIELDS,
    WITHOUT_FORM,
    FormCase,
    ServiceCase,
    form_problems,
    service_problems,
    waiting_code,
)
from tests.factories import actor_of, make_cluster, make_pool, make_topology, signed_in
from tests.kubeconfigs import KUBECONFIG
from tests.matrix import NONE, of
from tests.test_url_matrix import LINES, suggested
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

LABEL_TEXTS = {"not a number", "huge", "exponent", "many decimals", "foreign id"}
POOL_TEXTS = {
    "label_key": LABEL_TEXTS,
    "label_value": LABEL_TEXTS | {"missing", "blank"},
    "min_runtime_minutes": {"other digits"},
    "topology": {"missing"},
    "staleness_grace_seconds": {"missing", "blank", "other digits"},
    "disruptions_per_workload": {"missing", "blank", "other digits"},
    "disruptions_per_cycle": {"missing", "blank", "other digits"},
    "disruption_budget_delay_seconds": {"missing", "blank", "other digits"},
    "history_weight": {"other digits"},
    "history_window_days": {"other digits"},
    "history_half_life_hours": {"missing", "blank", "other digits"},
}
OPTIONAL_NUMBER = {"missing", "blank", "other digits"}
POOL_SETTINGS = {
    "staleness_grace_seconds": "60",
    "disruptions_per_workload": "8",
    "disruptions_per_cycle": "64",
    "disruption_budget_delay_seconds": "900",
    "history_weight": "0.5",
    "history_window_days": "7",
    "history_half_life_hours": "48",
}

KEY = {"name": "nightly", "rights": "reading", "expires_at": "2998-12-31"}


def simulated(world: World) -> OrgUnit:
    """The world's cluster, with simulated nodes."""
    simulate_cluster(world.cluster)
    return world.cluster


FORMS: list[FormCase] = [
    # --- orgs
    FormCase(
        "department_create",
        "admin",
        lambda world: {"name": "speech", "description": "Ears"},
        of(pk="cluster.pk"),
        {"description": OPTIONAL},
    ),
    FormCase(
        "project_create",
        "department",
        lambda world: {"name": "robotics", "description": "Arms"},
        of(pk="department.pk"),
        {"description": OPTIONAL},
    ),
    FormCase(
        "unit_rename",
        "department",
        lambda world: {"name": "vis-4d", "description": "Eyes"},
        of(pk="project.pk"),
        {"description": OPTIONAL},
    ),
    FormCase(
        "unit_rename",
        "admin",
        lambda world: {"name": "Halden Labs", "description": ""},
        of(pk="account.pk"),
        {"name": PRINTABLE, "description": OPTIONAL},
    ),
    FormCase(
        "unit_move",
        "admin",
        lambda world: {"parent": str(world.elsewhere.parent_id), "expected_version": "1"},
        of(pk="project.pk"),
        {"expected_version": {"missing", "blank"}},
        foreign={"parent": lambda world: world.project.pk, "expected_version": lambda world: 2},
    ),
    FormCase(
        "rule_create",
        "department",
        lambda world: {"person": "nobody@example.org", "role": str(world.role.pk), "expires_at": "2998-12-31"},
        of(pk="project.pk"),
        legal={"expires_at": {"missing", "blank"}},
        foreign={"role": lambda world: world.people["admin"].subject.rules.get().role_id},
    ),
    FormCase(
        "rules_create",
        "department",
        lambda world: {
            "subjects": "nobody@example.org\nvision-research",
            "role": str(world.role.pk),
            "scopes": str(world.project.pk),
            "expires_at": "2998-12-31",
        },
        legal={"expires_at": {"missing", "blank"}},
        foreign={
            "role": lambda world: world.people["admin"].subject.rules.get().role_id,
            "scopes": lambda world: world.elsewhere.pk,
        },
    ),
    FormCase(
        "rule_update",
        "department",
        lambda world: {"role": str(world.role.pk), "expires_at": "2998-12-31"},
        of(pk="rule.pk"),
        legal={"expires_at": {"missing", "blank"}},
        foreign={"role": lambda world: world.people["admin"].subject.rules.get().role_id},
    ),
    FormCase(
        "role_create",
        "admin",
        lambda world: {"name": "Day shift", "permissions": "project:read"},
        legal={"name": PRINTABLE},
    ),
    FormCase(
        "role_update",
        "admin",
        lambda world: {"name": "Day shift", "permissions": "project:read", "expected_version": "1"},
        of(pk="custom_role.pk"),
        legal={"name": PRINTABLE, "expected_version": {"missing", "blank"}},
    ),
    FormCase(
        "group_create",
        "admin",
        lambda world: {"name": "language", "description": "Ears"},
        legal={"name": PRINTABLE, "description": OPTIONAL},
    ),
    FormCase(
        "group_update",
        "admin",
        lambda world: {"name": "language", "description": "Ears"},
        of(pk="group.pk"),
        legal={"name": PRINTABLE, "description": OPTIONAL},
    ),
    FormCase("group_members_add", "admin", lambda world: {"people": "vi@example.org"}, of(pk="group.pk")),
    FormCase("cluster_simulate", "admin", lambda world: {"name": "lab-sim"}),
    FormCase(
        "cluster_connect", "admin", lambda world: {"name": "south", "kubeconfig": KUBECONFIG}, unechoed={"kubeconfig"}
    ),
    FormCase(
        "cluster_reconnect",
        "admin",
        lambda world: {"kubeconfig": KUBECONFIG},
        lambda world: {"pk": make_cluster(mode=ClusterInfo.Mode.KUBERNETES).pk},
        unechoed={"kubeconfig"},
    ),
    FormCase(
        "user_create",
        "admin",
        lambda world: {"name": "Mira Okafor", "email": "mira@example.org"},
        legal={"name": PRINTABLE},
    ),
    *(
        FormCase(
            url_name,
            "admin",
            lambda world: {"name": "Night runs", "description": "Trains"},
            arguments,
            legal={"name": PRINTABLE, "description": OPTIONAL},
        )
        for url_name, arguments in (("application_create", of()), ("application_update", of(pk="application.pk")))
    ),
    *bad_webhooks.FORMS,
    *bad_work.FORMS,
    *(
        FormCase(
            url_name,
            role,
            lambda world: KEY | {"scope": str(world.project.pk)},
            arguments,
            legal={"name": PRINTABLE, "scope": {"missing"}, "expires_at": {"missing", "blank"}},
            foreign={"scope": lambda world: world.elsewhere.pk} if role != "admin" else {},
        )
        for url_name, role, arguments in (
            ("key_create", "researcher", of()),
            ("key_update", "researcher", of(pk="key.pk")),
            ("application_key_create", "admin", of(application="application.pk")),
        )
    ),
    FormCase("key_rotate", "researcher", lambda world: {"hours": "24"}, of(pk="key.pk"), legal={"hours": ()}),
    FormCase("device", "researcher", waiting_code, legal={"code": ()}),
    FormCase("device_approve", "researcher", lambda world: {"days": "30"}, waiting_code, legal={"days": ()}),
    FormCase("profile_name", "researcher", lambda world: {"name": "Mira Okafor"}, legal={"name": PRINTABLE}),
    # --- quotas
    FormCase(
        "pool_create",
        "admin",
        lambda world: {
            "cluster": str(world.cluster.pk),
            "name": "rack-7",
            "label_key": "topology.example.org/rack",
            "label_value": "r07",
            "gpu_placement": "1",
            "cpu_placement": "2",
            "min_runtime_minutes": "120",
            "topology": str(world.topology.pk),
            **POOL_SETTINGS,
        },
        legal=POOL_TEXTS | {"name": {"huge", "exponent", "foreign id"}},
        foreign={"cluster": lambda world: world.project.pk, "topology": lambda world: make_topology().pk},
    ),
    FormCase(
        "pool",
        "admin",
        lambda world: {
            "label_key": "topology.example.org/rack",
            "label_value": "r07",
            "gpu_placement": "2",
            "cpu_placement": "2",
            "min_runtime_minutes": "0",
            "expected_version": "1",
            "topology": "",
            **POOL_SETTINGS,
        },
        lambda world: {"pk": make_pool("empty", world.cluster).pk},
        legal=POOL_TEXTS,
        foreign={"topology": lambda world: make_topology().pk},
    ),
    FormCase(
        "pool_order",
        "department",
        lambda world: {"pools": world.pool.name, "expected": ""},
        of(pk="project.pk"),
        legal={"pools": {"missing"}, "expected": {"missing", "blank"}},
        foreign={"pools": lambda world: make_pool("far-away").name},
    ),
    FormCase(
        "pools_suggested",
        "admin",
        lambda world: {"value_0": "r07", "name_0": "rack-r07", "take_0": "on"},
        suggested,
        legal={"name_0": {"huge", "exponent", "foreign id"}, "take_0": set(BAD)},
    ),
    FormCase(
        "guard",
        "admin",
        lambda world: {"mode": "3", "resources": "gpu", "expected_version": "0"},
        lambda world: {"pk": world.cluster.pk, "level": 1},
        legal={"expected_version": {"other digits"}},
    ),
    FormCase(
        "topology_create",
        "admin",
        lambda world: {"cluster": str(world.cluster.pk), "name": "halls", "levels": "example.org/hall\nrack"},
        legal={"name": {"huge", "exponent", "foreign id"}, "levels": LABEL_TEXTS | {"line break"}},
        foreign={"cluster": lambda world: world.project.pk},
    ),
    FormCase(
        "topology",
        "admin",
        lambda world: {"levels": "example.org/hall", "expected_version": "1"},
        of(pk="topology.pk"),
        legal={"levels": LABEL_TEXTS | {"line break"}},
    ),
    # --- scheduling
    FormCase(
        "pool_choice",
        "admin",
        lambda world: {"wait_seconds": "90", "most_moves": "3", "expected_version": "0"},
        legal={key: {"other digits"} for key in ("wait_seconds", "most_moves", "expected_version")},
    ),
    FormCase(
        "submit",
        "researcher",
        lambda world: {
            "kind": "2",
            "project": str(world.project.pk),
            "name": "train-2",
            "priority": "50",
            "image": "python:3.12",
            "pods": "2",
            "gpus": "4",
            "cores": "8",
            "memory": "64",
            "minutes": "30",
            "pools": world.pool.name,
            "preemptible": "on",
            "command": "python train.py",
            "env": "SEED=7",
            "gpu_memory": "",
            "minimum": "1",
            "delay": "5",
            "near_required": f"{world.topology.pk}:example.org/hall",
            "near_preferred": f"{world.topology.pk}:example.org/rack",
            "node_labels": "rack=r07",
            "tolerations": "example.org/gpu=yes:NoSchedule",
        },
        legal={name: {"other digits"} for name in ("pods", "gpus", "cores", "memory")}
        | dict.fromkeys(("gpu_memory", "minimum", "delay"), OPTIONAL_NUMBER)
        | {name: {"missing"} for name in ("near_required", "near_preferred")}
        | {
            "node_labels": {"missing", "blank"},
            "tolerations": LABEL_TEXTS | {"missing", "blank", "line break"},
            "minutes": {"missing", "blank", "other digits"},
            "image": LABEL_TEXTS,
            "pools": {"missing"},
            "preemptible": set(BAD),
            "command": OPTIONAL,
            "env": {"missing", "blank"},
        },
        foreign={
            "project": lambda world: world.elsewhere.pk,
            "near_required": lambda world: f"{make_topology().pk}:example.org/rack",
        },
    ),
    FormCase(
        "submit",
        "researcher",
        lambda world: {
            "kind": "3",
            "project": str(world.project.pk),
            "name": "train-3",
            "priority": "50",
            "image": "python:3.12",
            "pods": "2",
            "gpus": "4",
            "cores": "8",
            "memory": "64",
            "pools": world.pool.name,
            "preemptible": "on",
            "group_name": "workers",
            "groups": "1",
            "group1_name": "launcher",
            "group1_pods": "2",
            "group1_minimum": "1",
            "group1_gpus": "1",
            "group1_gpu_memory": "",
            "group1_cores": "1",
            "group1_memory": "2",
        },
        legal={name: {"other digits"} for name in ("pods", "gpus", "cores", "memory")}
        | {f"group1_{name}": {"other digits"} for name in ("pods", "gpus", "cores", "memory")}
        | {f"group1_{name}": OPTIONAL_NUMBER for name in ("gpu_memory", "minimum")}
        | {"image": LABEL_TEXTS, "pools": {"missing"}, "preemptible": set(BAD), "groups": set(BAD)},
        foreign={"project": lambda world: world.elsewhere.pk},
    ),
]
SERVICES: list[ServiceCase] = [
    # --- orgs
    ServiceCase(
        department_create,
        lambda world: {"actor": actor_of(), "parent": world.cluster, "name": "speech"},
        {"name": (), "description": OPTIONAL},
        {"parent": lambda world: [world.account, world.project]},
    ),
    ServiceCase(
        project_create,
        lambda world: {"actor": actor_of(), "parent": world.department, "name": "robotics"},
        {"name": (), "description": OPTIONAL, "namespace": OPTIONAL},
        {"parent": lambda world: [world.account, world.cluster, world.project]},
    ),
    ServiceCase(
        unit_rename,
        lambda world: {"actor": actor_of(), "unit": world.project, "name": "vis-4d"},
        {"name": (), "description": {*OPTIONAL, "none"}},
    ),
    ServiceCase(
        unit_move,
        lambda world: {"actor": actor_of(), "unit": world.project, "parent": world.elsewhere.parent},
        others={
            "parent": lambda world: [world.account, world.cluster, world.elsewhere],
            "expected_version": lambda world: [0, 2, -1],
        },
    ),
    ServiceCase(
        cluster_create,
        lambda world: {
            "actor": actor_of(),
            "name": "south",
            "mode": ClusterInfo.Mode.KUBERNETES,
            "kubeconfig": KUBECONFIG,
        },
        {"name": (), "kubeconfig": ()},
        {"mode": lambda world: [0, 7, "simulated", None]},
    ),
    ServiceCase(
        user_create,
        lambda world: {"actor": actor_of(), "email": "mira@example.org", "name": "Mira Okafor"},
        {"email": (), "name": PRINTABLE, "password": {*PRINTABLE, "missing", "blank"}},
    ),
    ServiceCase(
        group_create,
        lambda world: {"actor": actor_of(), "name": "language"},
        {"name": PRINTABLE, "description": OPTIONAL},
    ),
    ServiceCase(
        application_create,
        lambda world: {"actor": actor_of(), "name": "Night runs"},
        {"name": PRINTABLE, "description": OPTIONAL},
    ),
    *bad_webhooks.SERVICES,
    *bad_work.SERVICES,
    ServiceCase(
        role_create,
        lambda world: {"actor": actor_of(), "name": "Day shift", "permissions": ["project:read"]},
        {"name": PRINTABLE},
        {"permissions": lambda world: [[], None, "project:read", ["none:such"], [7], [None], ["training:update"], 7]},
    ),
    # --- quotas
    ServiceCase(
        pool_create,
        lambda world: {
            "actor": actor_of(),
            "cluster": world.cluster,
            "name": "rack-7",
            "label_key": "topology.example.org/rack",
            "label_value": "r07",
        },
        {
            "name": {"huge", "exponent", "foreign id"},
            "label_key": LABEL_TEXTS,
            "label_value": LABEL_TEXTS | {"missing"},
        },
        {
            "cluster": lambda world: [world.account, world.department, world.project],
            "gpu_placement": lambda world: [0, 4, -1, "spread", None],
            "cpu_placement": lambda world: [0, 3, -1, "spread", None],
            "min_runtime_seconds": lambda world: [-1, 10**12, 1.5, "60", None, True],
            "topology": lambda world: [make_topology(), world.pool, 7, "racks"],
            "staleness_grace_seconds": lambda world: [-1, 10**12, 1.5, "60", True],
            "disruptions_per_workload": lambda world: [-1, 10**12, 1.5, "60", True],
            "disruptions_per_cycle": lambda world: [-1, 0, 10**12, 1.5, "60", True],
            "disruption_budget_delay_seconds": lambda world: [-1, 10**12, 1.5, "60", True],
            "history_weight_milli": lambda world: [-1, 10**12, 1.5, "60", None, True],
            "history_half_life_hours": lambda world: [-1, 0, 10**12, 1.5, "60", True],
            "history_window_days": lambda world: [-1, 0, 36, 10**12, 1.5, "7", None, True],
        },
    ),
    ServiceCase(
        pool_order_set,
        lambda world: {"actor": actor_of(), "unit": world.project, "pools": [world.pool.name]},
        others={
            "unit": lambda world: [world.account, world.cluster],
            "pools": lambda world: [["none-such"], [world.pool.name] * 2, world.pool.name, [7], None, ["\0"]],
            "expected": lambda world: [["none-such"], [7]],
        },
    ),
    ServiceCase(
        pools_create,
        lambda world: {
            "actor": actor_of(),
            "cluster": world.cluster,
            "pools": [NewPool("rack-7", "example.org/rack", "r07")],
        },
        others={
            "cluster": lambda world: [world.account, world.department, world.project],
            "pools": lambda world: [[], [NewPool("a", "b", "c")] * 51],
        },
    ),
    ServiceCase(
        topology_create,
        lambda world: {
            "actor": actor_of(),
            "cluster": world.cluster,
            "name": "halls",
            "levels": ["example.org/hall", "rack"],
        },
        {"name": {"huge", "exponent", "foreign id"}},
        {
            "cluster": lambda world: [world.account, world.department, world.project],
            "levels": lambda world: [[], None, "rack", ["rack", "rack"], ["ra ck"], [7], ["a"] * 9, ["x" * 64], ["\0"]],
        },
    ),
    ServiceCase(
        guard_set,
        lambda world: {"actor": actor_of(), "scope": world.account, "level": 2, "mode": 3, "resources": ["gpu"]},
        others={
            "scope": lambda world: [world.department, world.project],
            "level": lambda world: [0, 3, "hardware", None],
            "mode": lambda world: [0, 4, "enforce", None],
            "resources": lambda world: [[], "gpu", ["disk"], [7], None],
            "expected_version": lambda world: [1, -1, 10**40],
        },
    ),
    ServiceCase(
        default_access_set,
        lambda world: {"actor": actor_of(), "closed": True},
        others={"closed": lambda world: [None, 1, "closed"]},
    ),
    ServiceCase(
        quota_set,
        lambda world: {"actor": actor_of(), "unit": world.project, "pool": world.pool, "gpu_milli": 1000},
        others={
            "unit": lambda world: [world.account, world.cluster],
            "gpu_milli": lambda world: [-10, 10**12, 1005, 1.5, "8", None, True],
            "cpu_millicores": lambda world: [-1, 10**12, 2**63, 1.5, "8"],
            "memory_bytes": lambda world: [-1, 2**63, 1.5, "8"],
            "limit_gpu_milli": lambda world: [-10, 990, 10**12, 1005, "8"],
            "limit_cpu_millicores": lambda world: [-1, 2**63, "8"],
            "limit_memory_bytes": lambda world: [-1, 2**63, "8"],
            "over_quota": lambda world: [None, 1, "on"],
            "rank": lambda world: [0, 4, "high", None],
            "weight_milli": lambda world: [-1, 10**9, 1.5, "2", None],
            "reclaim_min_runtime_seconds": lambda world: [-1, 10**9, 1.5, "60", True],
            "preempt_min_runtime_seconds": lambda world: [-1, 10**9, 1.5, "60", True],
            "expected_version": lambda world: [1, -1, 10**40],
        },
    ),
    # --- scheduling
    ServiceCase(
        pool_choice_set,
        lambda world: {"actor": actor_of(), "wait_seconds": 60, "most_moves": 3},
        others={
            "wait_seconds": lambda world: [-1, 10**12, 1.5, "60", None, True],
            "most_moves": lambda world: [-1, 101, 1.5, "3", None, True],
            "expected_version": lambda world: [1, -1, 10**40],
        },
    ),
    ServiceCase(
        tour_set,
        lambda world: {"actor": actor_of(world.people["viewer"]), "closed": True},
        others={"closed": lambda world: [None, 1, "closed"]},
    ),
    ServiceCase(
        simulated_node_do,
        lambda world: {"actor": actor_of(), "cluster": simulated(world), "node": "h100-01", "act": "vanish"},
        {"node": (), "act": ()},
        {"cluster": lambda world: [world.account, world.department, world.project]},
    ),
    ServiceCase(
        simulated_node_label,
        lambda world: {"actor": actor_of(), "cluster": simulated(world), "node": "h100-01", "labels": {"rack": "r1"}},
        {"node": ()},
        {
            "cluster": lambda world: [world.account, world.department, world.project],
            "labels": lambda world: [{}, None, ["a=b"], {7: "a"}, {"a": 7}, {"a b": "c"}, {"a": "\0"}, {"": ""}],
        },
    ),
    ServiceCase(
        simulated_pods_do,
        lambda world: {"actor": actor_of(), "cluster": simulated(world), "pods": "alpha/run", "act": "delete"},
        {"pods": (), "act": ()},
        {"cluster": lambda world: [world.account, world.department, world.project]},
    ),
]


@pytest.mark.parametrize("case", FORMS, ids=lambda case: f"{case.url_name}-{case.role}")
def test_forms(case: FormCase) -> None:
    assert form_problems(case, make_world()) == []


@pytest.mark.parametrize("case", SERVICES, ids=lambda case: case.service.__name__)
def test_services(case: ServiceCase) -> None:
    assert service_problems(case, make_world()) == []


PARAMETERS = ("q", "unit", "open", "page", "size", "sort", "status", "pool", "cluster", "after", "before", "selected")
NULL = "a\x00b"


@pytest.mark.parametrize("value", [NULL, "9" * 40, "-1", "видение", "%", "' or 1=1", "[]"])
def test_addresses_with_bad_parameters(value: str) -> None:
    """No page falls over, whatever stands behind the question mark."""
    client = signed_in(make_world().people["admin"])
    client.raise_request_exception = False
    # One refused parameter may keep the others from being read, so the worst value is also tried one by one.
    queries = [dict.fromkeys(PARAMETERS, value), {"scope": value}]
    queries += [{name: value} for name in PARAMETERS] if value == NULL else []
    pages = [line.name for line in LINES if line.arguments is NONE and line.status("SA") == 200]
    fallen = [
        (name, query)
        for name in pages
        for query in queries
        if name != "style_guide" and client.get(reverse(name), query).status_code >= 500
    ]
    assert fallen == []


def test_every_form_has_a_case() -> None:
    """A view that names a form class, or has a method that makes one, is tried."""

    def views(patterns: list[object]) -> dict[str, object]:
        found: dict[str, object] = {}
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                found[pattern.name or ""] = getattr(pattern.callback, "view_class", None)
            elif isinstance(pattern, URLResolver) and pattern.namespace != "admin":
                found |= views(pattern.url_patterns)
        return found

    with_forms = {
        name
        for name, view in views(get_resolver().url_patterns).items()
        if not name.startswith(("account_", "mfa_")) and _takes_a_form(view)
    }
    assert with_forms - {case.url_name for case in FORMS} - WITHOUT_FIELDS - WITHOUT_FORM == set()


def _takes_a_form(view: object) -> bool:
    form_class = getattr(view, "form_class", None)
    return (isinstance(form_class, type) and issubclass(form_class, BaseForm)) or hasattr(view, "post")
