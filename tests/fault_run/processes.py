"""The real processes of an installation, to be killed, frozen and started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.harness.servers import free_port, postgres_bin, wait_for_port

from .database import APPLICATION

STOP_SECONDS = 60
"""A warm stop takes less than 5, on a machine that does nothing else."""
PYTHON = [sys.executable, "-m"]
LOOPS = ["celery", "-A", "portal", "worker", "--loops", "--pool", "threads", "-c", "2", "--without-gossip"]


class Part:
    """One process, with the command that starts it again."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.name = name
        self._command = command
        self._log = folder / f"{name}.log"
        self._environment = environment
        self.spent = 0.0
        """Seconds of processor time of those that have ended."""
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.spent += cpu_seconds(self.process.pid)
        self.process.kill()
        self.process.wait()

    def stop_warm(self) -> int:
        """Its exit code."""
        self.spent += cpu_seconds(self.process.pid)
        self.send(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def cpu_seconds(self) -> float:
        return self.spent + cpu_seconds(self.process.pid)


class Parts:
    """Web, two workers, beat and Redis, with the settings of this process."""

    def __init__(self, folder: Path) -> None:
        self.web_port = free_port()
        environment = os.environ | {
            "PGAPPNAME": APPLICATION,
        }
        redis_port = int(re.findall(r":(\d+)/", environment["BURSAR_REDIS_URL"])[0])
        redis = ["redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        web = [*PYTHON, "uvicorn", "portal.asgi:application", "--port", str(self.web_port), "--log-level", "warning"]
        beat = [*PYTHON, "celery", "-A", "portal", "beat", "-s", str(folder / "schedule"), "--pidfile", ""]

        def part(name: str, command: list[str]) -> Part:
            return Part(name, command, folder, environment)

        self.redis = part("redis", redis)
        wait_for_port(redis_port)
        self.workers = [part(f"worker-{number}", [*PYTHON, *LOOPS, "-n", f"worker-{number}"]) for number in (1, 2)]
        self.beat = part("beat", beat)
        self.web = part("web", web)

    @property
    def all(self) -> list[Part]:
        return [self.redis, *self.workers, self.beat, self.web]

    def end(self) -> None:
        for part in self.all:
            part.process.kill()
            part.process.wait()


class Server:
    """The PostgreSQL server of the run, found by its data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._spent = 0.0
        self._control = postgres_bin() or Path()
        self._as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def crash_and_start(self) -> None:
        """All its processes are ended at once; it recovers from its log as it starts."""
        self._spent = self.cpu_seconds()
        command = [*self._as_user, self._control / "pg_ctl", "-D", self._data, "-m", "immediate", "-w"]
        command += ["-l", self._data.parent / "log", "restart"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._data.parent)

    def cpu_seconds(self) -> float:
        """Of the server, with the processes of connections that have ended."""
        return self._spent + sum(map(cpu_seconds, self._pids()))

    def _pids(self) -> list[int]:
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]


def cpu_seconds(pid: int) -> float:
    """Of the process and its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
