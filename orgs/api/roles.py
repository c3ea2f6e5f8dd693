"""Roles, and the access rules that give them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from orgs.access.table import all_permissions
from orgs.api.base import SCOPE, OfTheAccount, Scoped, UnitId
from orgs.api.bulk import Bulk
from orgs.forms.rule import subject_named
from orgs.models import AccessRule, Role, Subject, in_force
from orgs.scope import limited
from orgs.services.role import role_create, role_delete, role_update
from orgs.services.rule import rule_create, rule_delete, rule_update
from portal.api.endpoint import Changes, Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import LARGEST, Given, Reference, Text, Whole, Word
from portal.api.listing import Filter, Listing


class RoleSerializer(Given):
    """A named bundle of permissions."""

    name = serializers.CharField(read_only=True)
    predefined = serializers.BooleanField(source="built_in", read_only=True)
    permissions = serializers.SerializerMethodField()
    version = serializers.IntegerField(read_only=True)

    def get_permissions(self, role: Role) -> list[str]:
        return sorted(cell.permission for cell in role.permissions.all())


class NewRole(serializers.Serializer):
    """A role of one's own."""

    name = Text()
    permissions = serializers.ListField(
        child=serializers.ChoiceField(sorted(all_permissions())), help_text="As `entity:action`."
    )


class Roles(Lists, Gets, Creates, Changes, Deletes, Bulk, OfTheAccount):
    """Roles. Predefined ones stay as they are."""

    permission = "role:read"
    serializer_class = RoleSerializer
    create_serializer = change_serializer = NewRole
    listing = Listing(
        {"name": ("name",), "id": ()},
        {
            "predefined": Filter("Only those that come with Bursar, or only the others.", "built_in", kind="flag"),
            "name": Filter("The whole name.", "name", kind="text"),
        },
        ("name",),
    )

    def rows(self) -> QuerySet[Role]:
        return Role.objects.prefetch_related("permissions")

    def made(self, values: dict[str, Any]) -> Model:
        return role_create(actor=self.actor, **values)

    def changed(self, row: Role, values: dict[str, Any]) -> Effect:
        permissions = values.get("permissions", row.permissions.values_list("permission", flat=True))
        role_update(actor=self.actor, role=row, name=values.get("name", row.name), permissions=list(permissions))
        return ()

    def deleted(self, row: Role) -> Effect:
        role_delete(actor=self.actor, role=row)
        return ()


class SubjectSerializer(serializers.Serializer):
    """Who holds a role: a person (by address), a group or an application (by name)."""

    id = serializers.IntegerField(source="pk", read_only=True)
    kind = Word(Subject.Kind, read_only=True)
    name = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)


class RuleSerializer(Given):
    """That somebody holds a role in a unit, and in everything below it."""

    subject = SubjectSerializer(read_only=True)
    role = Reference(read_only=True)
    scope = Reference(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    created_by = SubjectSerializer(read_only=True, allow_null=True)
    expires_at = serializers.DateTimeField(read_only=True, allow_null=True)


@extend_schema_field({"type": "string", "maxLength": 254})
class SubjectName(serializers.Field):
    """The address of a person, or the name of a group or application."""

    def to_internal_value(self, data: Any) -> Subject:
        try:
            return subject_named(Text().run_validation(data))
        except ValidationError as problem:
            raise serializers.ValidationError(problem.messages) from None


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST})
class RoleId(serializers.Field):
    """A role, by its id."""

    def to_internal_value(self, data: Any) -> Role:
        role = Role.objects.filter(pk=Whole().run_validation(data)).first()
        if role is None:
            raise serializers.ValidationError("There is no such role. Give the id of one that you can get.")
        return role


class RuleChange(serializers.Serializer):
    """Another role, another end."""

    role = RoleId()
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="None: for good.")


class NewRule(RuleChange):
    """A role for somebody in a unit."""

    subject = SubjectName(help_text="The address of a person, or the name of a group or application.")
    scope = UnitId(help_text="The id of a unit.")


def _in_state(rows: QuerySet[Any], holds: bool) -> QuerySet[Any]:
    return rows.filter(in_force()) if holds else rows.filter(expires_at__lte=timezone.now())


class Rules(Lists, Gets, Creates, Changes, Deletes, Bulk, OfTheAccount, Scoped):
    """Access rules in the units whose rules you may read."""

    permission = "access_rule:read"
    serializer_class = RuleSerializer
    create_serializer, change_serializer = NewRule, RuleChange
    listing = Listing(
        {"id": (), "created_at": ("created_at",)},
        {
            "subject": Filter("The address or name of who holds the role.", "subject__name", kind="text"),
            "kind": Filter(
                "What holds it.", "subject__kind", "choice", {kind.label: kind.value for kind in Subject.Kind}
            ),
            "role": Filter("The id of a role.", "role"),
            "unit": Filter("The id of the very unit that the rule is on.", "scope"),
            "in_force": Filter("Whether it grants something now.", kind="flag", apply=_in_state),
            "scope": SCOPE,
        },
        ("subject__name", "subject__user__name", "scope__name"),
    )

    def rows(self) -> QuerySet[AccessRule]:
        rules = limited(AccessRule.objects.all(), self.request, self.permission, "scope")
        return rules.select_related("subject__user", "role", "scope", "created_by__user")

    def made(self, values: dict[str, Any]) -> Model:
        return rule_create(actor=self.actor, **values)

    def changed(self, row: AccessRule, values: dict[str, Any]) -> Effect:
        role, expires_at = values.get("role", row.role), values.get("expires_at", row.expires_at)
        rule_update(actor=self.actor, rule=row, role=role, expires_at=expires_at)
        return ()

    def deleted(self, row: AccessRule) -> Effect:
        rule_delete(actor=self.actor, rule=row)
        return ({"text": "Running workloads go on", "tone": "kept"},)
