"""The scope picker as a field of a form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from orgs.access import may
from orgs.models import OrgUnit, UnitKind
from orgs.scope import below, visible_units
from orgs.scope_picker import in_tree_order, offer
from portal.asked import whole_numbers

INSIDE: dict[str, tuple[UnitKind, ...]] = {
    "project": (UnitKind.CLUSTER, UnitKind.DEPARTMENT),
    "department": (UnitKind.CLUSTER, UnitKind.DEPARTMENT),
}
"""Where what is created can lie; everything else can be chosen on any unit. Clusters show the way to departments."""


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    unit: OrgUnit
    depth: int
    """From 1."""
    why_not: str
    """Shown, but not to be chosen."""
    above: bool
    """Only the way to what was searched for."""


@dataclass(frozen=True, slots=True)
class ScopeChoices:
    """The units on which `user` may choose to do `permission` (`entity:action`), limited to those `inside` a unit."""

    user: Any
    permission: str
    inside: OrgUnit | None = None
    clusters: bool = False
    """A project may be put into a cluster too: its default department takes it."""

    def rows(self, search: str = "", chosen: Sequence[OrgUnit] = ()) -> tuple[list[ScopeChoice], bool]:
        """Rows to choose from, those that are chosen among them, and whether there are more."""
        entity = self.permission.split(":")[0]
        units = visible_units(self.user).filter(below(self.inside))
        if entity in INSIDE:
            units = units.filter(Q(kind__in=INSIDE[entity]))
        offered = offer(units, current=chosen[0] if chosen else None, search=search)
        shown = in_tree_order([*offered.units, *(unit for unit in chosen if unit not in offered.units)])
        top = min((unit.path.count("/") for unit in shown), default=0)
        rows = [
            ScopeChoice(unit, unit.path.count("/") - top + 1, self.why_not(unit), unit.pk in offered.above)
            for unit in shown
        ]
        return rows, offered.cut

    def why_not(self, unit: OrgUnit) -> str:
        entity, action = self.permission.split(":")
        if entity == "project" and unit.kind != UnitKind.DEPARTMENT and not self.clusters:
            return "A project lies in a department."
        if not may(self.user, action, entity, unit):
            return f"This takes the permission “{entity.replace('_', ' ')}: {action}” there."
        return ""

    def found(self, pks: Iterable[str]) -> list[OrgUnit]:
        return [unit for pk in pks if (unit := self.find(pk)) is not None]

    def find(self, pk: str) -> OrgUnit | None:
        """The unit with this id, if the person may see it and it lies inside."""
        return visible_units(self.user).filter(below(self.inside), pk__in=whole_numbers([pk])).first()


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
        context["many"] = self.many
        return render_to_string(self.template_name, context)


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
