"""Custom roles, made of the cells of the permission table. Predefined ones stay as they are; they can be copied."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from orgs.access import as_of_now, require
from orgs.access.table import all_permissions
from orgs.models import AccessRule, Role, RolePermission, in_force
from orgs.names import checked_text
from orgs.services.granting import require_cells
from orgs.services.locks import account_locked
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record

LONGEST_ROLE = 60


@transaction.atomic
def role_create(*, actor: Actor, name: str, permissions: Iterable[str]) -> Role:
    """A custom role of these `entity:action` codes. It gives nobody anything until it is granted."""
    account = account_locked()
    require(as_of_now(actor), "create", "role", account)
    wanted = _checked(permissions)
    role = Role(name=checked_text("name", name, LONGEST_ROLE))
    _refuse_taken(role)
    role.save()
    RolePermission.objects.bulk_create(RolePermission(role=role, permission=code) for code in sorted(wanted))
    audit_record(
        actor=actor,
        action="create",
        entity=role,
        unit=account.pk,
        after={"name": role.name, "permissions": sorted(wanted)},
    )
    return role


@transaction.atomic
def role_update(
    *, actor: Actor, role: Role, name: str, permissions: Iterable[str], expected_version: int | None = None
) -> Role:
    """Another name or other cells, for everybody who holds the role. What it gains, the actor has to hold wherever
    the role is granted now."""
    account = account_locked()
    actor = as_of_now(actor)
    require(actor, "update", "role", account)
    role = _custom(role)
    if expected_version is not None and expected_version != role.version:
        raise Refused(
            {"expected_version": "Somebody else changed this role meanwhile. Look at it again, then make your change."}
        )
    wanted = _checked(permissions)
    held = set(RolePermission.objects.filter(role=role).values_list("permission", flat=True))
    added, removed = sorted(wanted - held), sorted(held - wanted)
    before = role.name
    role.name = checked_text("name", name, LONGEST_ROLE)
    if not added and not removed and role.name == before:
        return role
    _refuse_taken(role)
    if added:
        for rule in AccessRule.objects.filter(in_force(), role=role).select_related("scope"):
            require_cells(actor, role, added, rule.scope)
    role.version += 1
    role.save(update_fields=["name", "version"])
    RolePermission.objects.filter(role=role, permission__in=removed).delete()
    RolePermission.objects.bulk_create(RolePermission(role=role, permission=code) for code in added)
    audit_record(
        actor=actor,
        action="update",
        entity=role,
        unit=account.pk,
        before={"name": before, "permissions": removed},
        after={"name": role.name, "permissions": added},
    )
    return role


@transaction.atomic
def role_delete(*, actor: Actor, role: Role) -> None:
    """Only while no rule grants it: nothing is taken from anybody unseen."""
    account = account_locked()
    require(as_of_now(actor), "delete", "role", account)
    role = _custom(role)
    rules = AccessRule.objects.filter(role=role).count()
    if rules:
        raise Refused(
            f"{'A rule grants' if rules == 1 else f'{rules} rules grant'} {role.name}. Remove them first, or give "
            "them another role."
        )
    cells = sorted(role.permissions.values_list("permission", flat=True))
    audit_record(
        actor=actor,
        action="delete",
        entity=role,
        unit=account.pk,
        before={"name": role.name, "permissions": cells},
    )
    role.delete()


def _checked(permissions: object) -> set[str]:
    if isinstance(permissions, str) or not isinstance(permissions, Iterable):
        raise Refused({"permissions": "These are no permissions. Choose them in the table."})
    wanted = list(permissions)
    known = all_permissions()
    for code in wanted:
        if not isinstance(code, str) or code not in known:
            raise Refused({"permissions": f"There is no permission “{str(code)[:80]}”. Choose them in the table."})
    if not wanted:
        raise Refused({"permissions": "The role holds nothing yet. Choose at least one permission."})
    for code in sorted(wanted):
        entity, action = code.split(":")
        if f"{entity}:read" not in wanted:
            raise Refused(
                {"permissions": f"To {action} a thing one has to see it. Choose “R” of {entity.replace('_', ' ')} too."}
            )
    return set(wanted)


def _custom(role: Role) -> Role:
    found = Role.objects.filter(pk=role.pk).first()
    if found is None:
        raise Refused(f"The role {role.name} was deleted meanwhile. Go back to the roles.")
    if found.built_in:
        raise Refused(f"{found.name} is predefined and stays as it is. Copy it, and change the copy.")
    return found


def _refuse_taken(role: Role) -> None:
    other = Role.objects.filter(name__iexact=role.name).exclude(pk=role.pk).first()
    if other is not None:
        raise Refused({"name": f"There is a role called “{other.name}” already. Choose another name."})
