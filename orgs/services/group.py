"""Groups of people. Who joins a group gets its roles: so adding takes what granting them takes. They queue at the
account's row, as rules do."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from orgs.access import as_of_now, require
from orgs.models import AccessRule, Group, GroupMember, Subject, User, in_force
from orgs.names import LONGEST_DESCRIPTION, checked_text
from orgs.services.administrators import administrator_kept
from orgs.services.granting import require_grants
from orgs.services.locks import account_locked
from orgs.services.subject import refuse_taken_name
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import Act, audit_record, audit_record_all

LONGEST_GROUP = 120


@transaction.atomic
def group_create(*, actor: Actor, name: str, description: str = "") -> Group:
    """A group without members and rights."""
    account = account_locked()
    require(as_of_now(actor), "create", "group", account)
    group = Group(name=checked_text("name", name, LONGEST_GROUP))
    group.description = checked_text("description", description, LONGEST_DESCRIPTION, required=False)
    _refuse_taken(group)
    group.save()
    Subject.objects.create(kind=Subject.Kind.GROUP, name=group.name, group=group)
    audit_record(
        actor=actor,
        action="create",
        entity=group,
        unit=account.pk,
        after={"name": group.name, "description": group.description},
    )
    return group


@transaction.atomic
def group_update(*, actor: Actor, group: Group, name: str, description: str = "") -> Group:
    """Another name or description; members and rules stay. A name takes what adding somebody takes: an identity
    provider puts people in by it."""
    account = account_locked()
    actor = as_of_now(actor)
    require(actor, "update", "group", account)
    group = _as_it_is(group)
    before = {"name": group.name, "description": group.description}
    group.name = checked_text("name", name, LONGEST_GROUP)
    group.description = checked_text("description", description, LONGEST_DESCRIPTION, required=False)
    after = {"name": group.name, "description": group.description}
    changed = [field for field in before if before[field] != after[field]]
    if not changed:
        return group
    _refuse_taken(group)
    if "name" in changed:
        _require_joining(actor, group)
    group.save(update_fields=["name", "description"])
    Subject.objects.filter(group=group).update(name=group.name)
    audit_record(
        actor=actor,
        action="update",
        entity=group,
        unit=account.pk,
        before={field: before[field] for field in changed},
        after={field: after[field] for field in changed},
    )
    return group


@transaction.atomic
def group_delete(*, actor: Actor, group: Group) -> None:
    """The group with its rules. Its people keep what they hold by other rules."""
    account = account_locked()
    require(as_of_now(actor), "delete", "group", account)
    group = _as_it_is(group)
    rules = AccessRule.objects.filter(subject__group=group).select_related("role", "scope")
    before = {
        "members": [member.user.email for member in group.members.select_related("user").order_by("user__email")],
        "rules": [f"{rule.role.name} on {rule.scope.name}" for rule in rules],
    }
    audit_record(actor=actor, action="delete", entity=group, unit=account.pk, before=before)
    with administrator_kept(account):
        group.delete()


@transaction.atomic
def group_members_add(
    *,
    actor: Actor,
    group: Group,
    users: Sequence[User],
    source: GroupMember.Source = GroupMember.Source.LOCAL,
) -> list[GroupMember]:
    """Takes people in who are not members yet. The actor has to be able to grant every role of the group."""
    account = account_locked()
    actor = as_of_now(actor)
    require(actor, "update", "group", account)
    group = _as_it_is(group)
    _require_joining(actor, group)
    known = set(group.members.filter(user__in=users).values_list("user", flat=True))
    new = {user.pk: user for user in users if user.pk not in known}
    added = [GroupMember(group=group, user=user, source=source) for user in new.values()]
    GroupMember.objects.bulk_create(added)
    acts = [Act("update", group, account.pk, after={"member": user.email}) for user in new.values()]
    audit_record_all(actor=actor, acts=acts)
    return added


@transaction.atomic
def group_member_remove(*, actor: Actor, member: GroupMember) -> None:
    """Takes a person out of a group, and so the group's roles from the person."""
    account = account_locked()
    require(as_of_now(actor), "update", "group", account)
    found = GroupMember.objects.select_related("group", "user").filter(pk=member.pk).first()
    if found is None:
        raise Refused("This person left the group meanwhile. Look at the list again.")
    audit_record(actor=actor, action="update", entity=found.group, unit=account.pk, before={"member": found.user.email})
    with administrator_kept(account):
        found.delete()


def _require_joining(actor: Actor, group: Group) -> None:
    """Whoever lets people in gives them every role of the group."""
    require_grants(actor, AccessRule.objects.filter(in_force(), subject__group=group).select_related("role", "scope"))


def _refuse_taken(group: Group) -> None:
    refuse_taken_name(group.name, getattr(group, "subject", None))


def _as_it_is(group: Group) -> Group:
    found = Group.objects.filter(pk=group.pk).first()
    if found is None:
        raise Refused(f"The group {group.name} was deleted meanwhile. Go back to the groups.")
    return found
