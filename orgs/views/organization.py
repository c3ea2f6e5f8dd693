"""The Organization page: the tree, and the panel of the unit that is selected in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orgs import hooks
from orgs.access import may, scopes_with
from orgs.hooks import Figures
from orgs.models import OrgUnit, UnitKind
from orgs.scope import visible_units
from orgs.selectors.rules import rules_of
from orgs.selectors.tree import Opened, Row, Tree, tree
from orgs.services.unit import is_default_department
from orgs.views.base import Page, searched
from orgs.words import organization_answer
from portal.asked import whole_number


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done to the selected unit, or why it cannot."""

    name: str
    """Of its URL."""
    label: str
    why_not: str = ""


class OrganizationPage(Page):
    permission = "project:read"
    template_name = "orgs/organization.html"
    fragment_template = "orgs/organization_body.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        search = searched(self.request)
        opened = Opened.read(self.request.GET.get("open", ""))
        found = tree(self.request.user, self.scope, search, opened)
        selected = self.selected(found)
        context = super().get_context_data(**kwargs)
        context |= {"tree": found, "search": search, "answer": organization_answer(found, self.scope)}
        if selected is not None:
            for row in found.rows:
                row.selected = row.unit == selected
            context |= self.panel(selected, found)
        context["may_connect"] = may(self.request.user, "create", "cluster")
        has_place = set(found.kinds) - {UnitKind.ACCOUNT}
        context["may_import"] = bool(has_place) and may(self.request.user, "create", "project")
        context["department_parent"] = self.department_parent(selected, found)
        return context

    def selected(self, found: Tree) -> OrgUnit | None:
        """The unit in the address; without one the first of the tree, which is then not a drawer on narrow screens."""
        wanted = whole_number(self.request.GET.get("unit", ""))
        if wanted is not None:
            unit = visible_units(self.request.user).filter(pk=wanted).select_related("parent", "cluster").first()
            if unit is not None:
                return unit
        return found.rows[0].unit if found.rows else None

    def department_parent(self, selected: OrgUnit | None, found: Tree) -> OrgUnit | None:
        """Where the page's first button makes a department: in the selected unit's cluster, or in the only one."""
        clusters = [row.unit for row in found.rows if row.unit.kind == UnitKind.CLUSTER]
        cluster = clusters[0] if len(clusters) == 1 else None
        if selected is not None and selected.cluster is not None:
            cluster = selected.cluster
        if cluster is not None and may(self.request.user, "create", "department", cluster):
            return cluster
        return None

    def panel(self, unit: OrgUnit, found: Tree) -> dict[str, Any]:
        user = self.request.user
        figures = _figures_of(unit, found.rows)
        rules = rules_of(unit, user) if may(user, "read", "access_rule", unit) else None
        pools = [] if unit.kind == UnitKind.ACCOUNT else hooks.unit_pool_figures(unit)
        return {
            "unit": unit,
            "unit_chosen": "unit" in self.request.GET,
            "figures": figures,
            "pools": pools,
            "pool_scale": max([max(p.figures.quota_gpu_milli, p.figures.used_gpu_milli) for p in pools] + [1]),
            "lending": hooks.unit_lending(unit, user),
            "pool_order": hooks.unit_pool_order(unit, user),
            "rules": rules,
            "may_grant": may(user, "create", "access_rule", unit),
            "adding": _adding(user, unit),
            "changing": _changing(user, unit),
            "may_quota": bool(scopes_with(user, "quota:read")),
        }


def _figures_of(unit: OrgUnit, rows: list[Row]) -> Figures:
    for row in rows:
        if row.unit.pk == unit.pk:
            return row.figures
    return hooks.unit_figures([unit.pk]).get(unit.pk, Figures())


def _missing(user: Any, action: str, entity: str, unit: OrgUnit) -> str:
    if may(user, action, entity, unit):
        return ""
    return f"This takes the permission “{entity}: {action}” in {unit.name}, which you do not have."


def _adding(user: Any, unit: OrgUnit) -> list[Deed]:
    """What can be made inside the unit; nothing in an account or a project."""
    deeds = []
    if unit.kind == UnitKind.DEPARTMENT:
        deeds.append(Deed("project_create", "New project", _missing(user, "create", "project", unit)))
    if unit.kind in (UnitKind.CLUSTER, UnitKind.DEPARTMENT):
        deeds.append(Deed("department_create", "New department", _missing(user, "create", "department", unit)))
    return deeds


def _changing(user: Any, unit: OrgUnit) -> list[Deed]:
    kind = unit.get_kind_display()
    deeds = [Deed("unit_rename", "Rename", _missing(user, "update", kind, unit))]
    if unit.kind == UnitKind.CLUSTER:
        deeds.append(Deed("cluster_disconnect", "Disconnect", _missing(user, "delete", kind, unit)))
    elif unit.parent is not None and unit.kind != UnitKind.ACCOUNT:
        stays = "The default department of a cluster stays in it." if is_default_department(unit) else ""
        deeds.append(Deed("unit_move", "Move", stays or _missing(user, "delete", kind, unit.parent)))
        kept = "The default department of a cluster cannot be deleted." if is_default_department(unit) else ""
        deeds.append(Deed("unit_delete", "Delete", kept or _missing(user, "delete", kind, unit)))
    return deeds
