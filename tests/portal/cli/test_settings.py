"""Where the key is kept, who can read it, and where it goes."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.cli import client
from portal.cli.errors import EXIT_CODES, Ended
from portal.cli.settings import Place, checked_server, settings_file
from tests.factories import make_key
from tests.portal.cli.typing import SERVER, sign_in, typed
from tests.world import make_world

KEY = "bursar_canary0000000000000000000000000000"


@pytest.mark.django_db
def test_login_keeps_the_key_where_only_its_owner_reads_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new = make_key(make_world().people["admin"])
    sign_in(monkeypatch, tmp_path, new)
    file = settings_file()
    file.unlink()
    answer = typed("login", SERVER, "--with-key", answers=f"{new.token}\n")
    assert answer.exit_code == 0, answer.output
    assert new.token not in answer.output
    assert new.token in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o640)
    answer = typed("project", "list")
    assert (answer.exit_code, "chmod 600" in answer.output) == (3, True)
    assert typed("logout").exit_code == 0
    assert not file.exists()
    answer = typed("project", "list")
    assert (answer.exit_code, "bursar login" in answer.output) == (3, True)


@pytest.mark.django_db
def test_a_key_that_does_not_work_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sign_in(monkeypatch, tmp_path, make_key(make_world().people["admin"]))
    settings_file().unlink()
    answer = typed("login", SERVER, "--with-key", answers=f"{KEY}\n")
    assert answer.exit_code == 3
    assert KEY not in answer.output
    assert not settings_file().exists()


def test_the_key_of_the_file_goes_to_its_server_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent: list[str] = []

    def send(method: str, url: str, body: bytes | None, headers: dict[str, str]) -> client.Reply:
        sent.append(url)
        return client.Reply(302, {"Location": "https://elsewhere.example.org/"}, b"")

    monkeypatch.setenv("BURSAR_CONFIG", str(tmp_path / "config.yaml"))
    settings_file().write_text(json.dumps({"server": SERVER, "key": KEY}))
    settings_file().chmod(0o600)
    monkeypatch.setattr(client, "send", send)
    assert typed("project", "list").exit_code == 1  # led elsewhere, and not followed
    assert len(sent) == 1
    monkeypatch.setenv("BURSAR_SERVER", "https://elsewhere.example.org")
    assert typed("project", "list").exit_code == 3
    assert len(sent) == 1
    assert KEY not in repr(Place(SERVER, KEY))


@pytest.mark.parametrize(
    ("typed_in", "address"),
    [("bursar.example.org/", SERVER), ("http://localhost:8000", "http://localhost:8000")],
)
def test_addresses_that_a_key_may_be_sent_to(typed_in: str, address: str) -> None:
    assert checked_server(typed_in) == address


@pytest.mark.parametrize("typed_in", ["http://bursar.example.org", "ftp://bursar.example.org", "https://a:b@x.org", ""])
def test_addresses_that_a_key_may_not_be_sent_to(typed_in: str) -> None:
    with pytest.raises(Ended):
        checked_server(typed_in)


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_SERVER", "http://127.0.0.1:9")
    monkeypatch.setenv("BURSAR_KEY", KEY)
    done = subprocess.run([sys.executable, "-m", "portal.cli", "project", "list"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert KEY not in done.stderr + done.stdout


def test_every_way_to_end_is_in_the_help_and_the_handbook() -> None:
    text = typed("--help").output + (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    for code, words in EXIT_CODES.items():
        assert f"{code}  {words.split(';')[0]}" in text
        assert f"| {code} | {words} |" in text


def test_the_program_starts_without_the_server() -> None:
    code = "import sys, portal.cli.main; print(sorted({'django', 'celery', 'numpy'} & sys.modules.keys()))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
