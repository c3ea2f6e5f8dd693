from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.access import Forbidden, may
from orgs.models import OrgUnit, Role, User
from orgs.services.role import role_create, role_delete, role_update
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    actor_of,
    make_account,
    make_department,
    make_role,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def account(db: None) -> OrgUnit:
    return make_account()


READ = ["project:read", "training:read"]


def test_a_custom_role_from_first_to_last() -> None:
    admin = actor_of(make_user(role=ADMIN))
    role = role_create(actor=admin, name="Night shift", permissions=READ)
    vision = make_department()
    mira = make_user()
    rule = make_rule(mira, "Night shift", vision)
    assert may(User.objects.get(pk=mira.pk), "read", "training", vision)
    role = role_update(actor=admin, role=role, name="Day shift", permissions=[*READ, "training:update"])
    assert may(User.objects.get(pk=mira.pk), "update", "training", vision)
    assert (role.name, role.version, role.built_in) == ("Day shift", 2, False)
    with pytest.raises(Refused, match="Somebody else changed"):
        role_update(actor=admin, role=role, name="Shift", permissions=READ, expected_version=1)
    with pytest.raises(Refused, match="A rule grants Day shift"):
        role_delete(actor=admin, role=role)
    rule.delete()
    role_delete(actor=admin, role=role)
    events = AuditEvent.objects.filter(entity="role").order_by("id")
    assert [(event.action, event.before.get("name"), event.after.get("name")) for event in events] == [
        ("create", None, "Night shift"),
        ("update", "Night shift", "Day shift"),
        ("delete", "Day shift", None),
    ]
    assert events[1].after["permissions"] == ["training:update"]


def test_predefined_roles_stay_as_they_are() -> None:
    role = Role.objects.get(name="Viewer")
    with pytest.raises(Refused, match="predefined"):
        role_update(actor=actor_of(), role=role, name="Viewer", permissions=[*READ, "training:update"])
    with pytest.raises(Refused, match="predefined"):
        role_delete(actor=actor_of(), role=role)


@pytest.mark.parametrize(
    ("permissions", "words"),
    [
        ([], "holds nothing"),
        (["training:update"], "Choose “R” of training too"),
        (["node:update"], "no permission “node:update”"),
        ([7], "no permission"),
        ("project:read", "no permissions"),
        (None, "no permissions"),
    ],
)
def test_cells_that_there_are(permissions: object, words: str) -> None:
    with pytest.raises(Refused, match=words):
        role_create(actor=actor_of(), name="Odd", permissions=permissions)  # type: ignore[arg-type]


def test_names_are_given_once_whatever_their_case() -> None:
    role = make_role("Night shift", *READ)
    for name in ("system administrator", "NIGHT SHIFT"):
        with pytest.raises(Refused, match="already"):
            role_create(actor=actor_of(), name=name, permissions=READ)
    assert role_update(actor=actor_of(), role=role, name="night shift", permissions=READ).name == "night shift"


def test_nobody_raises_themselves_by_changing_a_role() -> None:
    keeper = make_user()
    role = make_role("Keeper", "role:read", "role:update", "access_rule:read", "access_rule:create", *READ)
    make_rule(keeper, "Keeper", make_account())
    more = [*role.permissions.values_list("permission", flat=True), "training:delete"]
    with pytest.raises(Forbidden, match="training: delete"):
        role_update(actor=actor_of(keeper), role=role, name="Keeper", permissions=more)
    other = make_role("Night shift", *READ)
    role_update(actor=actor_of(keeper), role=other, name="Night shift", permissions=[*READ, "training:delete"])
    rule = make_rule(keeper, "Night shift", make_department(), expires_at=timezone.now() - timedelta(1))
    role_update(actor=actor_of(keeper), role=other, name="Night", permissions=[*READ, "training:create"])
    rule.expires_at = None
    rule.save()
    with pytest.raises(Forbidden, match="training: update"):
        role_update(actor=actor_of(keeper), role=other, name="Night", permissions=[*READ, "training:update"])
    assert role_update(actor=actor_of(keeper), role=other, name="Night", permissions=READ)


def test_only_who_holds_roles_on_the_account() -> None:
    head = actor_of(make_user(role=DEPARTMENT_ADMIN))
    role = make_role("Night shift", *READ)
    for act in (
        lambda: role_create(actor=head, name="More", permissions=READ),
        lambda: role_update(actor=head, role=role, name="More", permissions=READ),
        lambda: role_delete(actor=head, role=role),
    ):
        with pytest.raises(Forbidden, match="role: "):
            act()
