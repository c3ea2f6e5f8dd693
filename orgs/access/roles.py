"""Keeping the predefined roles in the database equal to the table in the code."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from orgs.access.table import ROLES, permissions_of
from orgs.models import Role, RolePermission


def roles_sync(**_: Any) -> None:
    """Creates what is missing, removes what is no longer in the table; runs after every migration."""
    with transaction.atomic():
        Role.objects.bulk_create([Role(name=name, built_in=True) for name in ROLES], ignore_conflicts=True)
        roles = dict(Role.objects.filter(name__in=ROLES).values_list("name", "pk"))
        wanted = {(roles[name], permission) for name in ROLES for permission in permissions_of(name)}
        kept = {}
        for pk, role, permission in RolePermission.objects.filter(role__in=roles.values()).values_list(
            "pk", "role", "permission"
        ):
            kept[role, permission] = pk
        RolePermission.objects.filter(pk__in=[pk for key, pk in kept.items() if key not in wanted]).delete()
        RolePermission.objects.bulk_create(
            RolePermission(role_id=role, permission=permission) for role, permission in sorted(wanted - kept.keys())
        )
