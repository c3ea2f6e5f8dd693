"""People, groups and who is in them."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers

from orgs.access import may
from orgs.api.base import OfTheAccount
from orgs.api.bulk import Bulk
from orgs.models import Group, GroupMember, User
from orgs.services.group import group_create, group_delete, group_member_remove, group_members_add, group_update
from orgs.services.user import user_activate, user_create, user_deactivate
from portal.api.endpoint import Changes, Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, RowId, Text, Word
from portal.api.listing import Filter, Listing
from portal.errors import Refused


class UserSerializer(Given):
    """A person who may sign in."""

    email = serializers.EmailField(read_only=True)
    name = serializers.CharField(read_only=True)
    is_active = serializers.BooleanField(read_only=True)
    last_login = serializers.DateTimeField(read_only=True, allow_null=True)
    date_joined = serializers.DateTimeField(read_only=True)
    password = serializers.CharField(
        source="told_once", read_only=True, help_text="Only in the answer that made the person: it is kept nowhere."
    )


class NewUser(serializers.Serializer):
    """A person without rights. A password is made up, to be changed at once."""

    email = Text()
    name = Text()


class UserChange(serializers.Serializer):
    """Lets a person in, or no more."""

    is_active = serializers.BooleanField()


class Users(Lists, Gets, Creates, Changes, Bulk, OfTheAccount):
    """People. They are put out of service, not deleted: the audit log names them."""

    permission = "user:read"
    serializer_class = UserSerializer
    create_serializer, change_serializer = NewUser, UserChange
    listing = Listing(
        {"name": ("name",), "email": ("email",), "id": (), "date_joined": ("date_joined",)},
        {
            "email": Filter("The whole address.", "email", kind="text"),
            "is_active": Filter("Whether they may sign in.", "is_active", kind="flag"),
            "group": Filter("The id of a group that they are in.", "memberships__group"),
        },
        ("name", "email"),
    )

    def rows(self) -> QuerySet[User]:
        return User.objects.people()

    def made(self, values: dict[str, Any]) -> Model:
        new = user_create(actor=self.actor, **values)
        self.told_once = {"password": new.password} if new.password else {}
        return new.user

    def changed(self, row: User, values: dict[str, Any]) -> Effect:
        if "is_active" in values:
            (user_activate if values["is_active"] else user_deactivate)(actor=self.actor, user=row)
        return ()


class GroupSerializer(Given):
    """People who get the same roles."""

    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class NewGroup(serializers.Serializer):
    """A group without people and roles."""

    name = Text()
    description = Text(required=False)


class Groups(Lists, Gets, Creates, Changes, Deletes, Bulk, OfTheAccount):
    """Groups. Who is in them: see group members."""

    permission = "group:read"
    serializer_class = GroupSerializer
    create_serializer = change_serializer = NewGroup
    listing = Listing(
        {"name": ("name",), "id": ()},
        {"name": Filter("The whole name.", "name", kind="text")},
        ("name", "description"),
    )

    def rows(self) -> QuerySet[Group]:
        return Group.objects.all()

    def made(self, values: dict[str, Any]) -> Model:
        return group_create(actor=self.actor, **values)

    def changed(self, row: Group, values: dict[str, Any]) -> Effect:
        group_update(actor=self.actor, group=row, **({"name": row.name, "description": row.description} | values))
        return ()

    def deleted(self, row: Group) -> Effect:
        effect = ({"text": "People lose its roles", "figure": row.members.count()},)
        group_delete(actor=self.actor, group=row)
        return effect


class MemberSerializer(Given):
    """That a person is in a group."""

    group = Reference(read_only=True)
    user = Reference(read_only=True)
    source = Word(GroupMember.Source, read_only=True)  # type: ignore[assignment]
    since = serializers.DateTimeField(read_only=True)


class AccountRowId(RowId):
    """A row of the account as a whole, for who may read such."""

    def __init__(self, rows: QuerySet[Any], entity: str, **kwargs: Any) -> None:
        super().__init__(
            lambda request: rows.all() if may(request.user, "read", entity) else rows.none(), entity, **kwargs
        )


class NewMember(serializers.Serializer):
    """Takes a person into a group."""

    group = AccountRowId(Group.objects.all(), "group", help_text="The id of a group.")
    user = AccountRowId(User.objects.people(), "user", help_text="The id of a person.")


class Members(Lists, Gets, Creates, Deletes, Bulk, OfTheAccount):
    """Who is in which group."""

    permission = "group:read"
    serializer_class = MemberSerializer
    create_serializer = NewMember
    listing = Listing(
        {"id": (), "since": ("since",)},
        {"group": Filter("The id of a group.", "group"), "user": Filter("The id of a person.", "user")},
        ("user__name", "user__email", "group__name"),
    )

    def rows(self) -> QuerySet[GroupMember]:
        return GroupMember.objects.select_related("group", "user")

    def made(self, values: dict[str, Any]) -> Model:
        added = group_members_add(actor=self.actor, group=values["group"], users=[values["user"]])
        if not added:
            raise Refused({"user": f"{values['user'].name} is in {values['group'].name} already."})
        return added[0]

    def deleted(self, row: GroupMember) -> Effect:
        group_member_remove(actor=self.actor, member=row)
        return ({"text": "Running workloads go on", "tone": "kept"},)
