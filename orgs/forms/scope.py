"""The scope picker as a field of a form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from orgs.access import may
from orgs.models import OrgUnit, UnitKind
from orgs.scope import below, units_with, visible_units
from orgs.scope_picker import in_tree_order, offer, offer_only
from portal.asked import whole_numbers

INSIDE: dict[str, tuple[UnitKind, ...]] = {
    "project": (UnitKind.CLUSTER, UnitKind.DEPARTMENT),
    "department": (UnitKind.CLUSTER, UnitKind.DEPARTMENT),
}
"""Where what is created can lie; everything else can be chosen on any unit. Clusters show the way to departments."""
ONLY: dict[str, UnitKind] = {
    "training": UnitKind.PROJECT,
    "workspace": UnitKind.PROJECT,
    "inference": UnitKind.PROJECT,
    "pool": UnitKind.CLUSTER,
}
"""What lies in units of one kind alone: those where it may be done are offered, and the way to them is shown."""


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    unit: OrgUnit
    depth: int
    """From 1."""
    why_not: str
    """Shown, but not to be chosen."""
    above: bool
    """Only the way to what was searched for."""
    heading: bool = False
    """Only the way to what can be chosen."""
    inside: str = ""
    """Names of the headings that it lies under."""


@dataclass(frozen=True, slots=True)
class ScopeChoices:
    """The units on which `user` may choose to do `permission` (`entity:action`, of several with blanks between them
    one), limited to those `inside` a unit."""

    user: Any
    permission: str
    inside: OrgUnit | None = None
    clusters: bool = False
    """A project may be put into a cluster too: its default department takes it."""
    brief: bool = False
    """Only what is chosen is listed: for a part of a page that renews itself around a list that stays."""

    @property
    def entity(self) -> str:
        return self.permission.split(":")[0]

    @property
    def only(self) -> UnitKind | None:
        return ONLY.get(self.entity)

    def rows(self, search: str = "", chosen: Sequence[OrgUnit] = ()) -> tuple[list[ScopeChoice], bool]:
        """Rows to choose from, those that are chosen among them, and whether there are more."""
        visible = visible_units(self.user)
        if self.only is not None:
            units = self._units().none() if self.brief else self._units()
            groups = visible.exclude(kind=UnitKind.ACCOUNT)
            offered = offer_only(units, groups, chosen=chosen, search=search)
            return self._placed(offered.units, offered.above, headings=True), offered.cut
        units = visible.filter(below(self.inside))
        if self.entity in INSIDE:
            units = units.filter(Q(kind__in=INSIDE[self.entity]))
        offered = offer(units, current=chosen[0] if chosen else None, search=search)
        shown = in_tree_order([*offered.units, *(unit for unit in chosen if unit not in offered.units)])
        return self._placed(shown, offered.above), offered.cut

    def _placed(self, units: list[OrgUnit], above: set[int], *, headings: bool = False) -> list[ScopeChoice]:
        top = min((unit.path.count("/") for unit in units), default=0)
        names = {unit.pk: unit.name for unit in units if unit.kind != UnitKind.ACCOUNT}
        rows = []
        for unit in units:
            leads = unit.pk in above
            inside = " / ".join(names[pk] for pk in unit.ancestor_ids[:-1] if pk in names)
            why_not = "" if headings and leads else self.why_not(unit)
            depth = unit.path.count("/") - top + 1
            rows.append(ScopeChoice(unit, depth, why_not, leads and not headings, leads and headings, inside))
        return rows

    def _units(self) -> QuerySet[OrgUnit]:
        """What `find` knows of."""
        if self.only is not None:
            return units_with(self.user, self.permission, self.only).filter(below(self.inside))
        return visible_units(self.user).filter(below(self.inside))

    def open(self) -> QuerySet[OrgUnit]:
        """All that may be chosen."""
        if self.only is not None:
            return self._units()
        kinds = INSIDE.get(self.entity, tuple(UnitKind))
        if self.entity == "project" and not self.clusters:
            kinds = (UnitKind.DEPARTMENT,)
        found = OrgUnit.objects.none()
        for kind in kinds:
            found |= units_with(self.user, self.permission, kind)
        return found & self._units()

    def why_not(self, unit: OrgUnit) -> str:
        if self.entity == "project" and unit.kind != UnitKind.DEPARTMENT and not self.clusters:
            return "A project lies in a department."
        asked = [permission.split(":") for permission in self.permission.split()]
        if not any(may(self.user, action, entity, unit) for entity, action in asked):
            entity, action = asked[0]
            return f"This takes the permission “{entity.replace('_', ' ')}: {action}” there."
        return ""

    def found(self, pks: Iterable[str]) -> list[OrgUnit]:
        """Those of these ids that can be found, in their order."""
        wanted = whole_numbers(pks)
        units = {unit.pk: unit for unit in self._units().filter(pk__in=wanted)} if wanted else {}
        return [units[pk] for pk in dict.fromkeys(wanted) if pk in units]

    def find(self, pk: str) -> OrgUnit | None:
        """The unit with this id, if the person may see it and it lies inside."""
        return next(iter(self.found([pk])), None)


class ScopePicker(forms.Widget):
    """A search and the tree of units, one of which is chosen; works without scripts."""

    shape = "picker"
    template_name = "orgs/scope_choices.html"
    many = False
    choices: ScopeChoices

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        values = value if isinstance(value, list) else [value] if value else []
        chosen = self.choices.found(map(str, values))
        rows, cut = self.choices.rows(chosen=chosen)
        context = {"name": name, "choices": self.choices, "rows": rows, "cut": cut, "chosen": chosen}
        context |= {"many": self.many, "list": f"{(attrs or {}).get('id') or name}-rows"}
        context["picked"] = next((row for row in rows if row.unit in chosen), None)
        return render_to_string(self.template_name, context)


class ScopeMenu(ScopePicker):
    """The same, folded behind a button that shows what is chosen: for a field among others."""

    template_name = "orgs/scope_menu.html"


class ScopeField(forms.Field):
    """One unit. What may be chosen is said by `choices`, which the form gives it."""

    widget = ScopePicker
    default_error_messages = {"required": "No place is chosen. Choose one of the list."}

    def give(self, choices: ScopeChoices) -> None:
        self.choices = self.widget.choices = choices

    def to_python(self, value: Any) -> OrgUnit | None:
        if value in self.empty_values:
            return None
        unit = self.choices.find(str(value))
        if unit is None:
            raise forms.ValidationError("There is no such place here, or you may not see it. Choose one of the list.")
        why_not = self.choices.why_not(unit)
        if why_not:
            raise forms.ValidationError(f"{unit.name} cannot be chosen. {why_not}")
        return unit


class ScopesPicker(ScopePicker):
    """The same tree with boxes: several units."""

    many = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return list(data.getlist(name)) if hasattr(data, "getlist") else list(data.get(name, []))


class ScopesField(ScopeField):
    """Several units."""

    widget = ScopesPicker
    default_error_messages = {"required": "Nothing is chosen. Choose at least one unit of the list."}

    def to_python(self, value: Any) -> list[OrgUnit]:  # type: ignore[override]
        found = (super(ScopesField, self).to_python(one) for one in value or [])
        return [unit for unit in found if unit is not None]
