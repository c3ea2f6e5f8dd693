"""The organization as rows of a tree, with the figures of each unit; a fixed number of queries for any size."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from orgs import hooks
from orgs.access import may, within
from orgs.hooks import Figures
from orgs.models import AccessRule, OrgUnit, ProjectInfo, UnitKind, in_force
from orgs.names import DEFAULT_DEPARTMENT
from orgs.scope import below, visible_units
from orgs.services.unit import is_default_department

MOST_ROWS = 600
"""On one page. Where there are more units, what lies in departments is shown when they are opened."""
PART = 200
"""So many units of an opened one are shown at a time."""
LONGEST_OPENED = 2000
"""Characters of the address that say what was opened."""
MOST_OPEN = 100
"""Up to so many rows the tree starts open, else its departments are closed."""


@dataclass(frozen=True, slots=True)
class More:
    """Units of one parent that are not among the rows."""

    parent: int
    """0: the topmost."""
    level: int
    number: int
    opening: str
    """What the address says (`?open=`) to show more of them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Which units of a large tree the reader opened, and how many parts of each: `?open=12,34x2`."""

    parts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Opened:
        """What is not understood is left out."""
        parts = {}
        for one in text[:LONGEST_OPENED].split(","):
            found = re.fullmatch(r"([0-9]{1,18})(?:x([1-9][0-9]{0,3}))?", one)
            if found:
                parts[int(found[1])] = int(found[2] or 1)
        return cls(parts)

    def with_parts(self, unit: int, number: int) -> str:
        """Its text when `number` parts of a unit are opened, as the last that was."""
        parts = {pk: parts for pk, parts in self.parts.items() if pk != unit} | {unit: number}
        return ",".join(f"{pk}x{number}" if number > 1 else str(pk) for pk, number in parts.items())


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
    opening: str = ""
    """What the address says (`?open=`) to open it, where none of them is."""
    more: list[More] = field(default_factory=list)
    """What there is no room for, to be offered after this row."""
    dimmed: bool = False
    """Only the way to what was searched for."""
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
        return self.unit.kind == UnitKind.CLUSTER


@dataclass(frozen=True, slots=True)
class Tree:
    rows: list[Row]
    kinds: Counter[int]
    """How many units of which kind the scope holds."""
    total: Figures
    left_out: int
    """Units found that there is no room for."""


class Known(NamedTuple):
    """A unit, as much of it as it takes to lay out a tree of thousands."""

    pk: int
    parent: int | None
    kind: int
    name: str

    @property
    def order(self) -> tuple[bool, bool, str]:
        """Departments before projects, by name; the default department last."""
        return self.kind == UnitKind.PROJECT, self.name == DEFAULT_DEPARTMENT, self.name


Units = dict[int, Known]


def tree(user: Any, scope: OrgUnit | None, search: str = "", opened: Opened = Opened()) -> Tree:
    """What `user` may see of `scope`: all of it, or what has `search` in its name with the way to it.

    Where that is more than there is room for: the upper levels, and what is inside the units that were `opened`.
    """
    found = visible_units(user).filter(below(scope)).order_by().values_list("pk", "parent_id", "kind", "name")
    units: Units = {row[0]: Known._make(row) for row in found}
    layout = _Layout(units)
    if search:
        matching = {pk for pk, unit in units.items() if search.lower() in unit.name.lower()}
        rows = layout.searched(sorted(matching, key=lambda pk: units[pk].order))
        left_out = max(len(matching) - MOST_ROWS, 0)
    else:
        rows = layout.whole() if len(units) <= MOST_ROWS else layout.unfolded(opened)
        left_out = layout.without_room
    _add_info(rows)
    total = _add_figures(rows, units)
    _add_people(rows, units, user, scope)
    _add_rights(rows, user)
    return Tree(rows, Counter(unit.kind for unit in units.values()), total, left_out)


class _Layout:
    """Which of the units are rows, and how they lie."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.opened = Opened()
        self.children: dict[int | None, list[Known]] = defaultdict(list)
        for unit in units.values():
            self.children[unit.parent if unit.parent in units else None].append(unit)
        for siblings in self.children.values():
            siblings.sort(key=lambda unit: unit.order)
        self.rows: list[Row] = []
        self.without_room = 0

    def whole(self) -> list[Row]:
        """All of it; what is below departments folded where that is much."""
        all_open = len(self.units) <= MOST_OPEN
        self._walk(None, 1, lambda unit: (all_open or unit.kind < UnitKind.DEPARTMENT, len(self.units)))
        return self.rows

    def unfolded(self, opened: Opened) -> list[Row]:
        """The upper levels, and a part of what lies in each opened unit; of these the last ones, when it gets much."""
        self.opened = opened
        tops = self.children[None] if len(self.children[None]) == 1 else []
        above = sorted((unit for unit in self.units.values() if unit.kind < UnitKind.DEPARTMENT), key=lambda u: u.kind)
        upper = [None, *dict.fromkeys(unit.pk for unit in [*tops, *above])]
        room = MOST_ROWS
        shown: dict[int | None, int] = {}
        for pk in [*upper, *reversed([pk for pk in opened.parts if pk not in upper])]:
            shown[pk] = min(len(self.children.get(pk, ())), PART * opened.parts.get(pk or 0, 1), room)
            room -= shown[pk]
        self._walk(None, 1, lambda unit: (True, shown.get(unit.pk, 0)), shown[None])
        return self.rows

    def whole_open(self) -> list[Row]:
        self._walk(None, 1, lambda unit: (True, len(self.units)), len(self.units))
        return self.rows

    def searched(self, matching: list[int]) -> list[Row]:
        """The matching units, as many as there is room for, and the way to them, dimmed."""
        found = set(matching[:MOST_ROWS])
        shown: Units = {}
        for pk in found:
            unit: Known | None = self.units[pk]
            while unit is not None and unit.pk not in shown:
                shown[unit.pk] = unit
                unit = self.units.get(unit.parent or 0)
        rows = _Layout(shown).whole_open()
        for row in rows:
            row.dimmed = row.unit.pk not in found
        return rows

    def _walk(
        self,
        parent: int | None,
        level: int,
        part: Callable[[Known], tuple[bool, int]],
        first: int = MOST_ROWS,
        hidden: bool = False,
    ) -> None:
        """`part`: whether a unit starts open, and how many of its children are rows; `first`: how many of these are."""
        siblings = self.children[parent]
        for position, unit in enumerate(siblings[:first], 1):
            inside = len(self.children.get(unit.pk, ()))
            is_open, shown = part(unit)
            row = Row(
                unit=OrgUnit(pk=unit.pk, kind=unit.kind, name=unit.name, parent_id=unit.parent),
                level=level,
                position=position,
                siblings=len(siblings),
                expanded=(is_open and shown > 0) if inside else None,
                hidden=hidden,
                opening=self.opened.with_parts(unit.pk, 1) if inside and not shown else "",
            )
            self.rows.append(row)
            if inside and shown:
                self._walk(unit.pk, level + 1, part, shown, hidden or not is_open)
        left = len(siblings) - first
        if left > 0 and self.rows:
            opening = self.opened.with_parts(parent or 0, self.opened.parts.get(parent or 0, 1) + 1)
            self.rows[-1].more.append(More(parent or 0, level, left, opening))
            self.without_room += left


