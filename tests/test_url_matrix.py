"""Every address by every role and method. An address that no line names fails.

A line: name of the URL, its arguments taken from the world, what GET answers, what POST answers without any data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from orgs.services.device import device_begin
from tests.api_lines import ENDPOINTS
from tests.factories import make_node, signed_in
from tests.matrix import NONE, Arguments, of, statuses
from tests.world import ROLES, World, make_world

pytestmark = pytest.mark.django_db


def suggested(world: World) -> dict[str, Any]:
    """A suggestion: made from a node of the default pool."""
    make_node(pool=world.default_pool, labels={"example.org/rack": "r07"})
    return {"cluster": world.cluster.pk, "what": "all", "key": "example.org/rack"}


NO_PROVIDER: Arguments = lambda world: {"provider_id": "none"}  # noqa: E731
OPEN = "anonymous nobody rest: 200"
CLOSED = "anonymous nobody rest: 404"
HOOKED = "SA DA Ed RM AA: 200; rest: 404"


class Line(NamedTuple):
    """`get`: statuses by the short forms of `tests.world.ROLES`; `rest` = the roles that are not named. Who is not
    signed in is sent there (302), and nobody, who has no rule, finds nothing (404), where nothing else is said.

    `post`: one status for whom GET answers 200 or 405, the others being refused as there; or a line like `get`.
    """

    name: str
    arguments: Arguments
    get: str
    post: int | str = 405

    def status(self, who: str, method: str = "get") -> int:
        if isinstance(self.post, int) and method == "post":
            shown = statuses(self.get)[who]
            return self.post if shown in (200, 405) else shown
        return statuses(self.get if method == "get" else str(self.post))[who]


# SA System, DA Department, AA Application administrator; Ed Editor, RM Research manager, L1 and L2 researcher,
# ML engineer, Vi Viewer, DV Department viewer; En Co Ds Te Cr the administrators of assets. SA, Vi and AA hold their
# role on the account, L1, L2 and ML on the project, the others on its department.
LINES: list[Line] = [
    # --- portal
    Line("home", NONE, "nobody: 200; rest: 302", "nobody rest: 405"),
    Line("healthz", NONE, OPEN),
    Line("readyz", NONE, "anonymous nobody rest: 503", "anonymous nobody rest: 405"),
    Line("metrics", NONE, "anonymous nobody rest: 401", "anonymous nobody rest: 401"),
    Line("style_guide", NONE, "nobody rest: 200"),
    # --- signing in
    Line("account_login", NONE, "anonymous: 200; nobody rest: 302", "anonymous: 200; nobody rest: 302"),
    Line("account_logout", NONE, "nobody rest: 200", "nobody rest: 302"),
    Line("account_inactive", NONE, OPEN),
    Line("account_reauthenticate", NONE, "nobody rest: 200", 200),
    Line("account_change_password", NONE, "nobody rest: 200", 200),
    Line("account_reset_password", NONE, OPEN, 200),
    Line("account_reset_password_done", NONE, OPEN),
    Line("account_reset_password_from_key", lambda world: {"uidb36": "1", "key": "no-key"}, OPEN, 200),
    Line("account_reset_password_from_key_done", NONE, OPEN),
    Line("account_signup", NONE, CLOSED, CLOSED),
    Line("account_email", NONE, "nobody rest: 404", "nobody rest: 404"),
    Line("account_email_verification_sent", NONE, "nobody rest: 404", "nobody rest: 404"),
    Line("account_confirm_email", lambda world: {"key": "no-key"}, "nobody rest: 404", "nobody rest: 404"),
    Line("account_confirm_login_code", NONE, CLOSED, CLOSED),
    Line("account_set_password", NONE, CLOSED, CLOSED),
    Line("mfa_index", NONE, "nobody rest: 302", "nobody rest: 302"),
    Line("mfa_authenticate", NONE, "nobody rest: 302", "nobody rest: 302"),
    Line("mfa_reauthenticate", NONE, "nobody rest: 302", "nobody rest: 302"),
    Line("mfa_activate_totp", NONE, "nobody rest: 302", "nobody rest: 302"),
    Line("mfa_deactivate_totp", NONE, "nobody rest: 404", "nobody rest: 404"),
    Line("mfa_view_recovery_codes", NONE, "nobody rest: 404", "nobody rest: 405"),
    Line("mfa_generate_recovery_codes", NONE, "nobody rest: 302", "nobody rest: 302"),
    Line("socialaccount_login_cancelled", NONE, OPEN),
    Line("openid_connect_login", NO_PROVIDER, "anonymous nobody rest: 405", "anonymous: 404; nobody rest: 302"),
    Line("openid_connect_callback", NO_PROVIDER, "anonymous: 404; nobody rest: 302", "anonymous nobody rest: 405"),
    Line("profile", NONE, "nobody rest: 200"),
    Line("reference", NONE, "nobody rest: 200"),
    Line("profile_name", NONE, "nobody rest: 200", 422),
    Line("key_create", NONE, "nobody rest: 200", 422),
    Line("key_update", of(pk="key.pk"), "SA AA L1: 200; nobody rest: 404", 422),
    Line("key_rotate", of(pk="key.pk"), "SA AA L1: 200; nobody rest: 404", 422),
    Line("key_revoke", of(pk="key.pk"), "SA AA L1: 200; nobody rest: 404", 302),
    Line("key_update", of(pk="application_key.pk"), "SA AA: 200; nobody rest: 404", 422),
    Line("key_rotate", of(pk="application_key.pk"), "SA AA: 200; nobody rest: 404", 422),
    Line("key_revoke", of(pk="application_key.pk"), "SA AA: 200; nobody rest: 404", 302),
    Line("device", NONE, "nobody rest: 200", 422),
    Line(
        "device_approve", lambda world: {"code": device_begin(name="laptop", address="").code}, "nobody rest: 200", 422
    ),
    Line("device_begin", NONE, "anonymous nobody rest: 405", "anonymous nobody rest: 415"),
    Line("device_token", NONE, "anonymous nobody rest: 405", "anonymous nobody rest: 415"),
    Line("profile_unlink", NONE, "nobody rest: 404"),
    Line("session_end", of(pk="people.viewer.pk"), "nobody rest: 405", 404),
    Line("other_sessions_end", NONE, "nobody rest: 405", 302),
    # --- orgs
    Line("organization", NONE, "rest: 200"),
    Line("mapping_new", NONE, "SA DA Ed RM: 200; rest: 404", 422),
    Line("mapping", of(pk="mapping.pk"), "SA DA Ed RM: 200; rest: 404"),
    Line("mapping_undo", of(pk="mapping.pk"), "SA DA Ed RM: 200; rest: 404", 302),
    Line("department_create", of(pk="cluster.pk"), "SA: 200; Vi AA: 403; rest: 404", 422),
    Line("department_create", of(pk="department.pk"), "SA Ed: 200; L1 L2 ML: 404; rest: 403", 422),
    Line("project_create", of(pk="department.pk"), "SA DA Ed RM: 200; L1 L2 ML: 404; rest: 403", 422),
    Line("unit_rename", of(pk="project.pk"), "SA DA Ed RM: 200; rest: 403", 422),
    Line("unit_rename", of(pk="department.pk"), "SA Ed: 200; L1 L2 ML: 404; rest: 403", 422),
    Line("unit_rename", of(pk="cluster.pk"), "SA: 200; Vi AA: 403; rest: 404", 422),
    Line("unit_rename", of(pk="account.pk"), "SA: 200; Vi AA: 403; rest: 404", 422),
    Line("unit_move", of(pk="project.pk"), "SA DA Ed RM: 200; rest: 403", 422),
    Line("unit_move", of(pk="department.pk"), "SA: 200; L1 L2 ML: 404; rest: 403", 422),
    Line("unit_move", of(pk="elsewhere.pk"), "SA: 200; Vi AA: 403; rest: 404", 422),
    Line("unit_move", of(pk="cluster.pk"), "rest: 404"),
    Line("scopes", NONE, "rest: 200"),
    Line("scope_choices", NONE, "rest: 404", "rest: 405"),
    Line("unit_delete", of(pk="project.pk"), "SA DA Ed RM: 200; rest: 403", 302),
    Line("unit_delete", of(pk="department.pk"), "SA Ed: 200; L1 L2 ML: 404; rest: 403", 302),
    Line("unit_delete", of(pk="elsewhere.pk"), "SA: 200; Vi AA: 403; rest: 404", 302),
    Line("rule_create", of(pk="project.pk"), "SA DA Ed RM AA: 200; rest: 403", 422),
    Line("rule_create", of(pk="cluster.pk"), "SA AA: 200; Vi: 403; rest: 404", 422),
    Line("rule_delete", of(pk="rule.pk"), "SA DA Ed RM AA: 200; rest: 404", 302),
    Line("access", NONE, "SA DA Ed RM AA: 200; rest: 404"),
    Line("rules_create", NONE, "SA DA Ed RM AA: 200; rest: 404", 422),
    Line("rule_update", of(pk="rule.pk"), "SA DA Ed RM AA: 200; rest: 404", 422),
    Line("rule_update", of(pk="rule_above.pk"), "SA AA: 200; rest: 404", 422),
    Line("rule_delete", of(pk="rule_above.pk"), "SA AA: 200; rest: 404", 302),
    Line("roles", NONE, "SA DA Ed RM AA: 200; rest: 404"),
    Line("role_create", NONE, "SA: 200; DA Ed RM AA: 403; rest: 404", 422),
    Line("role_update", of(pk="custom_role.pk"), "SA: 200; DA Ed RM AA: 403; rest: 404", 422),
    Line("role_update", of(pk="role.pk"), "SA DA Ed RM AA: 403; rest: 404"),
    Line("role_delete", of(pk="custom_role.pk"), "SA: 200; DA Ed RM AA: 403; rest: 404", 302),
    Line("people", NONE, "SA DA Ed RM AA: 200; rest: 404"),
    Line("groups", NONE, "SA DA Ed RM AA: 200; rest: 404"),
    Line("group_create", NONE, "SA: 200; DA Ed RM AA: 403; rest: 404", 422),
    Line("group_update", of(pk="group.pk"), "SA: 200; DA Ed RM AA: 403; rest: 404", 422),
    Line("group_delete", of(pk="group.pk"), "SA: 200; DA Ed RM AA: 403; rest: 404", 302),
    Line("group_members_add", of(pk="group.pk"), "SA: 200; DA Ed RM AA: 403; rest: 404", 422),
    Line("group_member_remove", of(pk="member.pk"), "SA: 200; DA Ed RM AA: 403; rest: 404", 302),
    Line("applications", NONE, "SA DA Ed AA: 200; rest: 404"),
    Line("keys", NONE, "SA DA Ed AA: 200; rest: 404"),
    Line("application_create", NONE, "SA AA: 200; DA Ed: 403; rest: 404", 422),
    Line("application_update", of(pk="application.pk"), "SA AA: 200; DA Ed: 403; rest: 404", 422),
    Line("application_delete", of(pk="application.pk"), "SA AA: 200; DA Ed: 403; rest: 404", 302),
    Line("webhooks", NONE, HOOKED),
    Line("webhook_create", NONE, HOOKED, 422),
    Line("webhook_update", of(pk="webhook.pk"), HOOKED, 422),
    Line("webhook_deliveries", of(pk="webhook.pk"), HOOKED),
    Line("webhook_rotate", of(pk="webhook.pk"), HOOKED, 422),
    Line("webhook_test", of(pk="webhook.pk"), HOOKED.replace("200", "405"), 302),
    Line("webhook_delete", of(pk="webhook.pk"), HOOKED, 302),
    Line("delivery_again", of(pk="delivery.pk"), HOOKED.replace("200", "405"), 302),
    Line("application_key_create", of(application="application.pk"), "SA AA: 200; nobody rest: 403", 422),
    Line("effective", NONE, "SA DA Ed RM AA: 200; rest: 404"),
    Line("audit", NONE, "SA DA AA: 200; rest: 404"),
    Line("audit_export", lambda world: {"kind": "csv"}, "SA DA AA: 200; rest: 404"),
    Line("settings", NONE, "rest: 200"),
    Line("cluster_connect", NONE, "SA: 200; rest: 403", 422),
    Line("cluster_simulate", NONE, "SA: 200; rest: 403", 422),
    Line("cluster", of(pk="cluster.pk"), "SA Vi AA: 200; rest: 404"),
    Line("cluster_reconnect", of(pk="cluster.pk"), "SA: 200; Vi AA: 403; rest: 404", 422),
    Line("cluster_disconnect", of(pk="cluster.pk"), "SA: 200; Vi AA: 403; rest: 404", 302),
    Line("user_create", NONE, "SA: 200; rest: 403", 422),
    Line("user_deactivate", of(pk="people.viewer.pk"), "SA: 200; rest: 403", 302),
    Line("user_activate", of(pk="people.viewer.pk"), "SA: 200; rest: 403", 302),
    Line("user_password_reset", of(pk="people.viewer.pk"), "SA: 200; rest: 403", 200),
    Line("user_unlink", of(pk="people.viewer.pk"), "SA: 404; rest: 403"),
    Line("user_second_factor_reset", of(pk="people.viewer.pk"), "SA: 200; rest: 403", 422),
    # --- quotas
    Line("quotas", NONE, "En Co Ds Te Cr: 404; rest: 200"),
    Line("quotas_csv", NONE, "En Co Ds Te Cr: 404; rest: 200"),
    *(
        Line(name, NONE, "En Co Ds Te Cr: 404; SA DA Ed: 405; rest: 403", 422)
        for name in ("quotas_effect", "quotas_save", "quotas_undo")
    ),
    Line("quota_cell", of(unit="project.pk", pool="pool.pk"), "En Co Ds Te Cr: 404; rest: 200"),
    Line("quota_cell", of(unit="department.pk", pool="pool.pk"), "En Co Ds Te Cr L1 L2 ML: 404; rest: 200"),
    Line("quota_cell", of(unit="elsewhere.pk", pool="pool.pk"), "SA Vi AA: 200; rest: 404"),
    Line(
        "quota_split",
        of(unit="department.pk", pool="pool.pk"),
        "SA DA Ed: 422; En Co Ds Te Cr L1 L2 ML: 404; rest: 403",
        "SA DA Ed: 405; En Co Ds Te Cr L1 L2 ML: 404; rest: 403",
    ),
    Line("findings", NONE, "En Co Ds Te Cr: 404; rest: 200"),
    Line("findings_csv", NONE, "En Co Ds Te Cr: 404; rest: 200"),
    Line("guard", lambda world: {"pk": world.account.pk, "level": 2}, "SA: 200; Vi AA: 403; rest: 404", 422),
    Line("guard", lambda world: {"pk": world.cluster.pk, "level": 1}, "SA: 200; Vi AA: 403; rest: 404", 422),
    Line("guard", lambda world: {"pk": world.department.pk, "level": 1}, "rest: 404"),
    Line("pools_close", NONE, "SA: 200; rest: 403", 302),
    Line("pools_open", NONE, "SA: 200; rest: 403", 302),
    Line("pool_choice", NONE, "SA: 200; rest: 403", 422),
    Line("node_pools", NONE, "En Co Ds Te Cr: 404; rest: 200"),
    Line("pool_create", NONE, "SA: 200; En Co Ds Te Cr: 404; rest: 403", 422),
    Line("pool", of(pk="pool.pk"), "En Co Ds Te Cr: 404; rest: 200", "SA: 422; En Co Ds Te Cr: 404; rest: 403"),
    Line("pool_delete", of(pk="pool.pk"), "SA: 200; En Co Ds Te Cr: 404; rest: 403", 422),
    Line("pool_matching", NONE, "SA: 200; rest: 404"),
    Line(
        "pool_order",
        of(pk="project.pk"),
        "SA DA Ed: 200; En Co Ds Te Cr: 404; rest: 403",
        "SA DA Ed: 302; En Co Ds Te Cr: 404; rest: 403",
    ),
    Line("pool_order", of(pk="elsewhere.pk"), "SA: 200; Vi AA: 403; rest: 404", "SA: 302; Vi AA: 403; rest: 404"),
    Line("pool_table", NONE, "En Co Ds Te Cr: 404; rest: 200"),
    Line("pools_csv", NONE, "En Co Ds Te Cr: 404; rest: 200"),
    Line("pools_suggested", suggested, "SA: 200; rest: 404", 422),
    Line("topology_create", NONE, "SA: 200; En Co Ds Te Cr: 404; rest: 403", 422),
    Line("topology", of(pk="topology.pk"), "SA: 200; En Co Ds Te Cr: 404; rest: 403", 422),
    Line("topology_delete", of(pk="topology.pk"), "SA: 200; En Co Ds Te Cr: 404; rest: 403", 302),
    Line("nodes", NONE, "SA DA Ed ML Vi AA: 200; rest: 404"),
    Line("node", of(pk="node.pk"), "SA DA Ed ML Vi AA: 200; rest: 404"),
    # --- scheduling
    Line("overview", NONE, "rest: 200"),
    Line("reports", NONE, "rest: 200"),
    Line("reports_csv", NONE, "rest: 200"),
    *(Line(name, NONE, "rest: 405", "rest: 302") for name in ("tour_close", "tour_open")),
    Line("my_work", NONE, "SA DA Ed RM L1 L2 ML: 200; rest: 404"),
    Line("submit", NONE, "SA DA Ed RM L1 L2 ML: 200; Vi DV AA: 403; rest: 404", 422),
    Line("submit_yaml", NONE, "SA DA Ed RM L1 L2 ML: 200; Vi DV AA: 403; rest: 404", 422),
    Line("submit_shapes", NONE, "rest: 404", "rest: 404"),
    Line("workloads", NONE, "En Co Ds Te Cr: 404; rest: 200"),
    Line("workload", of(pk="workload.pk"), "En Co Ds Te Cr: 404; rest: 200"),
    Line("workload", of(pk="work_elsewhere.pk"), "SA Vi AA: 200; rest: 404", "En Co Ds Te Cr: 404; rest: 405"),
    Line("workload_why", of(pk="workload.pk"), "En Co Ds Te Cr: 404; rest: 405", "En Co Ds Te Cr: 404; rest: 302"),
    Line("workload_why", of(pk="work_elsewhere.pk"), "En Co Ds Te Cr: 404; rest: 405", "SA Vi AA: 302; rest: 404"),
    Line(
        "workload_stop",
        of(pk="workload.pk"),
        "En Co Ds Te Cr: 404; rest: 405",
        "SA DA Ed RM L1: 302; En Co Ds Te Cr: 404; rest: 403",
    ),
    Line(
        "workload_resume",
        of(pk="workload.pk"),
        "En Co Ds Te Cr: 404; rest: 405",
        "SA DA Ed RM L1: 302; En Co Ds Te Cr: 404; rest: 403",
    ),
    Line(
        "workload_delete",
        of(pk="workload.pk"),
        "En Co Ds Te Cr: 404; rest: 405",
        "SA DA Ed RM L1: 302; En Co Ds Te Cr: 404; rest: 403",
    ),
    *(
        Line(
            name,
            of(pk="work_of_l2.pk"),
            "En Co Ds Te Cr: 404; rest: 405",
            "SA DA Ed RM L2: 302; En Co Ds Te Cr: 404; rest: 403",
        )
        for name in ("workload_stop", "workload_resume", "workload_delete")
    ),
    Line("scheduler", NONE, "rest: 200"),
    Line("cycles", NONE, "rest: 200"),
    Line("cycle", of(pool="pool.pk", cycle="cycle.cycle"), "En Co Ds Te Cr: 404; rest: 200"),
    Line("cycle", of(pool="default_pool.pk", cycle="cycle.cycle"), "rest: 404"),
    Line(
        "cycle_ask",
        of(pool="pool.pk"),
        "En Co Ds Te Cr: 404; rest: 405",
        "SA: 302; En Co Ds Te Cr: 404; rest: 403",
    ),
    Line("saved_cycle", of(pk="saved.pk"), "SA Vi AA: 200; rest: 404"),
    Line("saved_cycle_delete", of(pk="saved.pk"), "SA Vi AA: 405; rest: 404", "SA: 302; Vi AA: 403; rest: 404"),
]


def named_patterns(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    """The names of all addresses but Django's admin; one without a name is named by its route."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name or prefix + str(pattern.pattern)
        elif isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            yield from named_patterns(pattern.url_patterns, prefix + str(pattern.pattern))


