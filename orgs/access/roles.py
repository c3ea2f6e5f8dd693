"""Keeping the built-in roles in the database equal to the table in the code."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from orgs.access.table import ROLES, permissions_of
from orgs.models import Role, RolePermission


def roles_sync(**_: Any) -> None:
    """Creates what is missing, removes what is no longer in the table; runs after every migration."""
    with transaction.atomic():
        for name in ROLES:
            role, _created = Role.objects.get_or_create(name=name, defaults={"built_in": True})
            wanted = permissions_of(name)
            RolePermission.objects.filter(role=role).exclude(permission__in=wanted).delete()
            RolePermission.objects.bulk_create(
                [RolePermission(role=role, permission=permission) for permission in sorted(wanted)],
                ignore_conflicts=True,
            )
