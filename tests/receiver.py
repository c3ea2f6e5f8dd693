"""A little receiver of webhooks: a real HTTP server in a thread, which keeps what it gets and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def uid(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Answer:
    status: int = 200
    text: str = "taken"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """It is silent before."""
    drips: bool = False
    """Its text comes a byte at a time."""


class Receiver:
    """`answer` says what each request gets."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer: Callable[[Got], Answer] = lambda got: Answer()
        self.most_under_way = 0
        """Requests with the same id that were there together."""
        self.lock = threading.Lock()
        self.ids: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got = Got(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
                receiver.take(self, got)

            def log_message(self, *args: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/in"

    def take(self, handler: BaseHTTPRequestHandler, got: Got) -> None:
        with self.lock:
            self.got.append(got)
            self.ids.append(got.uid)
            self.most_under_way = max(self.most_under_way, self.ids.count(got.uid))
        answer = self.answer(got)
        time.sleep(answer.seconds)
        with self.lock:
            self.ids.remove(got.uid)
        try:
            handler.send_response(answer.status)
            for name, text in answer.headers.items():
                handler.send_header(name, text)
            handler.send_header("Content-Length", str(len(answer.text)))
            handler.end_headers()
            for byte in answer.text if answer.drips else [answer.text]:
                handler.wfile.write(byte.encode())
                handler.wfile.flush()
                time.sleep(0.1 if answer.drips else 0)
        except OSError:
            """Who asked has hung up."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()
