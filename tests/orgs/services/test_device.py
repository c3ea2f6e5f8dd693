"""A program without a browser is let in once, by who is asked, for a while."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from orgs.models import AccessKey, DeviceSignIn
from orgs.services.device import MOST_OPEN, OPEN_FOR, code_typed, device_approve, device_begin, device_take
from portal.cli import sign_in as commands
from portal.cli.settings import settings_file
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import actor_of, make_account, make_key, make_user, signed_in, with_key
from tests.portal.cli.typing import SERVER, sign_in, typed
from tests.world import make_world

pytestmark = pytest.mark.django_db


def test_it_is_let_in_once() -> None:
    make_account()
    person = make_user()
    begun = device_begin(name="laptop", address="10.0.0.5")
    assert begun.secret not in repr(begun)
    assert device_take(secret=begun.secret) == ""
    assert device_take(secret="other") is None
    device_approve(actor=actor_of(person), code=begun.code, days=30)
    with pytest.raises(Refused):
        device_approve(actor=actor_of(make_user()), code=begun.code, days=30)
    kept = DeviceSignIn.objects.get()
    token = device_take(secret=begun.secret)
    assert token
    assert token not in kept.token
    assert begun.secret not in kept.digest
    assert device_take(secret=begun.secret) is None
    key = AccessKey.objects.get()
    assert (key.user, key.name, token.startswith(key.token_key)) == (person, "laptop", True)
    assert key.expiry is not None
    assert timedelta(days=29) < key.expiry - timezone.now() < timedelta(days=31)
    assert not AuditEvent.objects.filter(after__icontains=token).exists()


def test_its_time_is_over() -> None:
    begun = device_begin(name="laptop", address="")
    DeviceSignIn.objects.update(at=timezone.now() - OPEN_FOR - timedelta(seconds=1))
    assert device_take(secret=begun.secret) is None
    with pytest.raises(Refused):
        device_approve(actor=actor_of(make_user()), code=begun.code, days=1)
    device_begin(name="laptop", address="")
    assert DeviceSignIn.objects.count() == 1


def test_not_many_wait_from_one_place() -> None:
    for _ in range(MOST_OPEN):
        device_begin(name="laptop", address="10.0.0.5")
    with pytest.raises(Refused):
        device_begin(name="laptop", address="10.0.0.5")
    device_begin(name="laptop", address="10.0.0.6")


def test_a_key_lets_nobody_in() -> None:
    """Pages take no keys, and the service refuses an actor who came with one."""
    begun = device_begin(name="laptop", address="")
    answer = with_key(make_key(make_user())).post(f"/device/{begun.code}/", {"days": "30"})
    assert answer.status_code == 302
    assert DeviceSignIn.objects.get().user is None


def test_codes_are_taken_as_people_type_them() -> None:
    code = device_begin(name="laptop", address="").code
    assert code_typed(code) == code
    assert code_typed(f" {code.lower().replace('-', ' ')} ") == code


def test_login_through_the_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While the program waits, its owner types the code; the key that it gets works."""
    world = make_world()
    sign_in(monkeypatch, tmp_path, make_key(world.people["viewer"]))
    settings_file().unlink()
    browser = signed_in(world.people["researcher"])

    def meanwhile(seconds: float) -> None:
        cache.clear()
        code = DeviceSignIn.objects.get().code
        answer = browser.post("/device/", {"code": code.lower()})
        assert (answer.status_code, answer["Location"]) == (302, f"/device/{code}/")
        page = browser.get(answer["Location"]).content.decode()
        assert code in page
        assert re.search("bursar on .*127.0.0.1", page, re.DOTALL)
        assert browser.post(answer["Location"], {"days": "30"}).status_code == 302
        assert browser.get(answer["Location"]).status_code == 404

    monkeypatch.setattr(commands.time, "sleep", meanwhile)
    answer = typed("login", SERVER)
    assert answer.exit_code == 0, answer.output
    assert "as L1" in answer.output
    assert settings_file().read_text().partition("bursar_")[2][:10] not in answer.output
    assert typed("project", "get", "vis-3d").exit_code == 0
    assert Client().get("/device/").status_code == 302


@pytest.mark.parametrize(
    "wrong", [None, [], {}, "x", {"name": [7]}, {"name": ""}, {"name": "a\x1b[31m"}, {"name": "x" * 999}]
)
def test_what_programs_send_wrongly(client: Client, wrong: object) -> None:
    for address in ("/api/v1/device/", "/api/v1/device/token/"):
        cache.clear()
        answer = client.post(address, wrong, content_type="application/json")
        assert answer.status_code in (400, 422), answer.content
        assert answer["Content-Type"] == "application/problem+json"
    assert not DeviceSignIn.objects.exists()
    sent = {"device_code": "\ud800"}
    assert client.post("/api/v1/device/token/", sent, content_type="application/json").status_code == 422
