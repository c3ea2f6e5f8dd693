"""Types commands as a person would; they reach the API without a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.core.cache import cache
from django.test import Client

from portal.cli import client
from portal.cli.errors import problem
from portal.cli.main import main
from portal.cli.settings import Place, keep
from tests.factories import NewKey

SERVER = "https://bursar.example.org"


def through_django(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> client.Reply:
    """Instead of the network. What the API counts by the minute begins anew."""
    assert url.startswith(SERVER)
    cache.clear()
    kind = headers.get("Content-Type", "application/octet-stream")
    answer = Client().generic(method, url.removeprefix(SERVER), body or b"", content_type=kind, headers=dict(headers))
    return client.Reply(answer.status_code, answer.headers, answer.content)


def listened(url: str, headers: Mapping[str, str]) -> Iterator[str]:
    """Instead of the network; the answer ends with what there is."""
    cache.clear()
    answer = Client().get(url.removeprefix(SERVER), headers=dict(headers))
    if answer.status_code != 200:
        raise problem(answer.status_code, answer.json())
    yield from answer.getvalue().decode().split("\n")[:-1]


def sign_in(monkeypatch: pytest.MonkeyPatch, folder: Path, new: NewKey) -> None:
    """As after `bursar login`."""
    monkeypatch.setattr(client, "send", through_django)
    monkeypatch.setattr(client, "listen", listened)
    monkeypatch.setattr(client, "AGAIN_SECONDS", 0)
    for name in ("BURSAR_SERVER", "BURSAR_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BURSAR_CONFIG", str(folder / "bursar" / "config.yaml"))
    keep(Place(SERVER, new.token))


def typed(*words: str, answers: str = "") -> Result:
    """What came of `bursar` with these words; `answers`: what is typed afterwards."""
    return CliRunner().invoke(main, list(words), input=answers)
