"""Makes what the wizard planned in one transaction, and takes it back in one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from orgs import hooks
from orgs.access import as_of_now, require
from orgs.hooks import Gift
from orgs.mapping.plan import plan
from orgs.mapping.planned import Plan, PlannedUnit, Wish
from orgs.models import AccessRule, Mapping, OrgUnit, ProjectInfo, Subject, UnitKind, User
from orgs.names import NAMESPACE_PREFIX
from orgs.selectors.mapping import built_upon
from orgs.services.granting import require_grant
from orgs.services.locks import account_locked, cluster_locked, fresh
from orgs.services.rule import rule_words, rules_end, rules_insert
from orgs.services.tree import units_insert
from orgs.services.user import users_create
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import Act, audit_record, audit_record_all
from portal.services.feed import feed_tell


@transaction.atomic
def mapping_create(*, actor: Actor, wish: Wish) -> Mapping:
    """Departments, projects, people, rules and quotas of the list: all of it or nothing."""
    account_locked()
    cluster = cluster_locked(wish.target)
    actor, target = as_of_now(actor), fresh(wish.target)
    made = plan(user=actor.user, wish=replace(wish, target=target))
    # What the guard refuses, it says itself where the quotas are given.
    if made.mistakes:
        raise Refused("Something in the list does not fit any more. Look at what is marked in the preview.")
    if made.nothing_new:
        raise Refused("Everything in the list is there already. Nothing was made.")
    for kind, units in ((UnitKind.DEPARTMENT, made.departments), (UnitKind.PROJECT, made.projects)):
        if units:
            require(actor, "create", kind.label, target)
    _insert(made, cluster)
    people = {email: person for email, person in made.people.items() if person.subject is None}
    users = users_create(actor=actor, people=[(email, person.name) for email, person in people.items()])
    rules, renewed = _grant(actor, made)
    units = [unit for unit in made.units() if unit.new is not None]
    gifts = [Gift(unit.new, pool, milli) for unit in units if unit.new for pool, milli in unit.quota.items() if milli]
    saves = hooks.quotas_give(actor, gifts)
    mapping = Mapping.objects.create(
        target=target,
        created_by_id=actor.subject_id,
        made={
            "departments": [unit.new.pk for unit in units if unit.new and unit.kind == UnitKind.DEPARTMENT],
            "projects": [unit.new.pk for unit in units if unit.new and unit.kind == UnitKind.PROJECT],
            "rules": [rule.pk for rule in rules],
            "renewed": {rule.pk: end.isoformat() for rule, end in renewed},
            "people": [user.pk for user in users],
            "saves": saves,
        },
    )
    audit_record_all(actor=actor, acts=[_created(unit) for unit in units])
    audit_record(actor=actor, action="create", entity=mapping, unit=target.pk, after=counts(mapping))
    feed_tell(cluster=cluster.pk, config=True)
    return mapping


def counts(mapping: Mapping) -> dict[str, int]:
    """How much it made. Rules that had ended and were given anew are counted among the rules."""
    found = {what: len(mapping.ids(what)) for what in ("departments", "projects", "people", "rules")}
    return found | {"rules": found["rules"] + len(mapping.renewed)}


def _insert(made: Plan, cluster: OrgUnit) -> None:
    """The rows of the new units, level by level."""
    level = made.tops
    while level:
        new = [unit for unit in level if unit.there is None]
        rows = units_insert([(unit.kind, unit.name, _parent(made, unit)) for unit in new])
        for unit, row in zip(new, rows, strict=True):
            unit.new = row
        level = [child for unit in level for child in unit.children]
    ProjectInfo.objects.bulk_create(
        ProjectInfo(unit=unit.new, cluster=cluster, namespace=NAMESPACE_PREFIX + unit.name) for unit in made.projects
    )


def _parent(made: Plan, unit: PlannedUnit) -> OrgUnit:
    parent = made.target if unit.parent is None else unit.parent.there or unit.parent.new
    assert parent is not None
    return parent


def _grant(actor: Actor, made: Plan) -> tuple[list[AccessRule], list[tuple[AccessRule, datetime]]]:
    """The rules of the list that are not there yet; and those that had ended, with their ends, given anew for good.
    What is held on the target is held on everything below it."""
    roles = {person.role for _, person in made.grants if person.role}
    for role in sorted(roles, key=lambda role: role.name):
        require_grant(actor, role, made.target)
    subjects = {
        subject.name: subject for subject in Subject.objects.filter(kind=Subject.Kind.USER, name__in=made.people)
    }
    rules, renewed = [], []
    for unit, person in made.grants:
        scope = unit.there or unit.new
        assert scope is not None
        assert person.role is not None
        if person.rule is None:
            rules.append(AccessRule(subject=subjects[person.email], role=person.role, scope=scope))
        elif person.rule.expires_at is not None:
            renewed.append((person.rule, person.rule.expires_at))
    rules_insert(actor=actor, rules=rules)
    rules_end(actor=actor, ends=[(rule, None) for rule, _ in renewed])
    return rules, renewed


def _created(unit: PlannedUnit) -> Act:
    assert unit.new is not None
    assert unit.new.parent is not None
    return Act("create", unit.new, unit.new.parent_id, after={"name": unit.name, "parent": unit.new.parent.name})


@transaction.atomic
def mapping_undo(*, actor: Actor, mapping: Mapping) -> None:
    """Removes exactly what it made. Refused, with all reasons, when something has been built upon it since."""
    account = account_locked()
    cluster = cluster_locked(mapping.target)
    actor, target = as_of_now(actor), fresh(mapping.target)
    mapping = Mapping.objects.get(pk=mapping.pk)
    if mapping.undone_at is not None:
        raise Refused("This was taken back already.")
    for what, entity, scope in (
        ("departments", "department", target),
        ("projects", "project", target),
        ("rules", "access_rule", target),
        ("people", "user", account),
    ):
        if mapping.ids(what) or (what == "rules" and mapping.renewed):
            require(actor, "delete", entity, scope)
    reasons = built_upon(mapping)
    if reasons:
        raise Refused(reasons)
    units = list(OrgUnit.objects.filter(pk__in=mapping.units).select_related("parent"))
    rules = list(AccessRule.objects.filter(pk__in=mapping.ids("rules")).select_related("subject", "role", "scope"))
    users = list(Subject.objects.filter(user__in=mapping.ids("people")).select_related("user"))
    hooks.quotas_take(actor, units)
    acts = [Act("delete", rule, rule.scope_id, before=rule_words(rule)) for rule in rules]
    acts += [Act("delete", unit, unit.parent_id, before={"name": unit.name}) for unit in units]
    acts += [Act("delete", one.user, account.pk, before={"email": one.name}) for one in users if one.user]
    audit_record_all(actor=actor, acts=acts)
    renewed = AccessRule.objects.filter(pk__in=mapping.renewed).select_related("subject", "role", "scope")
    rules_end(actor=actor, ends=[(rule, mapping.renewed[rule.pk]) for rule in renewed])
    AccessRule.objects.filter(pk__in=mapping.ids("rules")).delete()
    OrgUnit.objects.filter(pk__in=mapping.units).delete()
    User.objects.filter(pk__in=mapping.ids("people")).delete()
    Mapping.objects.filter(pk=mapping.pk).update(undone_at=timezone.now())
    audit_record(actor=actor, action="undo", entity=mapping, unit=target.pk, before=counts(mapping))
    feed_tell(cluster=cluster.pk, config=True)
