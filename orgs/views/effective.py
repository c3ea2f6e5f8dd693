"""What this person may do, and who may do this here: the Access page's last tab."""

from __future__ import annotations

from typing import Any

from django import forms

from orgs.access import may
from orgs.access.table import ACTIONS, CELLS, all_permissions
from orgs.access_words import holders_answer, subject_answer
from orgs.forms.rule import subject_named
from orgs.forms.scope import ScopeChoices, ScopeMenu
from orgs.models import OrgUnit, Subject
from orgs.selectors.effective import COLUMNS, held_by, projects_with, readable_units, rows_of, who_may
from orgs.selectors.roles import entity_label
from orgs.selectors.suggestions import suggested
from orgs.views.access import AccessPage


class EffectivePage(AccessPage):
    """`?view=scope` asks who; else `?who=` (an address, or a group's name) is asked what and where."""

    permission = "access_rule:read"
    tab = "effective"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        units = readable_units(self.request)
        asked = self.request.GET.get("unit", "")
        choices = ScopeChoices(self.request.user, "access_rule:read", self.scope)
        unit = choices.find(asked)
        unit = None if unit is None or choices.why_not(unit) else unit
        entity = self.request.GET.get("entity", "")
        entity = entity if entity in CELLS else "training"
        if self.request.GET.get("view") == "scope":
            found = self.who(unit or next(iter(units), None), entity)
        else:
            found = self.where(units, unit, entity)
        if "holders" in found:
            picker = ScopeMenu()
            picker.choices = choices
            found["unit_field"] = picker.render("unit", found["unit"] and found["unit"].pk)
        return super().get_context_data(
            view="scope" if "holders" in found else "person",
            entity=entity,
            entity_words=entity_label(entity).lower(),
            entities=[(one, entity_label(one)) for one in CELLS],
            suggested=suggested() if may(self.request.user, "read", "user") else [],
            **found,
            **kwargs,
        )

    def subject(self) -> tuple[Subject, str]:
        """Who is asked about, and what is wrong with what was typed: then it is the reader."""
        typed = self.request.GET.get("who", "").replace("\x00", "").strip()
        error = ""
        if typed and may(self.request.user, "read", "user"):
            try:
                return subject_named(typed), ""
            except forms.ValidationError as problem:
                error = problem.messages[0]
        return Subject.objects.select_related("user").get(user=self.request.user.pk), error

    def where(self, units: list[OrgUnit], unit: OrgUnit | None, entity: str) -> dict[str, Any]:
        subject, error = self.subject()
        held = held_by(subject)
        reasons = held.reasons(unit, entity, self.request.user) if unit else []
        return {
            "answer": subject_answer(held, projects_with(held, units, "training", "C")),
            "subject": subject,
            "subject_error": error,
            "rows": rows_of(held, units),
            "columns": COLUMNS,
            "unit": unit,
            "cell": held.cell(unit, entity) if unit else None,
            "reasons": reasons,
        }

    def who(self, unit: OrgUnit | None, entity: str) -> dict[str, Any]:
        possible = [action for action in ACTIONS.values() if f"{entity}:{action}" in all_permissions()]
        action = self.request.GET.get("action", "")
        action = action if action in possible else possible[0]
        holders = who_may(self.request.user, unit, entity, action) if unit else None
        return {
            "answer": holders_answer(holders, unit, entity, action),
            "unit": unit,
            "holders": holders,
            "action": action,
            "actions": possible,
        }
