"""A demo in a folder of its own, driven as a person would: by its command, its pages and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from scheduling.demo.people import PASSWORD
from tests.harness.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60


def eventually(check: Callable[[], Any], seconds: float = 20, what: str = "") -> Any:
    """What `check` gives once it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, what or "it did not happen in time"
        time.sleep(0.05)
    return found


class Demo:
    """`manage.py demo` as a process. Use it in a `with` block."""

    def __init__(self, folder: Path, port: int = 0, speed: float = 1) -> None:
        """`speed`: how fast time passes in the simulated clusters."""
        self.folder = folder
        self.port = port or free_port()
        self.said: list[str] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "DJANGO_"))}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(self.port)],
            cwd=ROOT,
            env=kept | {"BURSAR_DATA": str(folder), "BURSAR_SIMULATED_SPEED": str(speed), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        eventually(
            lambda: any("Bursar runs at" in line for line in self.said) or self.process.poll() is not None,
            READY_SECONDS,
            "the demo is not ready",
        )
        assert self.process.poll() is None, "\n".join(self.said)

    def stop(self) -> float:
        """Ctrl-C; the seconds until everything has ended."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        finally:
            if self.process.poll() is None:
                self.process.kill()
        self._reader.join(5)
        return time.monotonic() - begun

    def children(self) -> dict[str, int]:
        """Pids of web and worker by name."""
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            found["web" if any(word.endswith("uvicorn") for word in words) else "worker"] = int(pid)
        return found

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the demo's own database, read from outside."""
        connection = sqlite3.connect(f"file:{self.folder / 'bursar.sqlite3'}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


class Person:
    """Somebody with a browser that keeps cookies but runs no script."""

    def __init__(self, address: str, email: str) -> None:
        self.address = address
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        page = self.get("/accounts/login/")
        self.post("/accounts/login/", {"login": email, "password": PASSWORD}, page)

    def get(self, path: str) -> str:
        with self.opener.open(self.address + path, timeout=20) as reply:
            text: str = reply.read().decode()
            return text

    def post(self, path: str, values: dict[str, str], page: str, **headers: str) -> str:
        """Sends a form with the token of the page it stands on; gives the page that follows."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, "the page has no form"
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **values}).encode()
        request = urllib.request.Request(self.address + path, body, {"Referer": self.address + path} | headers)
        try:
            with self.opener.open(request, timeout=20) as reply:
                text: str = reply.read().decode()
                return text
        except urllib.error.HTTPError as refusal:
            return str(refusal.read().decode())

    def submit(self, name: str, *, project: int, pool: str = "h100", gpus: str = "1", minutes: str = "10") -> str:
        """Fills the Submit form in and sends it; gives the page that follows."""
        path = f"/submit/?project={project}"
        values = filled_in(project, name=name, gpus=gpus, minutes=minutes, pools=pool, submit="1")
        return self.post(path, values, self.get(path))


def filled_in(project: int, **typed: str) -> dict[str, str]:
    """The Submit form, with what was `typed`."""
    values = {"kind": "2", "project": str(project), "priority": "50", "image": "python:3.12", "pods": "1"}
    return values | {"cores": "4", "memory": "16", "preemptible": "on"} | typed
