"""The Access page: rules, roles, people, groups, applications, and what follows from them for somebody or a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.paginator import Page as ListPage
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from orgs.access import may
from orgs.access_words import groups_answer, people_answer, roles_answer, rules_answer
from orgs.models import Group, OrgUnit, Role, UnitKind
from orgs.selectors.people import groups, people
from orgs.selectors.roles import role_sections, roles_listed
from orgs.selectors.rule_list import STATES, rule_counts, rules_found, rules_in_scope
from orgs.selectors.rule_syncs import kubernetes_clusters, rules_in_clusters
from orgs.views.base import Page, searched
from portal.asked import page_size, whole_number

M = TypeVar("M", bound=Model)
SIZES = (25, 50, 100)


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url_name: str
    permission: str


TABS = (
    Tab("Rules", "access", "access_rule:read"),
    Tab("Roles", "roles", "role:read"),
    Tab("People", "people", "user:read"),
    Tab("Groups", "groups", "group:read"),
    Tab("Applications", "applications", "application:read"),
    Tab("Access keys", "keys", "access_key:read"),
    Tab("Webhooks", "webhooks", "webhook:read"),
    Tab("Effective access", "effective", "access_rule:read"),
)


def paged(request: HttpRequest, rows: QuerySet[M]) -> ListPage[M]:
    return Paginator(rows, page_size(request.GET, SIZES)).get_page(request.GET.get("page"))


def on_account(user: Any, action: str, entity: str) -> bool:
    account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
    return account is not None and may(user, action, entity, account)


class AccessPage(Page):
    """What the tabs share: `tab` is the name of the URL of the one that is open."""

    template_name = "orgs/access/page.html"
    fragment_template = "orgs/access/body.html"
    tab: str

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        tabs = [tab for tab in TABS if may(user, tab.permission.split(":")[1], tab.permission.split(":")[0])]
        return super().get_context_data(
            tabs=tabs,
            tab=self.tab,
            tab_label=next(tab.label for tab in TABS if tab.url_name == self.tab),
            tab_template=f"orgs/access/{self.tab}.html",
            search=searched(self.request),
            **kwargs,
        )


class RulesPage(AccessPage):
    permission = "access_rule:read"
    tab = "access"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        everything = rules_in_scope(self.request)
        counts = rule_counts(everything)
        page = paged(self.request, rules_found(everything, self.request, searched(self.request)))
        clusters = kubernetes_clusters()
        holds = rules_in_clusters(list(page), clusters)
        rows = [
            (
                rule,
                holds.get(rule.pk, []),
                may(user, "update", "access_rule", rule.scope),
                may(user, "delete", "access_rule", rule.scope),
            )
            for rule in page
        ]
        return super().get_context_data(
            answer=rules_answer(counts, self.scope),
            page=page,
            rows=rows,
            in_clusters=bool(clusters),
            clusters=[info for info in clusters if may(user, "read", "access_rule", info.unit)],
            narrowed=any(self.request.GET.get(name) for name in ("q", "role", "kind", "state")),
            role_options=list(Role.objects.order_by("-built_in", "name").values_list("pk", "name")),
            kind_options=[("person", "people"), ("group", "groups"), ("application", "applications")],
            state_options=list(STATES.items()),
            may_grant=may(user, "create", "access_rule"),
            **kwargs,
        )


class RolesPage(AccessPage):
    permission = "role:read"
    tab = "roles"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        roles = roles_listed(self.request)
        wanted = whole_number(self.request.GET.get("role", ""))
        role = next((one for one in roles if one.pk == wanted), roles[0])
        held = set(role.permissions.values_list("permission", flat=True))
        return super().get_context_data(
            answer=roles_answer(roles),
            roles=roles,
            role=role,
            role_chosen=wanted == role.pk,
            sections=role_sections(held),
            may_create=on_account(user, "create", "role"),
            may_update=on_account(user, "update", "role"),
            may_delete=on_account(user, "delete", "role"),
            **kwargs,
        )


class PeoplePage(AccessPage):
    permission = "user:read"
    tab = "people"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = paged(self.request, people(self.request, searched(self.request)))
        return super().get_context_data(
            answer=people_answer(),
            page=page,
            may_create=on_account(self.request.user, "create", "user"),
            may_update=on_account(self.request.user, "update", "user"),
            **kwargs,
        )


class GroupsPage(AccessPage):
    permission = "group:read"
    tab = "groups"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        found = groups(self.request, searched(self.request))
        page = paged(self.request, found)
        wanted = whole_number(self.request.GET.get("group", ""))
        group: Group | None = found.filter(pk=wanted).first() if wanted else None
        if group is None:
            group = next(iter(page.object_list), None)
        return super().get_context_data(
            answer=groups_answer(),
            page=page,
            group=group,
            group_chosen=group is not None and group.pk == wanted,
            may_create=on_account(user, "create", "group"),
            may_update=on_account(user, "update", "group"),
            may_delete=on_account(user, "delete", "group"),
            **kwargs,
        )


def access_url(name: str = "access", **query: Any) -> str:
    """A tab of the Access page, with something selected in it."""
    chosen = "&".join(f"{key}={value}" for key, value in query.items())
    return reverse(name) + (f"?{chosen}" if chosen else "")
