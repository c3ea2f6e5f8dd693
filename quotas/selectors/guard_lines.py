"""How over-subscription is guarded, for the Settings page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from orgs.access import may, within
from orgs.models import OrgUnit, UnitKind, UnitState
from quotas.guard import Level
from quotas.models import GuardSetting
from quotas.models.guard import SET_LEVELS

from .guard import Watch


@dataclass(frozen=True, slots=True)
class GuardCell:
    """One comparison in a scope."""

    level: Level
    watch: Watch
    own: bool
    """Set in the scope itself; else as the account has it, or nobody."""


@dataclass(frozen=True, slots=True)
class GuardLine:
    unit: OrgUnit
    cells: list[GuardCell]
    editable: bool


def guarded_units(user: Any) -> QuerySet[OrgUnit]:
    """The account and the clusters that `user` may see the settings of, the account first."""
    kinds = (UnitKind.ACCOUNT, UnitKind.CLUSTER)
    units = OrgUnit.objects.filter(kind__in=kinds, state=UnitState.ACTIVE).order_by("kind", "name")
    return within(units, user, "settings:read").select_related("parent")


def guard_lines(user: Any, units: Iterable[OrgUnit]) -> list[GuardLine]:
    """How each of these units has it, in one query."""
    settings = {(one.scope_id, one.level): one for one in GuardSetting.objects.select_related("scope")}
    of_account = {one.level: one for one in settings.values() if one.scope.kind == UnitKind.ACCOUNT}
    lines = []
    for unit in units:
        cells = []
        for level in SET_LEVELS:
            own = settings.get((unit.pk, level))
            setting = own or of_account.get(level)
            cells.append(GuardCell(level, Watch.of(setting) if setting else Watch(), own is not None))
        lines.append(GuardLine(unit, cells, may_guard(user, unit)))
    return lines


def may_guard(user: Any, scope: OrgUnit) -> bool:
    """The account by its settings; a cluster, like its quotas, with the right on its parent."""
    if scope.kind == UnitKind.ACCOUNT:
        return may(user, "update", "settings", scope)
    return scope.parent is not None and may(user, "update", "quota", scope.parent)


def guard_settings(request: HttpRequest) -> dict[str, Any] | None:
    """What the section of the Settings page shows."""
    lines = guard_lines(request.user, guarded_units(request.user))
    return {"lines": lines, "levels": SET_LEVELS} if lines else None