def test_every_address_has_a_line() -> None:
    listed = {line.name for line in LINES} | {endpoint.name for endpoint in ENDPOINTS}
    known = set(named_patterns(get_resolver().url_patterns))
    assert known - listed == set(), "addresses without a line"
    assert listed - known == set(), "lines without an address"


@pytest.mark.parametrize("who", ["anonymous", "nobody", *ROLES])
def test_what_every_address_answers(who: str) -> None:
    world = make_world()
    client = signed_in(world.people[who]) if who in world.people else Client()
    session = client.cookies.copy()
    cache.clear()  # how often somebody asked for a password
    wrong = []
    for line in LINES:
        url = reverse(line.name, kwargs=line.arguments(world))
        for method in ("get", "post"):
            with transaction.atomic():
                status = getattr(client, method)(url).status_code
                transaction.set_rollback(True)
            client.cookies = session.copy()  # signing out is rolled back, too
            if status != line.status(who, method):
                wrong.append(f"{line.name} {url} {method} as {who}: {status}, not {line.status(who, method)}")
    assert not wrong, "\n".join(wrong)


def test_other_methods_are_none_of_any_page() -> None:
    """Of the pages of Bursar's own; allauth takes a PUT for an empty form. What is refused anyway may say so first."""
    world = make_world()
    client = signed_in(world.people["SA"])
    answers = {
        (line.name, method): getattr(client, method)(reverse(line.name, kwargs=line.arguments(world))).status_code
        for line in LINES
        if not line.name.startswith(("account_", "mfa_"))
        for method in ("put", "patch", "delete")
    }
    assert {asked: status for asked, status in answers.items() if status not in (401, 403, 404, 405)} == {}


