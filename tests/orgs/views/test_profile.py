from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from orgs.access import Forbidden
from orgs.browsers import browser_name
from orgs.models import Role, User
from orgs.services.password import password_reset
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import ADMIN, PASSWORD, VIEWER, actor_of, make_account, make_rule, make_user, signed_in
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def in_browser(user: User, user_agent: str, address: str) -> Client:
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": user_agent})
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/140.0", "Edge on Windows"),
        ("curl/8.5", "curl"),
        ("", "An unknown browser"),
    ],
)
def test_browsers_are_named_as_people_know_them(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


def test_sessions_are_listed_with_where_and_since_when() -> None:
    user = make_user()
    in_browser(user, CHROME, "192.0.2.2")
    in_browser(make_user(), CHROME, "192.0.2.3")
    page = in_browser(user, FIREFOX, "192.0.2.1").get("/profile/").content.decode()
    assert "in 2 browsers" in page
    assert page.index("Firefox on Linux") < page.index("this one") < page.index("Chrome on Windows")
    assert ("192.0.2.1" in page, "192.0.2.2" in page, "192.0.2.3" in page) == (True, True, False)


def test_one_is_ended() -> None:
    user = make_user()
    here, elsewhere = in_browser(user, FIREFOX, "192.0.2.1"), in_browser(user, CHROME, "192.0.2.2")
    session = UserSession.objects.get(ip="192.0.2.2")
    here.post(f"/profile/sessions/{session.pk}/end/")
    assert (here.get("/profile/").status_code, elsewhere.get("/profile/").status_code) == (200, 302)
    event = AuditEvent.objects.get(action="end sessions")
    assert (event.actor, event.address, event.after) == (user.subject.pk, "192.0.2.1", {"sessions": 1})


def test_all_others_are_ended() -> None:
    user = make_user()
    others = [in_browser(user, CHROME, f"192.0.2.{number}") for number in (2, 3)]
    here = in_browser(user, FIREFOX, "192.0.2.1")
    here.post("/profile/sessions/end-others/")
    assert here.get("/profile/").status_code == 200
    assert [other.get("/profile/").status_code for other in others] == [302, 302]


def test_nobody_ends_those_of_others() -> None:
    victim = make_user()
    client = in_browser(victim, CHROME, "192.0.2.2")
    session = UserSession.objects.get(user=victim)
    assert signed_in(make_user(role=ADMIN)).post(f"/profile/sessions/{session.pk}/end/").status_code == 404
    assert client.get("/profile/").status_code == 200


def test_when_it_was_last_seen_is_a_minute_exact() -> None:
    client = in_browser(make_user(), CHROME, "192.0.2.2")
    client.get("/profile/")
    long_ago = timezone.now().replace(year=2020)
    UserSession.objects.update(last_seen_at=long_ago)
    client.get("/profile/")
    assert UserSession.objects.get().last_seen_at == long_ago
    cache.clear()
    client.get("/profile/")
    assert UserSession.objects.get().last_seen_at > long_ago


def test_many_sessions_take_no_more_queries() -> None:
    user = make_user()
    client = in_browser(user, FIREFOX, "192.0.2.1")
    assert_same_queries(
        client, "/profile/", lambda: None, lambda: [in_browser(user, CHROME, f"192.0.2.{n}") for n in (2, 3, 4)]
    )


def test_ones_own_name_is_changed() -> None:
    user = make_user(name="Mira Okafor")
    client = signed_in(user)
    assert client.post("/profile/name/", {"name": " Mira Adeyemi "}).status_code == 302
    assert "Mira Adeyemi" in client.get("/profile/").content.decode()
    event = AuditEvent.objects.get(entity="user", action="update")
    assert (event.before, event.after) == ({"name": "Mira Okafor"}, {"name": "Mira Adeyemi"})


def test_an_administrator_makes_a_new_password_for_somebody() -> None:
    user = make_user(role=VIEWER)
    elsewhere = in_browser(user, CHROME, "192.0.2.2")
    admin = signed_in(make_user(role=ADMIN))
    admin.post(f"/settings/people/{user.pk}/password/")
    assert elsewhere.get("/profile/").status_code == 302
    fresh = User.objects.get(pk=user.pk)
    assert fresh.must_change_password
    assert not fresh.check_password(PASSWORD)
    assert AuditEvent.objects.filter(action="reset password", entity_id=user.pk).count() == 1


def test_nobody_makes_one_for_who_may_more_or_for_oneself() -> None:
    helpers = Role.objects.create(name="Helper")
    for permission in ("user:update", "access_rule:create"):
        helpers.permissions.create(permission=permission)
    admin, helper = make_user(role=ADMIN), make_user()
    make_rule(helper, "Helper", make_account())
    with pytest.raises(Forbidden, match="System administrator holds"):
        password_reset(actor=actor_of(helper), user=admin)
    with pytest.raises(Refused, match="your own"):
        password_reset(actor=actor_of(helper), user=helper)
    assert User.objects.get(pk=admin.pk).check_password(PASSWORD)