def _add_info(rows: list[Row]) -> None:
    """Cluster and project rows with what only they have."""
    units = [row.unit for row in rows]
    info = OrgUnit.objects.filter(pk__in=[unit.pk for unit in units]).select_related("cluster_info", "project_info")
    whole = {unit.pk: unit for unit in info}
    rows[:] = [row for row in rows if row.unit.pk in whole]
    for row in rows:
        row.unit = whole[row.unit.pk]


def _add_figures(rows: list[Row], units: Units) -> Figures:
    """Figures and scales of the rows; the sum over the topmost units that have figures: below the account."""
    tops = [
        unit.pk
        for unit in units.values()
        if unit.kind != UnitKind.ACCOUNT and (unit.parent not in units or units[unit.parent].kind == UnitKind.ACCOUNT)
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


def _add_people(rows: list[Row], units: Units, user: Any, scope: OrgUnit | None) -> None:
    shown = {row.unit.pk: row for row in rows if may(user, "read", "access_rule", row.unit)}
    if not shown:
        return
    rules = within(AccessRule.objects.filter(in_force(), below(scope, "scope")), user, "access_rule:read", "scope")
    inside: dict[int, set[int]] = defaultdict(set)
    for unit, subject in rules.order_by().values_list("scope", "subject"):
        inside[unit].add(subject)
    subjects: dict[int, set[int]] = defaultdict(set)
    for unit, people in inside.items():
        above = units.get(unit)
        while above is not None:
            if above.pk in shown:
                subjects[above.pk] |= people
            above = units.get(above.parent or 0)
    for pk, row in shown.items():
        row.people = len(subjects[pk])


def _add_rights(rows: list[Row], user: Any) -> None:
    for row in rows:
        unit = row.unit
        kind = unit.get_kind_display()
        row.may_rename = may(user, "update", kind, unit)
        if unit.kind in (UnitKind.DEPARTMENT, UnitKind.PROJECT) and not is_default_department(unit):
            row.may_delete = may(user, "delete", kind, unit)
            row.may_move = may(user, "delete", kind, OrgUnit(path=unit.path.removesuffix(f"{unit.pk}/")))
