"""Access rules: who has which role where, and until when. They queue at the account's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from orgs.access import as_of_now, require
from orgs.models import AccessRule, OrgUnit, Role, Subject, UnitKind
from orgs.services.administrators import administrator_kept
from orgs.services.granting import require_grant
from orgs.services.locks import account_locked, cluster_locked, fresh
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import Act, audit_record, audit_record_all

MOST_AT_ONCE = 500
"""Rules that one form may make."""


@dataclass(slots=True)
class Granted:
    """What came of giving a role to several subjects on several scopes."""

    made: list[AccessRule] = field(default_factory=list)
    prolonged: list[AccessRule] = field(default_factory=list)
    """Were there with an earlier end, or had ended."""
    kept: list[AccessRule] = field(default_factory=list)
    """Were there and last as long, or longer: left as they are."""


def rule_create(
    *, actor: Actor, subject: Subject, role: Role, scope: OrgUnit, expires_at: datetime | None = None
) -> AccessRule:
    """Grants `role` to `subject` on `scope` and everything below it. Nobody grants what they do not hold there."""
    with transaction.atomic():
        granted = rules_create(actor=actor, subjects=[subject], role=role, scopes=[scope], expires_at=expires_at)
        if granted.kept:
            raise Refused({"subject": f"{subject.title} is {role.name} on {scope.name} already. Choose another role."})
    return (granted.made + granted.prolonged)[0]


@transaction.atomic
def rules_create(
    *,
    actor: Actor,
    subjects: Sequence[Subject],
    role: Role,
    scopes: Sequence[OrgUnit],
    expires_at: datetime | None = None,
) -> Granted:
    """Grants `role` to each of the subjects on each of the scopes: all of it or nothing. It never shortens a rule."""
    check_end(expires_at)
    if len(subjects) * len(scopes) > MOST_AT_ONCE:
        raise Refused(f"This makes {len(subjects) * len(scopes)} rules. Make at most {MOST_AT_ONCE} at once.")
    # Asked before the lock, so that who may not do it waits for nobody, and again as things are once it is held.
    for scope in scopes:
        require_grant(actor, role, scope)
    account_locked()
    for cluster in sorted({scope.cluster_id for scope in scopes if scope.cluster_id}):
        cluster_locked(next(scope for scope in scopes if scope.cluster_id == cluster))
    actor = as_of_now(actor)
    granted = Granted()
    there = [fresh(scope) for scope in scopes]
    rules = AccessRule.objects.filter(subject__in=subjects, role=role, scope__in=there)
    known = {(rule.scope_id, rule.subject_id): rule for rule in rules.select_related("subject", "role", "scope")}
    for scope in there:
        require_grant(actor, role, scope)
        for subject in subjects:
            rule = known.get((scope.pk, subject.pk))
            if rule is None:
                rule = AccessRule(subject=subject, role=role, scope=scope, expires_at=expires_at)
                granted.made.append(rule)
            elif lasts_longer(expires_at, rule.expires_at):
                _change(actor, rule, {"expires_at": expires_at})
                granted.prolonged.append(rule)
            else:
                granted.kept.append(rule)
    rules_insert(actor=actor, rules=granted.made)
    return granted


def rules_insert(*, actor: Actor, rules: Sequence[AccessRule]) -> None:
    """Writes rules that are new, and tells of each, in a fixed number of queries. In the transaction in which it was
    asked whether `actor` may grant them."""
    for rule in rules:
        rule.created_by_id = actor.subject_id
    AccessRule.objects.bulk_create(rules)
    audit_record_all(actor=actor, acts=[Act("create", rule, rule.scope_id, after=rule_words(rule)) for rule in rules])


def rules_end(*, actor: Actor, ends: Sequence[tuple[AccessRule, datetime | None]]) -> None:
    """Gives rules other ends, as `rules_insert` writes new ones."""
    acts = []
    for rule, end in ends:
        before = rule_words(rule)
        rule.expires_at = end
        acts.append(_changed(rule, before))
    AccessRule.objects.bulk_update([rule for rule, _ in ends], ["expires_at"], batch_size=500)
    audit_record_all(actor=actor, acts=acts)


@transaction.atomic
def rule_update(*, actor: Actor, rule: AccessRule, role: Role, expires_at: datetime | None) -> AccessRule:
    """Gives the rule another role or another end. What it grants more, or for longer, the actor has to hold."""
    require(actor, "update", "access_rule", rule.scope)
    account = account_locked()
    if rule.scope.kind != UnitKind.ACCOUNT:
        cluster_locked(rule.scope)
    rule = _as_it_is(rule)
    actor = as_of_now(actor)
    require(actor, "update", "access_rule", rule.scope)
    if role == rule.role and expires_at == rule.expires_at:
        return rule
    check_end(expires_at)
    if role != rule.role or lasts_longer(expires_at, rule.expires_at):
        require_grant(actor, role, rule.scope)
    if AccessRule.objects.filter(subject=rule.subject, role=role, scope=rule.scope).exclude(pk=rule.pk).exists():
        raise Refused(
            {"role": f"Another rule makes {rule.subject.title} {role.name} on {rule.scope.name} already. Change that."}
        )
    with administrator_kept(account):
        _change(actor, rule, {"role": role, "expires_at": expires_at})
    return rule


@transaction.atomic
def rule_delete(*, actor: Actor, rule: AccessRule) -> None:
    """Takes the role away. The last System administrator of the account stays."""
    require(actor, "delete", "access_rule", rule.scope)
    account = account_locked()
    rule = _as_it_is(rule)
    require(as_of_now(actor), "delete", "access_rule", rule.scope)
    audit_record(actor=actor, action="delete", entity=rule, unit=rule.scope_id, before=rule_words(rule))
    with administrator_kept(account):
        AccessRule.objects.filter(pk=rule.pk).delete()


def lasts_longer(end: datetime | None, than: datetime | None) -> bool:
    return than is not None and (end is None or end > than)


def check_end(expires_at: object) -> None:
    """Refused unless it is no end, or one in the next years."""
    if expires_at is None:
        return
    if not isinstance(expires_at, datetime) or timezone.is_naive(expires_at):
        raise Refused({"expires_at": "This is not a point in time with its zone. Choose a day, or none."})
    if expires_at <= timezone.now():
        raise Refused({"expires_at": "This has passed already. Choose a later day, or none."})


def _as_it_is(rule: AccessRule) -> AccessRule:
    found = AccessRule.objects.select_related("subject__user", "role", "scope").filter(pk=rule.pk).first()
    if found is None:
        raise Refused("This rule was removed meanwhile. Look at the list again.")
    return found


def _change(actor: Actor, rule: AccessRule, values: dict[str, Any]) -> None:
    before = rule_words(rule)
    for name, value in values.items():
        setattr(rule, name, value)
    rule.save(update_fields=list(values))
    audit_record_all(actor=actor, acts=[_changed(rule, before)])


def _changed(rule: AccessRule, before: dict[str, str]) -> Act:
    """What became of a rule that was called `before`."""
    after = rule_words(rule)
    return Act(
        "update",
        rule,
        rule.scope_id,
        before={name: text for name, text in before.items() if after.get(name) != text},
        after={name: text for name, text in after.items() if before.get(name) != text},
    )


def rule_words(rule: AccessRule) -> dict[str, str]:
    """For the audit log."""
    until = {"until": rule.expires_at.isoformat(timespec="minutes")} if rule.expires_at else {}
    return {"subject": rule.subject.name, "role": rule.role.name, "scope": rule.scope.name} | until
