"""Access rules: who has which role where. They queue at the account's row."""

from __future__ import annotations

from django.db import transaction

from orgs.access import Forbidden, may, require
from orgs.access.table import ADMINISTRATOR
from orgs.models import AccessRule, OrgUnit, Role, Subject, UnitKind, User
from orgs.services.locks import account_locked, cluster_locked, fresh
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record


@transaction.atomic
def rule_create(*, actor: Actor, subject: Subject, role: Role, scope: OrgUnit) -> AccessRule:
    """Grants `role` to `subject` on `scope` and everything below it. Nobody grants what they do not hold there."""
    require(actor, "create", "access_rule", scope)
    _refuse_more_than_own(actor, role, scope)
    account_locked()
    if scope.kind != UnitKind.ACCOUNT:
        cluster_locked(scope)
    scope = fresh(scope)
    if AccessRule.objects.filter(subject=subject, role=role, scope=scope).exists():
        raise Refused({"subject": f"{subject.name} is {role.name} on {scope.name} already. Choose another role."})
    rule = AccessRule.objects.create(subject=subject, role=role, scope=scope, created_by_id=actor.subject_id)
    audit_record(actor=actor, action="create", entity=rule, unit=scope.pk, after=_words(rule))
    return rule


@transaction.atomic
def rule_delete(*, actor: Actor, rule: AccessRule) -> None:
    """Takes the role away. The last System administrator of the account stays."""
    require(actor, "delete", "access_rule", rule.scope)
    account = account_locked()
    if not AccessRule.objects.filter(pk=rule.pk).exists():
        raise Refused("This rule was removed meanwhile. Look at the list again.")
    refuse_without_administrator(account, without_rule=rule)
    audit_record(actor=actor, action="delete", entity=rule, unit=rule.scope_id, before=_words(rule))
    AccessRule.objects.filter(pk=rule.pk).delete()


def refuse_without_administrator(
    account: OrgUnit, *, without_rule: AccessRule | None = None, without_user: User | None = None
) -> None:
    """Refused when nobody active would be System administrator of the account any more. Called under its lock."""
    rules = AccessRule.objects.filter(role__name=ADMINISTRATOR, scope=account, subject__user__is_active=True)
    left = rules
    if without_rule is not None:
        left = left.exclude(pk=without_rule.pk)
    if without_user is not None:
        left = left.exclude(subject__user=without_user)
    if rules.exists() and not left.exists():
        raise Refused(
            f"This is the last {ADMINISTRATOR} of {account.name}. Give somebody else the role on {account.name} first."
        )


def _refuse_more_than_own(actor: Actor, role: Role, scope: OrgUnit) -> None:
    if actor.user is None:
        return
    for permission in role.permissions.order_by("permission"):
        entity, action = permission.permission.split(":")
        if not may(actor.user, action, entity, scope):
            raise Forbidden(
                f"{role.name} holds “{entity.replace('_', ' ')}: {action}”, which you do not hold on {scope.name}. "
                "Grant a smaller role, or ask someone who holds it."
            )


def _words(rule: AccessRule) -> dict[str, str]:
    return {"subject": rule.subject.name, "role": rule.role.name, "scope": rule.scope.name}
