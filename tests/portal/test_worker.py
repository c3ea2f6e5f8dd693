"""Background work beside a worker's tasks: only where it is asked for, restarted when it fails, ended in time."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from portal import background
from portal.celery import app
from portal.worker import BackgroundStep


@pytest.fixture(autouse=True)
def targets(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Instead of the real ones."""
    registered: dict[str, Any] = {}
    monkeypatch.setattr(background, "_targets", registered)
    return registered


def test_the_step_is_installed_and_off_without_the_option() -> None:
    assert BackgroundStep in app.steps["worker"]
    assert any("--loops" in option.opts for option in app.user_options["worker"])
    assert not BackgroundStep(None).include_if(None)
    assert BackgroundStep(None, loops=True).include_if(None)


def test_targets_run_until_the_worker_stops() -> None:
    running, ended = threading.Event(), threading.Event()

    def target(stop: threading.Event) -> None:
        running.set()
        stop.wait()
        ended.set()

    background.register("test", target)
    step = BackgroundStep(None, loops=True)
    step.start(None)
    assert running.wait(2)
    began = time.monotonic()
    step.stop(None)
    assert ended.is_set()
    assert time.monotonic() - began < 1


def test_a_target_that_fails_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.worker.RESTART_SECONDS", 0.01)
    tries, recovered = [], threading.Event()

    def target(stop: threading.Event) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("broken")
        recovered.set()
        stop.wait()

    background.register("test", target)
    step = BackgroundStep(None, loops=True)
    step.start(None)
    assert recovered.wait(2)
    step.stop(None)
    assert len(tries) == 3


def test_a_target_that_does_not_end_does_not_hold_up_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.worker.STOP_SECONDS", 0.2)
    release = threading.Event()
    background.register("test", lambda stop: release.wait() and None)
    step = BackgroundStep(None, loops=True)
    step.start(None)
    began = time.monotonic()
    step.stop(None)
    assert time.monotonic() - began < 1
    release.set()
