"""Where somebody may do something."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from orgs.access.table import all_permissions
from orgs.api.base import SCOPE, Scoped
from orgs.forms.scope import ScopeChoices
from orgs.models import OrgUnit, UnitKind
from portal.api.endpoint import EVERYBODY, Lists
from portal.api.fields import Given, Reference, Word
from portal.api.listing import Filter, Listing
from portal.api.problems import BadParameter


class PlaceSerializer(Given):
    """A unit where you may do what was asked."""

    name = serializers.CharField(read_only=True)
    kind = Word(UnitKind, read_only=True)
    parent = Reference(read_only=True, allow_null=True)
    cluster = Reference(read_only=True, allow_null=True)


def _asked(rows: QuerySet[Any], permission: str) -> QuerySet[Any]:
    return rows


class Places(Lists, Scoped):
    """Units where you may do something: what pages offer to choose from. To make a project those are departments, to
    submit a training projects."""

    permission = EVERYBODY
    serializer_class = PlaceSerializer
    listing = Listing(
        {"name": ("name",), "id": ()},
        {
            "permission": Filter(
                "What you want to do, as `project:create`; with blanks between them: one of several.",
                kind="text",
                apply=_asked,
                needed=True,
            ),
            "kind": Filter("The kind of unit.", "kind", "choice", {kind.label: kind.value for kind in UnitKind}),
            "parent": Filter("The id of the unit that it lies right in.", "parent"),
            "scope": SCOPE,
        },
        ("name",),
    )

    def rows(self) -> QuerySet[OrgUnit]:
        permission = self.request.query_params.get("permission", "")
        if not permission or not set(permission.split(" ")) <= all_permissions():
            raise BadParameter("permission", "There is no such permission. Give one as “project:create”.")
        scope = getattr(self.request._request, "unit_scope", None)
        return ScopeChoices(self.request.user, permission, scope).open().select_related("parent", "cluster")
