"""The scope picker as a field of a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from orgs.access import may
from orgs.models import OrgUnit, UnitKind
from orgs.scope import below, visible_units
from orgs.scope_picker import offer

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

    def rows(self, search: str = "", chosen: OrgUnit | None = None) -> tuple[list[ScopeChoice], bool]:
        """Rows to choose from, and whether there are more."""
        entity = self.permission.split(":")[0]
        units = visible_units(self.user).filter(below(self.inside))
        if entity in INSIDE:
            units = units.filter(Q(kind__in=INSIDE[entity]))
        offered = offer(units, current=chosen, search=search)
        top = min((unit.path.count("/") for unit in offered.units), default=0)
        rows = [
            ScopeChoice(unit, unit.path.count("/") - top + 1, self.why_not(unit), unit.pk in offered.above)
            for unit in offered.units
        ]
        return rows, offered.cut

    def why_not(self, unit: OrgUnit) -> str:
        entity, action = self.permission.split(":")
        if entity == "project" and unit.kind != UnitKind.DEPARTMENT:
            return "A project lies in a department."
        if not may(self.user, action, entity, unit):
            return f"This takes the permission “{entity.replace('_', ' ')}: {action}” there."
        return ""

    def find(self, pk: str) -> OrgUnit | None:
        """The unit with this id, if the person may see it and it lies inside."""
        if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
            return None
        return visible_units(self.user).filter(below(self.inside), pk=int(pk)).first()


class ScopePicker(forms.Widget):
    """A search and the tree of units, one of which is chosen; works without scripts."""

    shape = "picker"
    template_name = "orgs/scope_choices.html"
    choices: ScopeChoices

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = self.choices.find(str(value)) if value else None
        rows, cut = self.choices.rows(chosen=chosen)
        context = {"name": name, "choices": self.choices, "rows": rows, "cut": cut, "chosen": chosen}
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