@pytest.fixture
def clients() -> tuple[World, dict[str, Client]]:
    world = make_world()
    people = {"anonymous": Client(), "nobody": signed_in(world.people["nobody"])}
    return world, people | {role: signed_in(world.people[role]) for role in ROLES}


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
    expected = {"anonymous": {302}, "SA": {200}}
    for role, client in by_role.items():
        answers = {url: client.get(url, follow=role not in ("anonymous", "SA")).status_code for url in urls}
        odd = {url: status for url, status in answers.items() if status not in expected.get(role, {404})}
        assert odd == {}, role


def test_admin_never_writes(clients: tuple[World, dict[str, Client]]) -> None:
    world, by_role = clients
    for action in ("add", "change", "delete"):
        arguments = [] if action == "add" else [world.project.pk]
        response = by_role["SA"].post(reverse(f"admin:orgs_orgunit_{action}", args=arguments), {"name": "hacked"})
        assert response.status_code == 403
    world.project.refresh_from_db()
    assert world.project.name == "vis-3d"


def test_admin_hides_secrets(clients: tuple[World, dict[str, Client]]) -> None:
    world, by_role = clients
    page = by_role["SA"].get(reverse("admin:orgs_user_change", args=[world.people["viewer"].pk]))
    assert world.people["viewer"].password not in page.content.decode()
    page = by_role["SA"].get(reverse("admin:orgs_clusterinfo_change", args=[world.cluster.pk]))
    assert b"redentials" not in page.content
