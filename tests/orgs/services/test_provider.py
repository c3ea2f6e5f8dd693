from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from orgs.access import Forbidden
from orgs.models import Group, GroupMember, User
from orgs.provider import claims_of
from orgs.services.group import group_create, group_members_add
from orgs.services.provider import Claims, provider_person, provider_unlink
from orgs.services.rule import rule_create
from orgs.services.user import user_deactivate
from portal.errors import Refused
from portal.models import AuditEvent
from portal.settings.sign_in import IdentityProvider
from tests.factories import ADMIN, actor_of, make_account, make_group, make_role, make_rule, make_user, signed_in

pytestmark = pytest.mark.django_db

PROVIDER = IdentityProvider("id-example-org", "Example ID", "groups", admits_unknown=True, email_domains=())
MIRA = Claims("m-1", "Mira@Example.org", True, "Mira  Okafor", ())


@pytest.fixture(autouse=True)
def account() -> None:
    make_account()


def come(claims: Claims = MIRA, **changes: Any) -> User:
    return provider_person(provider=replace(PROVIDER, **changes), claims=claims, address="192.0.2.1")


def refused(claims: Claims = MIRA, **changes: Any) -> str:
    users, links = User.objects.count(), SocialAccount.objects.count()
    with pytest.raises(Refused) as refusal:
        come(claims, **changes)
    assert (User.objects.count(), SocialAccount.objects.count()) == (users, links)
    return " ".join(refusal.value.messages)


def test_somebody_unknown_gets_an_account_without_password_and_rights() -> None:
    user = come()
    assert (user.email, user.name, user.subject.name) == ("mira@example.org", "Mira Okafor", "mira@example.org")
    assert not user.has_usable_password()
    assert not user.subject.rules.exists()
    assert come() == user
    assert [event.action for event in AuditEvent.objects.order_by("pk")] == ["create", "link"]
    assert {(event.actor_name, event.address) for event in AuditEvent.objects.all()} == {("Example ID", "192.0.2.1")}


def test_somebody_unknown_is_refused_where_administrators_make_accounts() -> None:
    assert "Ask your administrators to make one" in refused(admits_unknown=False)


def test_who_has_an_account_is_linked_by_an_address_that_was_made_sure_of() -> None:
    user = make_user("mira@example.org")
    assert come(admits_unknown=False) == user
    assert come(replace(MIRA, email="other@example.org"), admits_unknown=False) == user, "once linked, by the subject"


@pytest.mark.parametrize("changes", [{"email_verified": False}, {"email": ""}, {"subject": ""}])
def test_nobody_gets_a_foreign_account_by_typing_its_address(changes: dict[str, Any]) -> None:
    make_user("mira@example.org", role=ADMIN)
    refused(replace(MIRA, **changes))


def test_a_second_person_with_the_same_address_does_not_get_the_account_of_the_first() -> None:
    come()
    assert "belongs to somebody else" in refused(replace(MIRA, subject="m-2"))


def test_another_issuer_is_another_person() -> None:
    first = come()
    other = come(replace(MIRA, email="mira@other.example"), key="id-other-example")
    assert first != other


@pytest.mark.parametrize(
    ("email", "verified", "comes_in"),
    [
        ("mira@example.org", True, True),
        ("mira@EXAMPLE.org", True, True),
        ("mira@example.org", False, False),
        ("mira@notexample.org", True, False),
        ("mira@example.org.evil.example", True, False),
        ("", True, False),
    ],
)
def test_only_some_domains_are_let_in(email: str, verified: bool, comes_in: bool) -> None:
    claims = replace(MIRA, email=email, email_verified=verified)
    if comes_in:
        assert come(claims, email_domains=("example.org",))
    else:
        refused(claims, email_domains=("example.org",))


def test_a_known_person_whose_domain_is_no_longer_let_in_stays_out() -> None:
    come()
    assert "Only addresses of partner.example" in refused(email_domains=("partner.example",))


def test_who_was_put_out_of_service_stays_out() -> None:
    user = come()
    user_deactivate(actor=actor_of(), user=user)
    assert "switched off" in refused()


def groups_of(user: User) -> dict[str, str]:
    return {member.group.name: member.get_source_display() for member in GroupMember.objects.filter(user=user)}


def test_groups_follow_the_provider_and_leave_alone_what_was_done_by_hand() -> None:
    for name in ("vision", "speech", "by-hand"):
        group_create(actor=actor_of(), name=name)
    user = come(replace(MIRA, groups=("vision", "/speech", "not-here")))
    assert groups_of(user) == {"vision": "identity provider", "speech": "identity provider"}
    by_hand = Group.objects.get(name="by-hand")
    group_members_add(actor=actor_of(), group=by_hand, users=[user])
    come(replace(MIRA, groups=("speech", "by-hand")))
    assert groups_of(user) == {"speech": "identity provider", "by-hand": "by hand"}
    come()
    assert groups_of(user) == {"by-hand": "by hand"}
    come(replace(MIRA, groups=("vision",)), groups_claim="")
    assert groups_of(user) == {"by-hand": "by hand"}


