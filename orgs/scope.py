"""The scope a page is asked for: one unit and everything below it, named in the address as `?scope=<id>`."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from orgs.access import NotVisible, scopes_with, within
from orgs.models import OrgUnit, UnitKind, UnitState
from portal.asked import whole_numbers

M = TypeVar("M", bound=Model)


def visible_units(user: object) -> QuerySet[OrgUnit]:
    """Units that `user` may know of: by the right to read that kind of unit there."""
    seen = OrgUnit.objects.none()
    for kind in UnitKind:
        seen |= within(OrgUnit.objects.filter(kind=kind), user, f"{kind.label}:read")
    return seen.filter(state=UnitState.ACTIVE)


def units_with(user: object, permissions: str, kind: UnitKind) -> QuerySet[OrgUnit]:
    """Units of this kind on which `user` holds one of `permissions` (`entity:action`, with blanks between them)."""
    units, found = OrgUnit.objects.filter(kind=kind, state=UnitState.ACTIVE), OrgUnit.objects.none()
    for permission in permissions.split():
        found |= within(units, user, permission)
    return found


def chosen_scope(request: HttpRequest) -> OrgUnit | None:
    """The unit in the address, or where the person's rights begin; None = all that is theirs, in several places."""
    wanted = request.GET.get("scope", "")
    if wanted:
        unit = visible_units(request.user).filter(pk__in=whole_numbers([wanted])).first()
        if unit is None:
            raise NotVisible("There is no such scope, or you may not see it.")
        return unit
    tops = scopes_with(request.user, "project:read")
    return OrgUnit.objects.filter(path=tops[0], state=UnitState.ACTIVE).first() if len(tops) == 1 else None


def below(scope: OrgUnit | None, field: str = "") -> Q:
    """Rows whose unit (`field`: the foreign key to it; empty for units themselves) lies in `scope`."""
    if scope is None or scope.kind == UnitKind.ACCOUNT:
        return Q()
    prefix = f"{field}__" if field else ""
    return Q(**{f"{prefix}path__gte": scope.path, f"{prefix}path__lt": scope.path[:-1] + "0"})


def limited(queryset: QuerySet[M], request: HttpRequest, permission: str, field: str = "") -> QuerySet[M]:
    """What the person may see of `queryset`, in the scope of the page. Every list goes through here."""
    scope: OrgUnit | None = getattr(request, "unit_scope", None)
    return within(queryset.filter(below(scope, field)), request.user, permission, field)
