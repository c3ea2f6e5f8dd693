"""Every address by every role: what it answers to a GET. An address that no line names fails.

A line: name of the URL, its arguments taken from the world, and the status for somebody not signed in, without a rule,
viewer (of everything), researcher (of one project), department administrator, System administrator. 405: POST only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.factories import signed_in
from tests.world import ROLES, World, make_world

pytestmark = pytest.mark.django_db

Arguments = Callable[[World], dict[str, Any]]
NONE: Arguments = lambda world: {}  # noqa: E731


def of(**paths: str) -> Arguments:
    """Arguments by paths into the world: `of(pk="project.pk")`."""

    def arguments(world: World) -> dict[str, Any]:
        found = {}
        for name, path in paths.items():
            value: Any = world
            for part in path.split("."):
                value = value[part] if isinstance(value, dict) else getattr(value, part)
            found[name] = value
        return found

    return arguments


#                                              anonymous, nobody, viewer, researcher, department, admin
LINES: list[tuple[str, Arguments, str]] = [
    # --- portal
    ("home", NONE, "302 200 302 302 302 302"),
    ("healthz", NONE, "200 200 200 200 200 200"),
    ("readyz", NONE, "503 503 503 503 503 503"),
    ("style_guide", NONE, "302 200 200 200 200 200"),
    # --- signing in
    ("account_login", NONE, "200 302 302 302 302 302"),
    ("account_logout", NONE, "302 200 200 200 200 200"),
    ("account_inactive", NONE, "302 200 200 200 200 200"),
    ("account_reauthenticate", NONE, "302 200 200 200 200 200"),
    ("account_change_password", NONE, "302 200 200 200 200 200"),
    ("account_reset_password", NONE, "200 200 200 200 200 200"),
    ("account_reset_password_done", NONE, "200 200 200 200 200 200"),
    ("account_reset_password_from_key", lambda world: {"uidb36": "1", "key": "no-key"}, "200 200 200 200 200 200"),
    ("account_reset_password_from_key_done", NONE, "200 200 200 200 200 200"),
    ("account_signup", NONE, "404 404 404 404 404 404"),
    ("account_email", NONE, "302 404 404 404 404 404"),
    ("account_email_verification_sent", NONE, "302 404 404 404 404 404"),
    ("account_confirm_email", lambda world: {"key": "no-key"}, "302 404 404 404 404 404"),
    ("account_confirm_login_code", NONE, "404 404 404 404 404 404"),
    ("account_set_password", NONE, "404 404 404 404 404 404"),
    # --- orgs
    ("organization", NONE, "302 404 200 200 200 200"),
    ("department_create", of(pk="cluster.pk"), "302 404 403 404 404 200"),
    ("project_create", of(pk="department.pk"), "302 404 403 404 200 200"),
    ("unit_rename", of(pk="project.pk"), "302 404 403 403 200 200"),
    ("unit_rename", of(pk="department.pk"), "302 404 403 404 403 200"),
    ("unit_rename", of(pk="account.pk"), "302 404 403 404 404 200"),
    ("unit_move", of(pk="project.pk"), "302 404 403 403 200 200"),
    ("unit_move", of(pk="department.pk"), "302 404 403 404 403 200"),
    ("unit_move", of(pk="elsewhere.pk"), "302 404 403 404 404 200"),
    ("unit_move", of(pk="cluster.pk"), "302 404 404 404 404 404"),
    ("unit_delete", of(pk="project.pk"), "302 404 403 403 200 200"),
    ("unit_delete", of(pk="elsewhere.pk"), "302 404 403 404 404 200"),
    ("rule_create", of(pk="project.pk"), "302 404 403 403 200 200"),
    ("rule_create", of(pk="cluster.pk"), "302 404 403 404 404 200"),
    ("rule_delete", of(pk="rule.pk"), "302 404 404 404 200 200"),
    ("scopes", NONE, "302 404 200 200 200 200"),
    ("scope_choices", NONE, "302 404 404 404 404 404"),
    ("settings", NONE, "302 404 200 200 200 200"),
    ("cluster_connect", NONE, "302 404 403 403 403 200"),
    ("cluster_simulate", NONE, "302 404 403 403 403 200"),
    ("cluster_disconnect", of(pk="cluster.pk"), "302 404 403 404 404 200"),
    ("user_create", NONE, "302 404 403 403 403 200"),
    ("user_deactivate", of(pk="people.viewer.pk"), "302 404 403 403 403 200"),
    ("user_activate", of(pk="people.viewer.pk"), "302 404 403 403 403 200"),
    # --- quotas
    ("quotas", NONE, "302 404 200 200 200 200"),
    ("quota_cell", of(unit="project.pk", pool="pool.pk"), "302 404 405 405 405 405"),
    ("quota_cell", of(unit="elsewhere.pk", pool="pool.pk"), "302 404 405 404 404 405"),
    ("node_pools", NONE, "302 404 200 200 200 200"),
    ("pool_create", NONE, "302 404 403 403 403 200"),
    ("pool", of(pk="pool.pk"), "302 404 200 200 200 200"),
    ("pool_delete", of(pk="pool.pk"), "302 404 403 403 403 200"),
    ("pool_matching", NONE, "302 404 404 404 404 200"),
    ("topology_create", NONE, "302 404 403 403 403 200"),
    ("topology", of(pk="topology.pk"), "302 404 403 403 403 200"),
    ("topology_delete", of(pk="topology.pk"), "302 404 403 403 403 200"),
    ("nodes", NONE, "302 404 200 404 200 200"),
    ("node", of(pk="node.pk"), "302 404 200 404 200 200"),
    # --- scheduling
    ("overview", NONE, "302 404 200 200 200 200"),
    ("my_work", NONE, "302 404 404 200 200 200"),
    ("submit", NONE, "302 404 403 200 200 200"),
    ("workloads", NONE, "302 404 200 200 200 200"),
    ("workload", of(pk="workload.pk"), "302 404 200 200 200 200"),
    ("workload_stop", of(pk="workload.pk"), "302 404 405 405 405 405"),
    ("workload_resume", of(pk="workload.pk"), "302 404 405 405 405 405"),
    ("workload_delete", of(pk="workload.pk"), "302 404 405 405 405 405"),
    ("scheduler", NONE, "302 404 200 200 200 200"),
]


def named_patterns(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    """The names of all addresses but Django's admin; one without a name is named by its route."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name or prefix + str(pattern.pattern)
        elif isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            yield from named_patterns(pattern.url_patterns, prefix + str(pattern.pattern))