def test_the_provider_does_not_take_the_last_administrator_away() -> None:
    group = group_create(actor=actor_of(), name="admins")
    account, role = make_account(), make_user(role=ADMIN).subject.rules.get().role
    rule_create(actor=actor_of(), subject=group.subject, role=role, scope=account)
    user = come(replace(MIRA, groups=("admins",)))
    User.objects.exclude(pk=user.pk).update(is_active=False)
    come()
    assert groups_of(user) == {"admins": "identity provider"}


def test_an_administrator_unlinks_and_the_next_one_with_the_address_is_linked_anew() -> None:
    group_create(actor=actor_of(), name="vision")
    user = come(replace(MIRA, groups=("vision",)))
    there = signed_in(user)
    assert there.get("/profile/").status_code == 200
    provider_unlink(actor=actor_of(make_user(role=ADMIN)), provider=PROVIDER, user=user)
    assert there.get("/profile/").status_code == 302
    assert groups_of(user) == {}
    assert come(replace(MIRA, subject="m-2")) == user
    assert "belongs to somebody else" in refused(MIRA)
    event = AuditEvent.objects.get(action="unlink")
    assert (event.entity_id, event.before) == (user.pk, {"identity_provider": "Example ID"})


def test_who_has_a_password_unlinks_the_own_account() -> None:
    user = make_user("mira@example.org")
    make_group("by-hand", user)
    come(admits_unknown=False)
    here, elsewhere = signed_in(user), signed_in(user)
    for client in (here, elsewhere):
        assert client.get("/profile/").status_code == 200
    provider_unlink(actor=actor_of(user), provider=PROVIDER, user=user, keep=here.session.session_key or "")
    assert [client.get("/profile/").status_code for client in (here, elsewhere)] == [200, 302]
    assert groups_of(user) == {"by-hand": "by hand"}
    with pytest.raises(Refused, match="not linked"):
        provider_unlink(actor=actor_of(user), provider=PROVIDER, user=user)


def test_who_has_no_password_keeps_the_link(settings: Any) -> None:
    bare, user = come(), make_user("ana@example.org")
    come(replace(MIRA, subject="a-1", email="ana@example.org"))
    with pytest.raises(Refused, match="no password here"):
        provider_unlink(actor=actor_of(bare), provider=PROVIDER, user=bare)
    settings.LOCAL_PASSWORDS = False
    with pytest.raises(Refused, match="no password here"):
        provider_unlink(actor=actor_of(user), provider=PROVIDER, user=user)
    assert SocialAccount.objects.count() == 2


def test_nobody_unlinks_who_may_more() -> None:
    come()
    make_rule(User.objects.get(email="mira@example.org"), ADMIN, make_account())
    helper = make_user()
    make_role("Helper", "user:update", "access_rule:create")
    make_rule(helper, "Helper", make_account())
    with pytest.raises(Forbidden, match="System administrator holds"):
        provider_unlink(actor=actor_of(helper), provider=PROVIDER, user=User.objects.get(email="mira@example.org"))


@pytest.mark.parametrize(
    ("told", "email", "verified", "groups"),
    [
        (
            {"id_token": {"sub": "1"}, "userinfo": {"sub": "1", "email": "a@b.c", "email_verified": True}},
            "a@b.c",
            True,
            (),
        ),
        ({"userinfo": {"sub": "1", "email": "a@b.c", "email_verified": "true", "groups": "x"}}, "a@b.c", True, ("x",)),
        ({"userinfo": {"sub": "1", "email": "a@b.c", "email_verified": "false"}}, "a@b.c", False, ()),
        ({"userinfo": {"sub": "1", "email": ["a@b.c"], "email_verified": 1, "groups": ["x", 7]}}, "", True, ("x",)),
        ({"id_token": {"sub": "1", "email": "a@b.c"}}, "a@b.c", False, ()),
    ],
)
def test_claims_are_read_warily(told: dict[str, Any], email: str, verified: bool, groups: tuple[str, ...]) -> None:
    claims = claims_of(told, PROVIDER)
    assert (claims.subject, claims.email, claims.email_verified, claims.groups) == ("1", email, verified, groups)


def test_a_page_about_somebody_else_than_the_token_names_is_refused() -> None:
    with pytest.raises(Refused, match="contradictory"):
        claims_of({"id_token": {"sub": "1"}, "userinfo": {"sub": "2"}}, PROVIDER)
