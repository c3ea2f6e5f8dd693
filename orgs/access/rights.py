"""The one permission function, and the one filter that lists obey (PERMISSIONS, DATA section 6).

Rights are the union of the access rules of a person and of the person's groups on a scope and its ancestors. A right
on a scope holds for everything below it; a rule that has ended grants nothing. Who came with an access key holds what
its limits leave of that. A person's rules are read once, two
queries, and kept on the user object, which lives as long as a request; whoever keeps a user object longer has to take
it afresh to see what has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from orgs.models import AccessRule, OrgUnit, Subject, UnitKind, UnitState, User, in_force
from portal.actor import Actor
from portal.refusals import Told

M = TypeVar("M", bound=Model)


class Forbidden(Told, PermissionDenied):
    """May be seen, but not done. The message says what is missing; `entity` and `scope`, for the audit log, where."""

    def __init__(self, message: str, *, entity: str = "", scope: OrgUnit | None = None) -> None:
        super().__init__(message)
        self.entity = entity.replace("_", "") or self.entity
        if scope is not None:
            self.unit, self.name = scope.pk, scope.name


class NotVisible(Told, Http404):
    """May not even be known to exist."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """Where a person holds one permission: the topmost units, by their paths."""

    paths: tuple[str, ...] = ()
    """All of them, sorted."""
    projects: tuple[str, ...] = ()
    """Those of them that are projects, with nothing below: one list in SQL. The others are ranges, and SQLite takes
    only some hundreds of these."""

    def everywhere(self) -> bool:
        """Whether the account is among them."""
        return any(path.count("/") == 2 for path in self.paths)

    def cover(self, path: str) -> bool:
        return any(path.startswith(top) for top in self.paths)

    def query(self, column: str = "path") -> Q:
        """Units in any of them, or other rows with a unit's path in a column."""
        found = Q(**{f"{column}__in": self.projects})
        for path in set(self.paths).difference(self.projects):
            # '0' follows '/': a range of the index holds the unit and everything below it.
            found |= Q(**{f"{column}__gte": path, f"{column}__lt": path[:-1] + "0"})
        return found


@dataclass(slots=True)
class _Rights:
    """What a person holds: where by role, which roles by permission. Scopes are put together when asked for."""

    places: dict[int, list[tuple[str, bool]]] = field(default_factory=dict)
    """Role -> paths of its rules' scopes, each with whether it is a project."""
    roles: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Permission (`entity:action`) -> roles that hold it."""
    known: dict[tuple[int, ...], Scopes] = field(default_factory=dict)

    def scopes(self, permission: str) -> Scopes:
        roles = self.roles.get(permission, ())
        found = self.known.get(roles)
        if found is None:
            found = self.known[roles] = _topmost(place for role in roles for place in self.places[role])
        return found


@dataclass(frozen=True, slots=True)
class Limits:
    """What the access key that a request came with leaves of its owner's rights."""

    permissions: frozenset[str] | None
    """None: all of them."""
    path: str
    """Of the unit inside which they hold; empty: wherever the owner has them."""
    is_project: bool

    def places(self, places: Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
        """What of the scopes of rules lies inside."""
        if not self.path:
            return list(places)
        inside = [place for place in places if place[0].startswith(self.path)]
        around = any(self.path.startswith(path) for path, _ in places)
        return [(self.path, self.is_project)] if around else inside


def limit(user: User, limits: Limits) -> None:
    """From now on this object of `user` holds no more than `limits` leave."""
    user._limits = limits  # type: ignore[attr-defined]
    user._rights = None  # type: ignore[attr-defined]


def limits_of(user: Any) -> Limits | None:
    """None for somebody who came without an access key."""
    limits: Limits | None = getattr(user, "_limits", None)
    return limits


def _topmost(places: Iterable[tuple[str, bool]]) -> Scopes:
    kept: list[tuple[str, bool]] = []
    for place in sorted(places):
        if not (kept and place[0].startswith(kept[-1][0])):
            kept.append(place)
    return Scopes(tuple(path for path, _ in kept), tuple(path for path, is_project in kept if is_project))


def _rights(user: Any) -> _Rights:
    if not user.is_authenticated or not user.is_active:
        return _Rights()
    rights: _Rights | None = getattr(user, "_rights", None)
    if rights is None:
        rights = user._rights = _load(user)
    return rights


def rules_in_force(user: Any) -> QuerySet[AccessRule]:
    """The rules that grant something to a person now: own ones and those of the person's groups."""
    own = Subject.objects.filter(user=user).values("pk")
    shared = Subject.objects.filter(group__members__user=user).values("pk")
    return AccessRule.objects.filter(in_force(), subject__in=own.union(shared, all=True))


# What `rules_in_force` says, in SQL: every request begins with it, and the ORM takes 1.5 ms to write what the database
# answers in 0.2 ms.
_RULES = """
select r.role_id, u.path, u.kind from orgs_accessrule r join orgs_orgunit u on u.id = r.scope_id
where r.subject_id in (
    select id from orgs_subject where user_id = %s
    union all select s.id from orgs_groupmember m join orgs_subject s on s.group_id = m.group_id where m.user_id = %s
) and (r.expires_at is null or r.expires_at > %s)
"""
_CELLS = "select permission, role_id from orgs_rolepermission where role_id in ({}) order by role_id"


def _load(user: Any) -> _Rights:
    rights = _Rights()
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_RULES, [user.pk, user.pk, now])
        for role, path, kind in cursor.fetchall():
            rights.places.setdefault(role, []).append((path, kind == UnitKind.PROJECT))
        if rights.places:
            cursor.execute(_CELLS.format(", ".join(["%s"] * len(rights.places))), list(rights.places))
            for permission, role in cursor.fetchall():
                rights.roles[permission] = (*rights.roles.get(permission, ()), role)
    limits = limits_of(user)
    if limits is not None:
        rights.places = {role: limits.places(places) for role, places in rights.places.items()}
        if limits.permissions is not None:
            rights.roles = {code: roles for code, roles in rights.roles.items() if code in limits.permissions}
    return rights


