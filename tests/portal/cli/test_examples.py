"""Every example of docs/cli.md and of every `--help` does what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from portal.cli.main import main
from tests.documents import job
from tests.factories import make_key
from tests.portal.cli.typing import sign_in, typed
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"
EXAMPLE = re.compile(r"^    \$ bursar (.+)\n((?:    (?!\$).+\n)*)", re.MULTILINE)
ELSEWHERE = ("login", "completion bash >", "workload logs train-1 --follow")
"""Tried by tests of their own, or not to be typed without a shell."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    found = make_world()
    sign_in(monkeypatch, tmp_path, make_key(found.people["admin"]))
    monkeypatch.chdir(tmp_path)
    assert typed("export", "-f", "org.yaml").exit_code == 0
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job("from-a-file")))
    return found


def test_every_example_of_the_page(world: World) -> None:
    """Lines below an example stand in what it says; `exit 5` is how it ends, where that is not 0."""
    found = EXAMPLE.findall(PAGE.read_text())
    assert len(found) == PAGE.read_text().count("$ bursar ")
    for line, rest in found:
        if line.startswith(ELSEWHERE):
            continue
        lines = [one.strip() for one in rest.splitlines()]
        code = next((int(one.removeprefix("exit ")) for one in lines if one.startswith("exit ")), 0)
        answer = typed(*shlex.split(line))
        assert answer.exit_code == code, f"{line}: {answer.output}"
        said = [" ".join(one.split()) for one in answer.output.splitlines()]
        for one in lines:
            assert one.startswith("exit ") or " ".join(one.split()) in said, f"{line}: {one}: {answer.output}"


def groups(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from groups(below)


def of_help() -> list[list[str]]:
    """The examples of each command's help, in their order."""
    found = {}
    for command in groups(main):
        lines = [line.strip() for line in (command.epilog or "").splitlines()]
        examples = [line.removeprefix("bursar ") for line in lines if line.startswith("bursar ")]
        found[tuple(one for one in examples if not one.startswith(ELSEWHERE))] = None
    return [list(one) for one in found if one]


@pytest.mark.parametrize("lines", of_help(), ids=lambda lines: lines[0].split()[0])
def test_every_example_of_the_help(world: World, lines: list[str]) -> None:
    if lines[0].startswith("rule"):
        lines = [line.replace(" 7 ", f" {world.rule.pk} ") for line in lines]
    for line in lines:
        answer = typed(*shlex.split(line))
        assert answer.exit_code == 0, f"{line}: {answer.output}"
