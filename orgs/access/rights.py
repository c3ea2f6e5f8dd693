"""The one permission function, and the one filter that lists obey (PERMISSIONS, DATA section 6).

Rights are the union of a person's access rules on a scope and its ancestors. A right on a scope holds for everything
below it. A person's rules are read once a request, two queries, and kept on the user object.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404

from orgs.models import AccessRule, OrgUnit, RolePermission, UnitKind
from portal.actor import Actor

M = TypeVar("M", bound=Model)


class Forbidden(PermissionDenied):
    """May be seen, but not done. The message says what is missing."""


class NotVisible(Http404):
    """May not even be known to exist."""


def scopes_with(user: Any, permission: str) -> tuple[str, ...]:
    """Paths of the topmost units on which `user` holds `permission` (`entity:action`), sorted."""
    if not user.is_authenticated or not user.is_active:
        return ()
    rights = getattr(user, "_rights", None)
    if rights is None:
        rights = user._rights = _load(user)
    return rights.get(permission, ())


def _load(user: Any) -> dict[str, tuple[str, ...]]:
    rules = list(AccessRule.objects.filter(subject__user=user).values_list("role_id", "scope__path"))
    paths: dict[int, list[str]] = defaultdict(list)
    for role, path in rules:
        paths[role].append(path)
    held: dict[str, list[str]] = defaultdict(list)
    for permission, role in RolePermission.objects.filter(role__in=paths).values_list("permission", "role_id"):
        held[permission] += paths[role]
    return {permission: _topmost(scopes) for permission, scopes in held.items()}


def _topmost(paths: list[str]) -> tuple[str, ...]:
    """Sorted, those below another dropped."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not (kept and path.startswith(kept[-1])):
            kept.append(path)
    return tuple(kept)


def may(user: Any, action: str, entity: str, scope: OrgUnit | None = None) -> bool:
    """Whether `user` may do `action` to an `entity` in `scope`; without a scope: anywhere at all."""
    scopes = scopes_with(user, f"{entity}:{action}")
    if scope is None:
        return bool(scopes)
    return any(scope.path.startswith(path) for path in scopes)


def may_administer(user: Any) -> bool:
    """Whether Django's admin is open: settings may be changed on the account."""
    account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
    return account is not None and may(user, "update", "settings", account)


def require(actor: Actor, action: str, entity: str, scope: OrgUnit) -> None:
    """Lets Bursar's own parts pass, and persons who hold the right on `scope`; Forbidden for others."""
    if actor.user is not None and not may(actor.user, action, entity, scope):
        noun = entity.replace("_", " ")
        raise Forbidden(
            f"You may not {action} a {noun} in {scope.name}. Ask someone who administers {scope.name} for the right."
        )


def _paths_q(scopes: tuple[str, ...], prefix: str = "") -> Q:
    """Paths in any of the scopes, as index ranges: '0' follows '/'."""
    found = Q(pk__in=[])
    for path in scopes:
        found |= Q(**{f"{prefix}path__gte": path, f"{prefix}path__lt": path[:-1] + "0"})
    return found


def within(queryset: QuerySet[M], user: Any, permission: str, field: str = "") -> QuerySet[M]:
    """Only rows whose unit `user` holds `permission` on. `field`: the foreign key to the unit; empty for units themselves."""
    scopes = scopes_with(user, permission)
    if any(path.count("/") == 2 for path in scopes):
        return queryset  # the account itself: everything
    if not field:
        return queryset.filter(_paths_q(scopes))
    return queryset.filter(**{f"{field}__in": OrgUnit.objects.filter(_paths_q(scopes)).values("pk")})


def unit_for(user: Any, pk: int, permission: str, kind: UnitKind | None = None) -> OrgUnit:
    """The unit, if `user` holds `permission` (`entity:action`) there. NotVisible if not."""
    units = OrgUnit.objects.select_related("cluster", "parent")
    if kind is not None:
        units = units.filter(kind=kind)
    unit = within(units, user, permission).filter(pk=pk).first()
    if unit is None:
        raise NotVisible("There is no such unit, or you may not see it.")
    return unit
