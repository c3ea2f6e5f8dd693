"""Real workers in processes of their own, on the test's database, to be killed, frozen and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.harness.servers import free_port, wait_for_port

FOLDER = Path(__file__).parent
START_SECONDS = 60
"""A worker needs 3 to hold its leases, on a machine that does nothing else."""
LOOPS = """
import threading, django
django.setup()
from scheduling.loops.supervisor import supervise
supervise(threading.Event())
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.django_db(transaction=True))


class RedisProcess:
    """A server of the test's own, so that it may be killed. Always on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for_port(self.port)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Workers:
    """Starts workers with loops; what still runs at the end is killed."""

    def __init__(self, folder: Path, broker: str) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings.test", "TMPDIR": str(folder)}
        database = connection.settings_dict
        if settings.EMBEDDED:
            self.environment |= {"BURSAR_TEST_SQLITE": str(database["NAME"])}
        else:
            address = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format_map(database)
            self.environment |= {"BURSAR_DATABASE_URL": address, "BURSAR_REDIS_URL": broker}

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--loops", "--pool", "threads", "-c", "2"]
        return self._start([*command, "-n", f"worker-{len(self._started)}"], {})

    def start_loops(self, point: str) -> subprocess.Popen[bytes]:
        """Its loops alone, which dies or stands still at a point (portal.points)."""
        return self._start([sys.executable, "-c", LOOPS], {"BURSAR_TEST_POINT": point})

    def _start(self, command: list[str], more: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self._folder / f"worker-{len(self._started)}.log").open("wb") as output:
            worker = subprocess.Popen(command, env=self.environment | more, stdout=output, stderr=subprocess.STDOUT)
        self._started.append(worker)
        return worker

    def log_of(self, worker: subprocess.Popen[bytes]) -> str:
        return (self._folder / f"worker-{self._started.index(worker)}.log").read_text()

    def end(self) -> None:
        for worker in self._started:
            worker.send_signal(signal.SIGKILL)
            worker.wait()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisProcess]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = RedisProcess(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def workers(request: pytest.FixtureRequest, tmp_path: Path, db: None) -> Iterator[Workers]:
    broker = "" if settings.EMBEDDED else request.getfixturevalue("redis_server").url
    started = Workers(tmp_path, broker)
    yield started
    started.end()