def test_every_address_has_a_line() -> None:
    listed = {name for name, _, _ in LINES}
    known = set(named_patterns(get_resolver().url_patterns))
    assert known - listed == set(), "addresses without a line"
    assert listed - known == set(), "lines without an address"


@pytest.fixture
def clients() -> tuple[World, dict[str, Client]]:
    world = make_world()
    return world, {"anonymous": Client()} | {role: signed_in(world.people[role]) for role in ROLES}


def test_what_every_address_answers_to_every_role(clients: tuple[World, dict[str, Client]]) -> None:
    world, by_role = clients
    wrong = []
    for name, arguments, statuses in LINES:
        url = reverse(name, kwargs=arguments(world))
        for (role, client), expected in zip(by_role.items(), statuses.split(), strict=True):
            status = client.get(url).status_code
            if status != int(expected):
                wrong.append(f"{name} {url} as {role}: {status}, not {expected}")
    assert wrong == []


def test_admin_shows_everything_to_the_administrator_and_is_not_there_for_others(
    clients: tuple[World, dict[str, Client]],
) -> None:
    _, by_role = clients
    urls = [reverse("admin:index")]
    for model in admin.site._registry:
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        urls.append(reverse(f"{names}_changelist"))
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            urls.append(reverse(f"{names}_change", args=[row.pk]))
    expected = {"anonymous": {302}, "admin": {200}}
    for role, client in by_role.items():
        answers = {url: client.get(url, follow=role not in ("anonymous", "admin")).status_code for url in urls}
        odd = {url: status for url, status in answers.items() if status not in expected.get(role, {404})}
        assert odd == {}, role


def test_admin_never_writes(clients: tuple[World, dict[str, Client]]) -> None:
    world, by_role = clients
    for action in ("add", "change", "delete"):
        arguments = [] if action == "add" else [world.project.pk]
        response = by_role["admin"].post(reverse(f"admin:orgs_orgunit_{action}", args=arguments), {"name": "hacked"})
        assert response.status_code == 403
    world.project.refresh_from_db()
    assert world.project.name == "vis-3d"


def test_admin_hides_secrets(clients: tuple[World, dict[str, Client]]) -> None:
    world, by_role = clients
    page = by_role["admin"].get(reverse("admin:orgs_user_change", args=[world.people["viewer"].pk]))
    assert world.people["viewer"].password not in page.content.decode()
    page = by_role["admin"].get(reverse("admin:orgs_clusterinfo_change", args=[world.cluster.pk]))
    assert b"redentials" not in page.content
