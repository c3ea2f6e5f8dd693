from __future__ import annotations

import json
import shutil
import socket
import sys
import time
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.models.functions import Now

from portal.embedded import Child, Supervisor
from portal.models import Lease
from scheduling.demo.content import demo_create, demo_exists
from scheduling.demo.people import PASSWORD, SIGN_INS
from scheduling.demo.stream import stream_step

READY_SECONDS = 60


class Command(BaseCommand):
    help = (
        "Runs an example organization on a simulated cluster: web and worker as two children of this command, data in "
        "the folder BURSAR_DATA (.demo). Ctrl-C stops everything; the next run goes on where this one stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="Port of the web server on 127.0.0.1 (8000).")
        parser.add_argument("--reset", action="store_true", help="Forget everything the demo holds, and end.")

    def handle(self, *args: Any, port: int, reset: bool, **options: Any) -> None:
        if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3":
            raise CommandError("The demo keeps to its own SQLite file. Unset DJANGO_SETTINGS_MODULE and try again.")
        if reset:
            self.reset()
            return
        check_port(port)
        try:
            self.prepare()
        except (OperationalError, OSError) as problem:
            raise CommandError(
                f"The data in {settings.DATA} could not be written: {problem}. Free some room."
            ) from None
        self.run_children(port)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def reset(self) -> None:
        if is_running():
            raise CommandError("The demo is running. Stop it with Ctrl-C, then reset it.")
        connection.close()
        for path in settings.DATA.iterdir():
            if path.name in {"keys.json", "broker"} or path.name.startswith(
                ("bursar.sqlite3", "celerybeat", "web.", "worker.")
            ):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.say(f"The demo in {settings.DATA} is forgotten. `make demo` starts over.")

    def prepare(self) -> None:
        self.say(f"Preparing the database in {settings.DATA} ...")
        call_command("migrate", verbosity=0)
        if demo_exists():
            self.say("Going on with the organization that is there.")
        else:
            self.say("Creating the example organization and its simulated cluster ...")
            demo_create()
            stream_step()

    def run_children(self, port: int) -> None:
        supervisor = Supervisor(children(port), self.say)
        self.say("Starting web and worker ...")
        supervisor.start()
        try:
            self.wait_until_ready(supervisor, port)
            supervisor.run()
        finally:
            supervisor.stop()
        self.say("Stopped. Nothing is lost: `make demo` goes on from here.")

    def wait_until_ready(self, supervisor: Supervisor, port: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not supervisor.stopping:
            ready, answer = ask(f"http://127.0.0.1:{port}/readyz")
            if ready:
                self.greet(port)
                return
            if time.monotonic() > deadline:
                raise CommandError(f"Not ready after {READY_SECONDS} s: {answer}. See the logs in {settings.DATA}.")
            supervisor.revive()
            time.sleep(0.2)

    def greet(self, port: int) -> None:
        self.say(f"\nBursar runs at http://127.0.0.1:{port}/  (Ctrl-C stops it)\n")
        width = max(len(email) for _, email in SIGN_INS)
        for role, email in SIGN_INS:
            self.say(f"  {email:<{width}}  {PASSWORD}  {role}")
        self.say("")


def children(port: int) -> list[Child]:
    """Web, and the one worker that has the loops, beat and every task."""
    bin_folder = Path(sys.executable).parent
    uvicorn = [str(bin_folder / "uvicorn"), "portal.asgi:application", "--host", "127.0.0.1", "--port", str(port)]
    celery = [str(bin_folder / "celery"), "-A", "portal", "worker", "--loops", "--beat"]
    celery += ["--pool", "threads", "--concurrency", "2", "--loglevel", "WARNING"]
    return [
        Child("web", [*uvicorn, "--log-level", "warning"], settings.DATA / "web.log"),
        Child("worker", celery, settings.DATA / "worker.log"),
    ]


def is_running() -> bool:
    """Whether some worker holds a lease now."""
    try:
        return Lease.objects.exclude(holder="").filter(expires_at__gt=Now()).exists()
    except DatabaseError:  # nothing is there yet
        return False


def check_port(port: int) -> None:
    """One line, not a stack trace, when somebody else listens there."""
    if not 0 < port < 65536:
        raise CommandError(f"{port} is no port. Choose one from 1024 to 65535: make demo PORT=8001")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"Port {port} is taken or not allowed. Choose another: make demo PORT={port % 60000 + 1}"
            ) from None


def ask(address: str) -> tuple[bool, str]:
    """Whether `/readyz` says yes, and what it says."""
    try:
        with urllib.request.urlopen(address, timeout=3) as reply:  # noqa: S310 (our own loopback address)
            return True, reply.read().decode()
    except HTTPError as refusal:
        answer = json.loads(refusal.read() or "{}")
        return False, ", ".join(name for name, part in answer.items() if isinstance(part, dict) and not part.get("ok"))
    except (URLError, OSError) as problem:
        return False, str(problem)