def scopes_of(user: Any, permission: str) -> Scopes:
    """Where `user` holds `permission` (`entity:action`), as a filter."""
    return _rights(user).scopes(permission)


def scopes_with(user: Any, permission: str) -> tuple[str, ...]:
    """Paths of the topmost units on which `user` holds `permission` (`entity:action`), sorted."""
    return _rights(user).scopes(permission).paths


def may(user: Any, action: str, entity: str, scope: OrgUnit | None = None) -> bool:
    """Whether `user` may do `action` to an `entity` in `scope`; without a scope: anywhere at all."""
    scopes = _rights(user).scopes(f"{entity}:{action}")
    return bool(scopes.paths) if scope is None else scopes.cover(scope.path)


def may_administer(user: Any) -> bool:
    """Whether Django's admin is open: settings may be changed on the account."""
    return _rights(user).scopes("settings:update").everywhere()


def require(actor: Actor, action: str, entity: str, scope: OrgUnit) -> None:
    """Lets Bursar's own parts pass, and persons who hold the right on `scope`; Forbidden for others."""
    if actor.user is None or may(actor.user, action, entity, scope):
        return
    where = f"{scope.get_kind_display()} {scope.name}"
    raise Forbidden(
        f"To {action} this in {where} takes the permission “{entity.replace('_', ' ')}: {action}” there. "
        f"Ask someone who administers {where} for a role that has it.",
        entity=entity,
        scope=scope,
    )


def as_of_now(actor: Actor) -> Actor:
    """The actor with the rights of this moment, whatever was known before: for services, once they hold the lock that
    writers of rules queue at."""
    if actor.user is None:
        return actor
    user, limits = User.objects.get(pk=actor.user.pk), limits_of(actor.user)
    if limits is not None:
        limit(user, limits)
    return replace(actor, user=user)


def within(queryset: QuerySet[M], user: Any, permission: str, field: str = "") -> QuerySet[M]:
    """Only rows whose unit `user` holds `permission` on. `field`: the foreign key to it; empty for units themselves."""
    scopes = _rights(user).scopes(permission)
    if scopes.everywhere():
        return queryset
    if not field:
        return queryset.filter(scopes.query())
    return queryset.filter(**{f"{field}__in": OrgUnit.objects.filter(scopes.query()).values("pk")})


def unit_for(user: Any, pk: int, permission: str, kind: UnitKind | None = None) -> OrgUnit:
    """The unit, if it is active and `user` holds `permission` (`entity:action`) there. NotVisible if not."""
    units = OrgUnit.objects.filter(state=UnitState.ACTIVE).select_related("cluster", "parent")
    if kind is not None:
        units = units.filter(kind=kind)
    unit = within(units, user, permission).filter(pk=pk).first()
    if unit is None:
        raise NotVisible("There is no such unit, or you may not see it.")
    return unit
