"""Points at which a process dies: only where a test asked for it, and never elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.core import checks

from portal.points import no_points, point

PASS = "import django; django.setup(); from portal.points import point; {}; print('went on')"


def run(setting: str, code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings.test", "BURSAR_TEST_POINT": setting}
    command = [sys.executable, "-c", PASS.format(code)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_dies_the_named_time_at_the_named_point() -> None:
    done = run("here:kill:2", "point('there'); point('here'); print('once', flush=True); point('here')")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "once\n")


def test_without_the_setting_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_here(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("portal.points._reached", not_here)
    point("here")


def test_the_check_refuses_it_outside_tests(settings: pytest.FixtureRequest) -> None:
    assert no_points() == []
    settings.POINT = "sent:kill"  # type: ignore[attr-defined]
    assert no_points() == []
    settings.POINTS_ARE_ALLOWED = False  # type: ignore[attr-defined]
    assert [error.id for error in no_points()] == ["portal.E002"]
    assert "portal.E002" in {error.id for error in checks.run_checks()}
