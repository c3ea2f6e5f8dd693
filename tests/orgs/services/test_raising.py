"""Everything that gives somebody a right, straight or in a roundabout way, asks whether the actor holds it.

Every service of the organization is named here: one that can raise somebody has a case, of the others it says why not.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from orgs.mapping.lines import Pattern, read_lines
from orgs.mapping.planned import Wish
from orgs.models import Application, Role, User
from orgs.services.access_key import KeyLimits, key_create, key_rotate, key_update
from orgs.services.group import group_members_add, group_update
from orgs.services.mapping import mapping_create
from orgs.services.move import unit_move
from orgs.services.password import password_reset
from orgs.services.provider import provider_unlink
from orgs.services.role import role_update
from orgs.services.rule import rule_create, rule_update, rules_create
from orgs.services.second_factor import second_factor_reset
from orgs.services.user import user_activate
from portal.actor import Actor
from portal.errors import Refused
from portal.settings.sign_in import IdentityProvider
from tests import audited
from tests.factories import (
    ADMIN,
    actor_of,
    make_account,
    make_application,
    make_department,
    make_group,
    make_key,
    make_project,
    make_role,
    make_rule,
    make_second_factor,
    make_user,
)

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
PROVIDER = IdentityProvider("id-example-org", "Example ID", "groups", admits_unknown=True, email_domains=())
Act = Callable[..., object]
"""Takes the actor alone: what would give somebody `training: create`."""


def trainer() -> Role:
    return Role.objects.get(name="Trainer")


def mira() -> User:
    """Who may train already, and so whoever becomes her."""
    user = make_user("mira@example.org")
    make_rule(user, "Trainer", make_account())
    return user


def given_a_role() -> Act:
    return partial(rule_create, subject=make_user().subject, role=trainer(), scope=make_project())


def given_in_bulk() -> Act:
    subjects = [make_user().subject, make_group().subject]
    return partial(rules_create, subjects=subjects, role=trainer(), scopes=[make_project(), make_project()])


def given_another_role() -> Act:
    make_role("Reader", "training:read")
    rule = make_rule(make_user(), "Reader", make_project())
    return partial(rule_update, rule=rule, role=trainer(), expires_at=None)


def kept_longer() -> Act:
    rule = make_rule(make_user(), "Trainer", make_project(), expires_at=timezone.now() + timedelta(days=1))
    return partial(rule_update, rule=rule, role=trainer(), expires_at=None)


def renewed() -> Act:
    rule = make_rule(make_user(), "Trainer", make_project(), expires_at=timezone.now() - timedelta(days=1))
    return partial(rule_update, rule=rule, role=trainer(), expires_at=timezone.now() + timedelta(days=1))


def role_that_gains() -> Act:
    role = make_role("Reader", "training:read")
    make_rule(make_user(), "Reader", make_project())
    return partial(role_update, role=role, name="Reader", permissions=["training:read", "training:create"])


def joining() -> Act:
    group = make_group("crew")
    make_rule(group, "Trainer", make_project())
    return partial(group_members_add, group=group, users=[make_user()])


def called_as_the_provider_calls_it() -> Act:
    group = make_group("crew")
    make_rule(group, "Trainer", make_project())
    return partial(group_update, group=group, name="everybody")


def let_in_again() -> Act:
    user = mira()
    User.objects.filter(pk=user.pk).update(is_active=False)
    return partial(user_activate, user=user)


def of_a_group_let_in_again() -> Act:
    user = make_user()
    make_rule(make_group("crew", user), "Trainer", make_project())
    User.objects.filter(pk=user.pk).update(is_active=False)
    return partial(user_activate, user=user)


def with_a_password_that_one_knows() -> Act:
    return partial(password_reset, user=mira())


def with_one_lock_less() -> Act:
    user = mira()
    make_second_factor(user)
    return partial(second_factor_reset, user=user)


def free_for_whoever_comes() -> Act:
    user = mira()
    SocialAccount.objects.create(user=user, provider=PROVIDER.key, uid="m-1")
    return partial(provider_unlink, provider=PROVIDER, user=user)


def application_that_trains() -> Application:
    return make_application(role="Trainer")


def with_a_key_of_an_application() -> Act:
    return partial(key_create, owner=application_that_trains().user, limits=KeyLimits("nightly"))


def with_a_wider_key_of_an_application() -> Act:
    key = make_key(application_that_trains().user, permissions=["training:read"], limited_to="reading").key
    return partial(key_update, key=key, limits=KeyLimits("nightly"))


def with_another_key_of_an_application() -> Act:
    return partial(key_rotate, key=make_key(application_that_trains().user).key, overlap=timedelta(0))


def moved_to_where_one_holds_more() -> Act:
    speech = make_department("speech")
    there = make_department("vision", parent=speech.cluster)
    make_rule(helper(), "Trainer", there)
    return partial(unit_move, unit=make_project(department=speech), parent=there)


def named_in_a_list() -> Act:
    lines = read_lines("person\nnew@example.org\n", Pattern.INDIVIDUALS, ())
    return partial(
        mapping_create, wish=Wish(make_department().cluster, Pattern.INDIVIDUALS, lines, trainer(), True, [])
    )


RAISING: dict[str, list[Callable[[], Act]]] = {
    "access_key.key_create": [with_a_key_of_an_application],
    "access_key.key_rotate": [with_another_key_of_an_application],
    "access_key.key_update": [with_a_wider_key_of_an_application],
    "group.group_members_add": [joining],
    "group.group_update": [called_as_the_provider_calls_it],
    "mapping.mapping_create": [named_in_a_list],
    "move.unit_move": [moved_to_where_one_holds_more],
    "password.password_reset": [with_a_password_that_one_knows],
    "provider.provider_unlink": [free_for_whoever_comes],
    "role.role_update": [role_that_gains],
    "rule.rule_create": [given_a_role],
    "rule.rule_update": [given_another_role, kept_longer, renewed],
    "rule.rules_create": [given_in_bulk],
    "second_factor.second_factor_reset": [with_one_lock_less],
    "user.user_activate": [let_in_again, of_a_group_let_in_again],
}
"""Services of `orgs.services` that can raise somebody."""
RAISES_NOBODY = {
    "access_key.key_revoke": "takes away",
    "application.application_create": "has no roles",
    "application.application_delete": "takes away",
    "application.application_update": "roles lie on applications, not on names",
    "cluster.cluster_create": "roles on the account hold there, as on everything below",
    "cluster.cluster_disconnect": "takes away",
    "device.device_approve": "a key of the actor's own",
    "cluster.cluster_reconnect": "signs in to the same cluster",
    "delivery.delivery_again": "sends what was sent",
    "webhook.webhook_create": "tells what its maker may read",
    "webhook.webhook_delete": "takes away",
    "webhook.webhook_rotate": "the secret opens nothing here",
    "webhook.webhook_test": "sends what did not happen",
    "webhook.webhook_update": "tells what who changes it may read",
    "granting.require_cells": "asks",
    "granting.require_grant": "asks",
    "granting.require_grants": "asks",
    "department.department_create": "roles above hold there, as on everything below",
    "group.group_create": "has no roles",
    "group.group_delete": "takes away",
    "group.group_member_remove": "takes away",
    "mapping.mapping_undo": "takes away",
    "password.password_replace": "one's own",
    "project.project_create": "roles above hold there, as on everything below",
    "role.role_create": "is granted to nobody",
    "role.role_delete": "is granted to nobody",
    "rule.rule_delete": "takes away",
    "rule.rules_end": "part of services that asked",
    "rule.rules_insert": "part of services that asked",
    "second_factor.recovery_codes_recorded": "one's own, and only tells",
    "second_factor.second_factor_recorded": "one's own, and only tells",
    "session.other_sessions_end": "one's own",
    "session.session_end": "one's own",
    "unit.unit_delete": "takes away",
    "unit.unit_rename": "roles lie on units, not on names",
    "user.own_name_set": "roles lie on people, not on names",
    "user.user_create": "has no roles",
    "user.user_deactivate": "takes away",
    "user.users_create": "have no roles",
}
MODELS = {"AccessRule", "Group", "GroupMember", "Role", "RolePermission", "Subject", "User"}


def helper() -> User:
    """Who may do all of it, and must not train anywhere."""
    return User.objects.get(email="helper@example.org")


@pytest.fixture(autouse=True)
def people() -> None:
    account = make_account()
    make_role("Trainer", "training:read", "training:create")
    cells = [
        f"{entity}:{action}" for entity in ("access_key", "access_rule", "group", "role", "user") for action in ACTIONS
    ]
    cells += [f"{entity}:{action}" for entity in ("department", "project") for action in ACTIONS]
    make_role("Helper", *cells)
    make_rule(make_user("helper@example.org"), "Helper", account)
    make_rule(make_user("boss@example.org"), ADMIN, account)


ACTIONS = ("create", "read", "update", "delete")
CASES = [case for cases in RAISING.values() for case in cases]


def by(email: str) -> Actor:
    return actor_of(User.objects.get(email=email))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_who_does_not_hold_it_cannot_give_it(case: Callable[[], Act]) -> None:
    act = case()
    with pytest.raises((PermissionDenied, Refused), match=r"training: create|does not fit"):
        act(actor=by("helper@example.org"))
    act(actor=by("boss@example.org"))


def test_every_service_is_named() -> None:
    found = {name for name in audited.services() if name.startswith("orgs.services.")}
    named = [f"orgs.services.{name}" for name in (*RAISING, *RAISES_NOBODY)]
    assert found == set(named)
    assert len(named) == len(set(named))
    for name, cases in RAISING.items():
        for case in cases:
            with transaction.atomic():
                tried: Any = case()
                transaction.set_rollback(True)
            assert tried.func.__name__ == name.split(".")[1]


def test_no_other_service_touches_what_rights_are_made_of() -> None:
    touched = {
        str(path.relative_to(ROOT)): names
        for app in ("portal", "quotas", "scheduling")
        for path in (ROOT / app).rglob("services/*.py")
        if (names := MODELS & {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)})
    }
    assert touched == {}
