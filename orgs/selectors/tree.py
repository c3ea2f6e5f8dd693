"""The organization as rows of a tree, with the figures of each unit; a fixed number of queries for any size."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields
from typing import Any

from django.db.models import Count

from orgs import hooks
from orgs.access import may, within
from orgs.hooks import Figures
from orgs.models import AccessRule, OrgUnit, ProjectInfo, UnitKind
from orgs.names import DEFAULT_DEPARTMENT
from orgs.scope import below, visible_units
from orgs.services.unit import is_default_department

MOST_ROWS = 600
"""On one page. Where there are more units, projects are left to the page of their department."""
MOST_OPEN = 100
"""Up to so many rows the tree starts open, else its departments are closed."""


@dataclass(slots=True)
class Row:
    """A unit as the tree shows it."""

    unit: OrgUnit
    level: int
    position: int
    siblings: int
    expanded: bool | None
    """None: nothing to open here."""
    hidden: bool
    """Below something closed."""
    dimmed: bool
    """Only the way to what was searched for."""
    left_out: int
    """Projects of it that are not among the rows."""
    figures: Figures = field(default_factory=Figures)
    people: int | None = None
    """Holding a role here or below; None: not for this reader."""
    selected: bool = False
    scale: int = 1
    """milli-GPU that a full bar stands for: the largest of its kind."""
    may_rename: bool = False
    """So `may_delete`, `may_move`: what the reader may do to it."""
    may_delete: bool = False
    may_move: bool = False

    @property
    def expandable(self) -> bool:
        return self.expanded is not None

    @property
    def speaks(self) -> bool:
        """Whether there is a status to show: only exceptions have one."""
        if self.unit.kind == UnitKind.PROJECT:
            return self.unit.project_info.phase != ProjectInfo.Phase.READY
        return self.unit.kind == UnitKind.CLUSTER or self.left_out > 0


@dataclass(frozen=True, slots=True)
class Tree:
    rows: list[Row]
    kinds: Counter[int]
    """How many units of which kind the scope holds."""
    total: Figures
    left_out: int
    """Units found that there is no room for."""


def tree(user: Any, scope: OrgUnit | None, search: str = "") -> Tree:
    """What `user` may see of `scope`: all of it, or what has `search` in its name with the way to it."""
    units = {unit.pk: unit for unit in visible_units(user).filter(below(scope)).defer("description").order_by("path")}
    kinds = Counter(unit.kind for unit in units.values())
    matching = [unit for unit in units.values() if search.lower() in unit.name.lower()] if search else None
    shown = _with_ancestors(units, matching[:MOST_ROWS]) if matching is not None else _fitting(units)
    rows = _rows(units, shown, {unit.pk for unit in matching} if matching is not None else None)
    _add_info(rows)
    total = _add_figures(rows, units)
    _add_people(rows, user)
    _add_rights(rows, user)
    left_out = max(len(matching) - MOST_ROWS, 0) if matching is not None else len(units) - len(shown)
    return Tree(rows, kinds, total, left_out)


def _with_ancestors(units: dict[int, OrgUnit], found: list[OrgUnit]) -> dict[int, OrgUnit]:
    return {pk: units[pk] for unit in found for pk in unit.ancestor_ids if pk in units}


def _fitting(units: dict[int, OrgUnit]) -> dict[int, OrgUnit]:
    """All, or the upper levels and as many projects as there is room for when they are those of a single department."""
    if len(units) <= MOST_ROWS:
        return units
    groups = {pk: unit for pk, unit in units.items() if unit.kind != UnitKind.PROJECT}
    if len(groups) > 1:
        return dict(list(groups.items())[:MOST_ROWS])
    projects = sorted((unit for unit in units.values() if unit.kind == UnitKind.PROJECT), key=_order)
    return groups | {unit.pk: unit for unit in projects[:MOST_ROWS]}


def _order(unit: OrgUnit) -> tuple[bool, bool, str]:
    """Departments before projects, by name; the default department last."""
    return unit.kind == UnitKind.PROJECT, unit.name == DEFAULT_DEPARTMENT, unit.name


def _rows(units: dict[int, OrgUnit], shown: dict[int, OrgUnit], matching: set[int] | None) -> list[Row]:
    children: dict[int | None, list[OrgUnit]] = defaultdict(list)
    for unit in shown.values():
        children[unit.parent_id if unit.parent_id in shown else None].append(unit)
    left_out = Counter(unit.parent_id for pk, unit in units.items() if pk not in shown)
    all_open = matching is not None or len(shown) <= MOST_OPEN
    rows: list[Row] = []

    def walk(parent: int | None, level: int, hidden: bool) -> None:
        siblings = sorted(children[parent], key=_order)
        for position, unit in enumerate(siblings, 1):
            expanded = None
            if children[unit.pk]:
                expanded = all_open or unit.kind < UnitKind.DEPARTMENT
            dimmed = matching is not None and unit.pk not in matching
            left = left_out[unit.pk] if matching is None else 0
            rows.append(Row(unit, level, position, len(siblings), expanded, hidden, dimmed, left))
            walk(unit.pk, level + 1, hidden or expanded is False)

    walk(None, 1, False)
    return rows


def _add_info(rows: list[Row]) -> None:
    """Cluster and project rows with what only they have."""
    units = [row.unit for row in rows]
    info = OrgUnit.objects.filter(pk__in=[unit.pk for unit in units]).select_related("cluster_info", "project_info")
    whole = {unit.pk: unit for unit in info}
    for row in rows:
        row.unit = whole.get(row.unit.pk, row.unit)


def _add_figures(rows: list[Row], units: dict[int, OrgUnit]) -> Figures:
    """Figures and scales of the rows; the sum over the topmost units that have figures: below the account."""
    tops = [
        unit.pk
        for unit in units.values()
        if unit.kind != UnitKind.ACCOUNT
        and (unit.parent_id not in units or units[unit.parent_id].kind == UnitKind.ACCOUNT)
    ]
    figures = hooks.unit_figures(sorted({row.unit.pk for row in rows} | set(tops)))
    total = add_up([figures[pk] for pk in tops if pk in figures])
    scales: dict[int, int] = defaultdict(lambda: 1)
    for row in rows:
        row.figures = total if row.unit.kind == UnitKind.ACCOUNT else figures.get(row.unit.pk, row.figures)
        widest = max(row.figures.quota_gpu_milli + row.figures.over_gpu_milli, row.figures.used_gpu_milli)
        scales[row.unit.kind] = max(scales[row.unit.kind], widest)
    for row in rows:
        row.scale = scales[row.unit.kind]
    return total


def add_up(parts: list[Figures]) -> Figures:
    return Figures(**{part.name: sum(getattr(one, part.name) for one in parts) for part in fields(Figures)})


def _add_people(rows: list[Row], user: Any) -> None:
    rules = within(AccessRule.objects.all(), user, "access_rule:read", "scope")
    subjects: dict[int, set[int]] = defaultdict(set)
    for path, subject in (
        rules.values_list("scope__path", "subject").annotate(times=Count("id")).values_list("scope__path", "subject")
    ):
        for pk in path.split("/")[1:-1]:
            subjects[int(pk)].add(subject)
    for row in rows:
        if may(user, "read", "access_rule", row.unit):
            row.people = len(subjects[row.unit.pk])


def _add_rights(rows: list[Row], user: Any) -> None:
    for row in rows:
        unit = row.unit
        kind = unit.get_kind_display()
        row.may_rename = may(user, "update", kind, unit)
        if unit.kind in (UnitKind.DEPARTMENT, UnitKind.PROJECT) and not is_default_department(unit):
            row.may_delete = may(user, "delete", kind, unit)
            row.may_move = may(user, "delete", kind, OrgUnit(path=unit.path.removesuffix(f"{unit.pk}/")))
