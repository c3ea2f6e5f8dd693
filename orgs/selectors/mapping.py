"""Whether something has been built upon what the wizard made."""

from __future__ import annotations

from django.db.models import Q

from orgs import hooks
from orgs.models import AccessRule, GroupMember, Mapping, OrgUnit, UnitState, User
from portal.formats import counted


def built_upon(mapping: Mapping) -> list[str]:
    """Sentences, each of which keeps it from being taken back; none: nothing does."""
    found = [*_units(mapping), *_rights(mapping), *_people(mapping)]
    workloads = hooks.workloads_ever(mapping.ids("projects"))
    if workloads:
        found.append(f"The new projects have {counted(workloads, 'workload')}, ended ones included.")
    if hooks.quota_saves(mapping.units) - set(mapping.made.get("saves", [])):
        found.append("Quotas of the new departments and projects were changed.")
    return found


def _units(mapping: Mapping) -> list[str]:
    found = []
    units = OrgUnit.objects.filter(pk__in=mapping.units)
    changed = len(mapping.units) - units.filter(state=UnitState.ACTIVE, version=1).count()
    if changed:
        found.append(f"{counted(changed, 'unit')} of the list {_were(changed)} renamed, moved or deleted.")
    added = OrgUnit.objects.filter(parent__in=mapping.ids("departments")).exclude(pk__in=mapping.units)
    for unit in added.select_related("parent")[:1]:
        assert unit.parent is not None
        more = added.count() - 1
        also = f" and {more:,} more" if more else ""
        found.append(f"The {unit.get_kind_display()} {unit.name} was put into {unit.parent.name}{also}.")
    return found


def _rights(mapping: Mapping) -> list[str]:
    found = []
    given = [*mapping.ids("rules"), *mapping.renewed]
    if AccessRule.objects.filter(pk__in=given, expires_at=None).count() < len(given):
        found.append("Access rules of the list were changed or removed.")
    others = Q(scope__in=mapping.units) | Q(subject__user__in=mapping.ids("people"))
    added = AccessRule.objects.filter(others).exclude(pk__in=mapping.ids("rules")).count()
    if added:
        found.append(f"{counted(added, 'access rule')} {_were(added)} made for the new units or people.")
    return found


def _people(mapping: Mapping) -> list[str]:
    people = User.objects.filter(pk__in=mapping.ids("people"))
    here = people.filter(last_login__isnull=False).order_by("email")
    found = []
    for user in here[:1]:
        more = here.count() - 1
        found.append(f"{user.email}{f' and {more:,} more' if more else ''} signed in.")
    if GroupMember.objects.filter(user__in=people).exists():
        found.append("New people were put into groups.")
    return found


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
