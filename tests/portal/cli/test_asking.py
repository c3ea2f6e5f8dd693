"""Who is signed in, what they may do, and why work waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduling.models import Workload
from tests.factories import make_answer, make_key, make_workload
from tests.portal.cli.typing import sign_in, typed
from tests.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    found = make_world()
    sign_in(monkeypatch, tmp_path, make_key(found.people["department"], scope=found.department))
    return found


def test_who_is_signed_in(world: World) -> None:
    said = typed("whoami").stdout
    assert "da@example.org" in said
    assert "nightly" in said
    told = json.loads(typed("whoami", "-o", "json").stdout)
    assert (told["kind"], told["key"]["scope"]["name"], told["key"]["permissions"]) == ("person", "vision", None)
    assert "digest" not in told["key"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("project:create",), 0),
        (("project:create", "--on", "vision"), 0),
        (("department:create", "--on", "vision"), 4),
        (("cluster:create",), 4),
        (("project:fly",), 6),
        (("project:create", "--on", "life-science"), 5),
    ],
)
def test_what_they_may_do(world: World, words: tuple[str, ...], code: int) -> None:
    answer = typed("can-i", *words)
    assert answer.exit_code == code, answer.output
    assert answer.stdout.strip() == {0: "yes", 4: "no"}.get(code, "")


def test_why_work_waits(world: World) -> None:
    work = make_workload("late", project=world.project, pool=world.pool, state=Workload.State.WAITING)
    said = typed("explain", "late").stdout
    assert len(said.splitlines()) > 1
    assert "a100" in said
    make_answer(work, [], [])
    told = json.loads(typed("explain", "late", "--wait", "0", "-o", "json").stdout)
    assert told["sentence"] in said
