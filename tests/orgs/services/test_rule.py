from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from orgs.access import Forbidden, may
from orgs.models import AccessRule, OrgUnit, Role, UnitState, User
from orgs.services.rule import rule_create, rule_delete, rule_update, rules_create
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
    make_group,
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


SOON = timezone.now() + timedelta(days=30)
LATER = SOON + timedelta(days=30)


def test_a_role_for_a_while() -> None:
    rule = rule_create(
        actor=actor_of(), subject=make_user().subject, role=role(VIEWER), scope=make_project(), expires_at=SOON
    )
    assert rule.expires_at == SOON
    assert AuditEvent.objects.get(entity="accessrule").after["until"] == SOON.isoformat(timespec="minutes")
    for end in (timezone.now() - timedelta(seconds=1), datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1), "soon"):
        with pytest.raises(Refused, match=r"passed already|not a point in time"):
            rule_update(actor=actor_of(), rule=rule, role=rule.role, expires_at=end)  # type: ignore[arg-type]


def test_several_people_and_groups_on_several_scopes_at_once() -> None:
    one, other = make_project("one"), make_project("other")
    mira, noor = make_user(), make_user()
    group = make_group("vision", noor)
    lasting = make_rule(mira, VIEWER, one)
    ending = make_rule(mira, VIEWER, other, expires_at=SOON)
    granted = rules_create(
        actor=actor_of(make_user(role=ADMIN)),
        subjects=[mira.subject, group.subject],
        role=role(VIEWER),
        scopes=[one, other],
        expires_at=LATER,
    )
    assert granted.kept == [lasting], "never shortened"
    assert granted.prolonged == [ending]
    assert {(rule.subject, rule.scope, rule.expires_at) for rule in granted.made} == {
        (group.subject, one, LATER),
        (group.subject, other, LATER),
    }
    ending.refresh_from_db()
    assert ending.expires_at == LATER
    assert AuditEvent.objects.filter(entity="accessrule").count() == 3


def test_all_of_many_or_nothing() -> None:
    vision, elsewhere = make_department("vision"), make_department("elsewhere")
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    before = AccessRule.objects.count()
    with pytest.raises(Forbidden):
        rules_create(
            actor=actor_of(head), subjects=[make_user().subject], role=role(VIEWER), scopes=[vision, elsewhere]
        )
    with pytest.raises(Refused, match="501 rules"):
        rules_create(actor=actor_of(), subjects=[head.subject] * 501, role=role(VIEWER), scopes=[vision])
    assert AccessRule.objects.count() == before


def test_an_ended_rule_is_renewed_by_who_may_grant_it() -> None:
    vision = make_department()
    head, mira = make_user(role=DEPARTMENT_ADMIN, scope=vision), make_user()
    past = timezone.now() - timedelta(days=1)
    rule = make_rule(mira, RESEARCHER, vision, expires_at=past)
    renewed = rule_create(actor=actor_of(head), subject=mira.subject, role=role(RESEARCHER), scope=vision)
    assert (renewed.pk, renewed.expires_at) == (rule.pk, None)
    beyond = make_rule(mira, ADMIN, vision, expires_at=past)
    for end in (None, SOON):
        with pytest.raises(Forbidden, match="you do not hold on"):
            rule_update(actor=actor_of(head), rule=beyond, role=beyond.role, expires_at=end)


def test_changing_a_rule() -> None:
    vision = make_department("vision")
    head, mira = make_user(role=DEPARTMENT_ADMIN, scope=vision), make_user()
    rule = make_rule(mira, RESEARCHER, vision)
    make_rule(mira, "L2 researcher", vision)
    changed = rule_update(actor=actor_of(head), rule=rule, role=role(VIEWER), expires_at=SOON)
    assert (changed.pk, changed.role.name, changed.expires_at) == (rule.pk, VIEWER, SOON)
    event = AuditEvent.objects.get(entity="accessrule")
    assert (event.before, set(event.after)) == ({"role": RESEARCHER}, {"role", "until"})
    with pytest.raises(Forbidden, match="you do not hold"):
        rule_update(actor=actor_of(head), rule=rule, role=role(ADMIN), expires_at=None)
    with pytest.raises(Refused, match="Another rule makes"):
        rule_update(actor=actor_of(head), rule=rule, role=role("L2 researcher"), expires_at=None)
    with pytest.raises(Forbidden, match="access rule: update"):
        rule_update(actor=actor_of(mira), rule=rule, role=role(VIEWER), expires_at=None)
    rule_delete(actor=actor_of(), rule=rule)
    with pytest.raises(Refused, match="removed meanwhile"):
        rule_update(actor=actor_of(head), rule=rule, role=role(VIEWER), expires_at=None)


def test_the_last_administrator_gets_no_end_and_no_other_role() -> None:
    admin = make_user(role=ADMIN)
    make_rule(make_user(), ADMIN, make_account(), expires_at=SOON)
    make_rule(make_group("empty"), ADMIN, make_account())
    rule = AccessRule.objects.get(subject=admin.subject)
    for other, end in ((role(ADMIN), SOON), (role(VIEWER), None)):
        with pytest.raises(Refused, match="last System administrator"):
            rule_update(actor=actor_of(admin), rule=rule, role=other, expires_at=end)
    make_rule(make_group("operators", make_user()), ADMIN, make_account())
    assert rule_update(actor=actor_of(admin), rule=rule, role=role(ADMIN), expires_at=SOON).expires_at == SOON
