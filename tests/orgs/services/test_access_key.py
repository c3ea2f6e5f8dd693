from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from knox.crypto import hash_token

from orgs.access import Limits, limit
from orgs.models import AccessKey, User
from orgs.services.access_key import KeyLimits, key_create, key_revoke, key_rotate, key_update
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    RESEARCHER,
    actor_of,
    make_application,
    make_key,
    make_project,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira() -> User:
    return make_user("mira@example.org", role=RESEARCHER, scope=make_project())


def test_a_key_is_told_once_and_kept_as_a_hash(mira: User) -> None:
    end = timezone.now() + timedelta(days=3)
    limits = KeyLimits("nightly", ["training:read", "training:create"], "training", expires_at=end)
    new = key_create(actor=actor_of(mira), owner=mira, limits=limits)
    row = AccessKey.objects.get()
    assert row.digest == hash_token(new.token)
    assert new.token.startswith("bursar_")
    assert new.token.startswith(row.token_key)
    assert len(row.token_key) < 20 < len(new.token)
    assert (row.user, row.expiry, row.permissions) == (mira, end, ["training:create", "training:read"])
    event = AuditEvent.objects.get(entity="accesskey")
    assert event.after["owner"] == "mira@example.org"
    assert new.token not in str(vars(event))
    assert new.token not in repr(new)


@pytest.mark.parametrize("permissions", [[], ["none:such"], ["training"], ["training:read", "x"]])
def test_only_permissions_of_the_table(mira: User, permissions: list[str]) -> None:
    with pytest.raises(Refused, match="no permissions of the table"):
        key_create(actor=actor_of(mira), owner=mira, limits=KeyLimits("nightly", permissions))


def test_nobody_makes_keys_of_another_person(mira: User) -> None:
    admin = make_user(role=ADMIN)
    with pytest.raises(Refused, match="Only Mira can make"):
        key_create(actor=actor_of(admin), owner=mira, limits=KeyLimits("mine"))
    with pytest.raises(PermissionDenied):
        key_create(actor=actor_of(mira), owner=admin, limits=KeyLimits("mine"))
    key = make_key(mira).key
    with pytest.raises(PermissionDenied):
        key_revoke(actor=actor_of(make_user()), key=key)
    key_revoke(actor=actor_of(admin), key=key)
    assert not AccessKey.objects.exists()


def test_a_key_makes_no_keys_and_can_be_revoked_by_itself(mira: User) -> None:
    key = make_key(mira).key
    limit(mira, Limits(None, "", False))
    for act in (
        lambda: key_create(actor=actor_of(mira), owner=mira, limits=KeyLimits("another")),
        lambda: key_update(actor=actor_of(mira), key=key, limits=KeyLimits("wider")),
        lambda: key_rotate(actor=actor_of(mira), key=key, overlap=timedelta(0)),
    ):
        with pytest.raises(PermissionDenied, match="makes and changes no keys"):
            act()
    key_revoke(actor=actor_of(mira), key=key)
    assert not AccessKey.objects.exists()


def test_who_may_neither_see_nor_grant_makes_no_key_of_an_application(mira: User) -> None:
    application = make_application(role=ADMIN)
    keys = make_user("keys@example.org", role="Application administrator")
    with pytest.raises(PermissionDenied, match="which you do not hold"):
        key_create(actor=actor_of(keys), owner=application.user, limits=KeyLimits("nightly"))
    harmless = make_application(role="Application administrator")
    assert key_create(actor=actor_of(keys), owner=harmless.user, limits=KeyLimits("nightly")).key.user == harmless.user


def test_rotating_leaves_no_gap(mira: User) -> None:
    now = timezone.now()
    made = make_key(mira, created=now - timedelta(days=80), expiry=now + timedelta(days=10), limited_to="reading")
    new = key_rotate(actor=actor_of(mira), key=made.key, overlap=timedelta(hours=1))
    old = AccessKey.objects.get(pk=made.key.pk)
    assert not old.ended
    assert old.expiry is not None
    assert timedelta(minutes=59) < old.expiry - now < timedelta(minutes=61)
    assert old.replaced_by == new.key
    assert new.key.limited_to == "reading"
    assert new.key.expiry is not None
    assert timedelta(days=89) < new.key.expiry - now < timedelta(days=91), "as long as the old one was to last"
    with pytest.raises(Refused, match="rotated already"):
        key_rotate(actor=actor_of(mira), key=old, overlap=timedelta(0))
    for overlap in (timedelta(days=31), timedelta(seconds=-1)):
        with pytest.raises(Refused, match="at most 30 days"):
            key_rotate(actor=actor_of(mira), key=new.key, overlap=overlap)


def test_an_ended_key_is_not_rotated(mira: User) -> None:
    key = make_key(mira, expiry=timezone.now()).key
    with pytest.raises(Refused, match="has ended"):
        key_rotate(actor=actor_of(mira), key=key, overlap=timedelta(0))


def test_other_limits_hold_and_only_what_differs_is_told(mira: User) -> None:
    key = make_key(mira).key
    same = key_update(actor=actor_of(mira), key=key, limits=KeyLimits("nightly"))
    assert same == key
    told = AuditEvent.objects.filter(entity="accesskey")
    assert not told.exists()
    key_update(actor=actor_of(mira), key=key, limits=KeyLimits("nightly", ["training:read"], "reading"))
    event = told.get()
    assert (event.before, event.after) == (
        {"may": "whatever its owner may"},
        {"may": ["reading", "training:read"]},
    )


def test_there_is_an_end_to_how_many(mira: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgs.services.access_key.MOST_KEYS", 1)
    make_key(mira)
    with pytest.raises(Refused, match="has 1 keys already"):
        key_create(actor=actor_of(mira), owner=mira, limits=KeyLimits("another"))
