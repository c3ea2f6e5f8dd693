"""The last lines of `make test`, and what it says on a machine that lacks something."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness import run, servers


def test_without_root_it_names_the_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "missing_packages", lambda: ["postgresql", "chromium"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit) as stopped:
        run.install()
    assert str(stopped.value).endswith("sudo apt-get install -y --no-install-recommends postgresql chromium")


def test_skips_are_named_with_their_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.conclude([], {"no Go here": ["a", "b"]}, False, 60) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["skipped 2: no Go here", "All passed (1.0 min)"]


@pytest.mark.parametrize(
    ("reason", "there", "code"), [("no Go here", False, 1), ("needs ../shared", False, 0), ("needs ../shared", True, 1)]
)
def test_in_ci_nothing_may_be_skipped_but_what_needs_the_shared_folder(
    reason: str, there: bool, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "ROOT", tmp_path / "main")
    if there:
        (tmp_path / "shared").mkdir()
    (tmp_path / "main").mkdir()
    assert run.conclude([], {reason: ["a"]}, True, 60) == code


def test_what_failed_is_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.conclude(["lint", "browser"], {}, True, 90) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "FAILED: lint; browser (1.5 min)"
