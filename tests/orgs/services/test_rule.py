from __future__ import annotations

import pytest

from orgs.access import Forbidden, may
from orgs.models import AccessRule, OrgUnit, Role, UnitState, User
from orgs.services.rule import rule_create, rule_delete
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    actor_of,
    make_account,
    make_cluster,
    make_department,
    make_project,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db


def role(name: str) -> Role:
    return Role.objects.get(name=name)


def test_granting_gives_the_right_from_the_next_request_on() -> None:
    project = make_project("vis-3d")
    mira = make_user("mira@example.org")
    admin = make_user(name="Ana", role=ADMIN)
    rule = rule_create(actor=actor_of(admin), subject=mira.subject, role=role(RESEARCHER), scope=project)
    assert may(User.objects.get(pk=mira.pk), "create", "training", project)
    assert rule.created_by == admin.subject
    event = AuditEvent.objects.get(entity="accessrule")
    assert event.after == {"subject": "mira@example.org", "role": RESEARCHER, "scope": "vis-3d"}
    assert event.unit == project.pk


def test_nobody_grants_where_they_do_not_administer() -> None:
    vision = make_department()
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    with pytest.raises(Forbidden):
        rule_create(actor=actor_of(head), subject=head.subject, role=role(VIEWER), scope=vision.cluster)
    with pytest.raises(Forbidden):
        rule_create(
            actor=actor_of(make_user(role=RESEARCHER, scope=vision)),
            subject=head.subject,
            role=role(VIEWER),
            scope=vision,
        )


def test_nobody_grants_more_than_they_hold() -> None:
    vision = make_department("vision")
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    with pytest.raises(Forbidden, match=r"System administrator holds “.*”, which you do not hold on vision"):
        rule_create(actor=actor_of(head), subject=head.subject, role=role(ADMIN), scope=vision)
    for name in (DEPARTMENT_ADMIN, RESEARCHER, VIEWER):
        assert rule_create(actor=actor_of(head), subject=make_user().subject, role=role(name), scope=vision)


def test_the_same_rule_twice() -> None:
    project = make_project()
    user = make_user(role=VIEWER, scope=project)
    with pytest.raises(Refused, match="already"):
        rule_create(actor=actor_of(), subject=user.subject, role=role(VIEWER), scope=project)


def test_a_scope_that_goes_away() -> None:
    project = make_project()
    OrgUnit.objects.filter(pk=project.pk).update(state=UnitState.DELETING)
    with pytest.raises(Refused, match="deleted meanwhile"):
        rule_create(actor=actor_of(), subject=make_user().subject, role=role(VIEWER), scope=project)


def test_removing() -> None:
    vision = make_department("vision")
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    mira = make_user(role=VIEWER, scope=vision)
    rule = AccessRule.objects.get(subject__user=mira)
    rule_delete(actor=actor_of(head), rule=rule)
    assert not may(User.objects.get(pk=mira.pk), "read", "project")
    assert AuditEvent.objects.get(action="delete").before["subject"] == mira.email
    with pytest.raises(Refused, match="removed meanwhile"):
        rule_delete(actor=actor_of(head), rule=rule)


def test_removing_needs_the_right_on_the_rules_scope() -> None:
    vision = make_department()
    rule = make_rule(make_user(), VIEWER, make_account())
    with pytest.raises(Forbidden):
        rule_delete(actor=actor_of(make_user(role=DEPARTMENT_ADMIN, scope=vision)), rule=rule)


def test_the_last_system_administrator_of_the_account_stays() -> None:
    account = make_account()
    last = AccessRule.objects.get(subject__user=make_user(role=ADMIN))
    make_user(role=ADMIN, scope=make_cluster())
    gone = make_user(role=ADMIN)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(Refused, match="last System administrator"):
        rule_delete(actor=actor_of(), rule=last)
    make_user(role=ADMIN, scope=account)
    rule_delete(actor=actor_of(), rule=last)
    assert not AccessRule.objects.filter(pk=last.pk).exists()
