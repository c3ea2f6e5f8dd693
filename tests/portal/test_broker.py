"""The folder broker: nothing lost under several publishers, and nobody else may read it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from portal.broker import FolderChannel

PUBLISHERS, MESSAGES = 3, 200

WORKER = """
import sys
from celery import Celery
import os
import portal.broker
os.environ.pop("DJANGO_SETTINGS_MODULE")  # a worker of its own, without the project's apps
app = Celery("stress", broker="folder://localhost")
app.conf.update(broker_transport_options={"folder": sys.argv[1]}, task_ignore_result=True)
@app.task(name="note")
def note(text):
    with open(sys.argv[2], "a") as file:
        file.write(text + chr(10))
if sys.argv[3] == "work":
    app.worker_main(["worker", "--pool", "threads", "-c", "4", "-l", "error"])
else:
    for number in range(int(sys.argv[4])):
        note.delay(f"{sys.argv[3]}-{number}")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def channel(folder: Path) -> Any:
    with Connection("folder://localhost", transport_options={"folder": str(folder)}) as broker:
        yield broker.channel()


def test_messages_come_out_once_and_in_order(channel: FolderChannel) -> None:
    for number in range(3):
        channel._put("tasks", {"number": number})
    assert channel._size("tasks") == 3
    assert [channel._get("tasks")["number"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get("tasks")


def test_queues_are_apart_and_can_be_emptied(channel: FolderChannel) -> None:
    channel._put("tasks", {})
    channel._put("mails", {})
    assert channel._purge("tasks") == 1
    assert (channel._size("tasks"), channel._size("mails")) == (0, 1)


def test_a_message_under_way_is_not_seen(channel: FolderChannel, folder: Path) -> None:
    channel._put("tasks", {})
    channel._purge("tasks")
    (folder / "tasks" / "0001.new").write_text('{"half')
    with pytest.raises(Empty):
        channel._get("tasks")


def test_nobody_else_may_look_into_the_folder(channel: FolderChannel, folder: Path) -> None:
    channel._put("tasks", {})
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "tasks").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden", "x" * 201, "a\0b"])
def test_a_name_cannot_lead_out_of_the_folder(channel: FolderChannel, name: str) -> None:
    with pytest.raises(ChannelError):
        channel._put(name, {})


def test_a_full_disk_is_said_and_leaves_nothing_behind(channel: FolderChannel, folder: Path, monkeypatch: Any) -> None:
    def full(self: Path, text: str) -> None:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ChannelError, match="No space left on device"):
        channel._put("tasks", {})
    assert not list((folder / "tasks").iterdir())


def test_several_publishers_and_a_worker_lose_nothing(folder: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.touch()

    def run(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WORKER, str(folder), str(notes), *words], env=dict(os.environ))

    worker = run("work")
    try:
        publishers = [run(f"p{index}", str(MESSAGES)) for index in range(PUBLISHERS)]
        assert [publisher.wait(30) for publisher in publishers] == [0] * PUBLISHERS
        deadline = time.monotonic() + 30
        while len(notes.read_text().split()) < PUBLISHERS * MESSAGES and time.monotonic() < deadline:
            time.sleep(0.1)
        assert worker.poll() is None, "the worker is alive"
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(10)
    done = Counter(notes.read_text().split())
    assert len(done) == PUBLISHERS * MESSAGES
    assert set(done.values()) == {1}


def test_what_is_stored_is_json(channel: FolderChannel, folder: Path) -> None:
    channel._put("tasks", {"id": 7})
    (path,) = (folder / "tasks").iterdir()
    assert json.loads(path.read_text()) == {"id": 7}
