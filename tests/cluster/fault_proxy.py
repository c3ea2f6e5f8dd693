"""Between Bursar and an API server: passes everything on, and fails as networks, proxies and servers do.

What fails, and how, is drawn from a seed, for each answer and for each line of a watch.
"""

import json
import random
import socket
import ssl
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import urllib3

from tests.cluster.certificates import Authority

LONGEST_DELAY_SECONDS = 0.5
DEAD_SECONDS = 30.0
REPEATED_LINES = 4
ANSWERS = {"cut": 4, "lost": 4, "half": 4, "late": 6, "overload": 4, "unavailable": 4, "silent": 2}
WATCHES = {"cut": 8, "gone": 8, "unavailable": 4, "silent": 3}
LINES = {"cut": 8, "half": 8, "late": 20, "again": 20, "gone": 8, "error": 3, "silent": 4}


class Ways(NamedTuple):
    """How often what fails in which way: of a hundred answers, of a hundred watches, of a thousand of their lines."""

    answers: dict[str, int] = ANSWERS
    watches: dict[str, int] = WATCHES
    lines: dict[str, int] = LINES


LOSSY = Ways(ANSWERS | {"lost": 20, "half": 20}, {}, LINES | {"half": 40, "again": 80})
"""Answers that do not come, or not whole, to what has been done."""
SLOW = Ways({"late": 100}, {}, {"late": 1000})
GONE = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old resource version"}
ERROR = {"kind": "Status", "status": "Failure", "code": 500, "message": "etcdserver: leader changed"}


class FaultProxy:
    """Stands at `address` within the `with` block, under a certificate of `authority`. Fails while `failing` is set.

    `injected` counts what it did, by name. While `still` is set nothing passes, and nothing is lost either: what was
    sent meanwhile arrives afterwards, also where who sent it waits no more.
    """

    def __init__(self, server: str, authority: Path, seed: int) -> None:
        self.server = server
        self.pool = urllib3.PoolManager(ca_certs=str(authority), retries=False, maxsize=32)
        self.failing = threading.Event()
        self.still = threading.Event()
        self.ways = Ways()
        self.injected: Counter[str] = Counter()
        self.authority = Authority("fault proxy")
        self._random = random.Random(seed)
        self._drawing = threading.Lock()

    def __enter__(self) -> Self:
        self._listen(0)
        self.address = f"https://127.0.0.1:{self._listener.server_port}"
        return self

    def _listen(self, port: int) -> None:
        self._listener = _Listener(self, port)
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    def cut(self) -> None:
        """Every connection ends, and there is none to be had until `mend`."""
        self._listener.shutdown()
        self._listener.server_close()
        self._listener.end_all()

    def mend(self) -> None:
        self._listen(self._listener.server_port)

    def wait(self) -> None:
        """Until something passes again."""
        while self.still.is_set():
            time.sleep(0.05)

    def lose(self) -> None:
        """As `still` for the connections that there are, for ever: nobody at the other end knows them any more."""
        self._listener.lose_all()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.failing.clear()
        self.still.clear()
        self._listener.shutdown()
        self._listener.server_close()
        self.pool.clear()

    def draw(self, ways: dict[str, int], of: int) -> str:
        """How to fail this time; empty: not at all."""
        with self._drawing:
            if not self.failing.is_set():
                return ""
            drawn = self._random.randrange(of)
            for way, share in ways.items():
                if (drawn := drawn - share) < 0:
                    self.injected[way] += 1
                    return way
            return ""

    def answers(self, method: str, path: str, ways: dict[str, int]) -> str:
        """How to fail what is asked; empty: not at all."""
        return self.draw(ways, 100)

    def delay(self) -> float:
        with self._drawing:
            return self._random.random() * LONGEST_DELAY_SECONDS

    def renew_authority(self) -> None:
        """From now on its certificate is another authority's, as after a new installation."""
        self.authority = Authority("another fault proxy")
        self._listener.certify(self.authority)

    def be_silent(self) -> None:
        """As a peer that is dead: nothing comes, and nobody says that nothing will."""
        until = time.monotonic() + DEAD_SECONDS
        while self.failing.is_set() and time.monotonic() < until:
            time.sleep(0.05)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: FaultProxy, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.proxy = proxy
        self.open: set[socket.socket] = set()
        self.lost: set[socket.socket] = set()
        """Kept, so that they do not end."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certify(proxy.authority)
        # Each connection shakes hands in its own thread.
        self.socket = self._context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def certify(self, authority: Authority) -> None:
        pair = authority.server(["localhost"], ["127.0.0.1"])
        with NamedTemporaryFile() as certificate, NamedTemporaryFile() as key:
            for file, content in ((certificate, pair.certificate), (key, pair.key)):
                file.write(content)
                file.flush()
            self._context.load_cert_chain(certificate.name, key.name)

    def lose_all(self) -> None:
        self.lost |= self.open

    def shutdown_request(self, request: Any) -> None:
        if request not in self.lost:
            super().shutdown_request(request)

    def end_all(self) -> None:
        for connection in [*self.open, *self.lost]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error here."""


class _CutError(Exception):
    """The connection is to end now, wherever the answer is."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def setup(self) -> None:
        self.server.open.add(self.request)
        super().setup()

    def finish(self) -> None:
        self.server.open.discard(self.request)
        super().finish()

    def do_GET(self) -> None:
        self._pass_on()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server asks for

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        query = parse_qs(urlsplit(self.path).query)
        self._wait()
        try:
            if "watch" in query:
                self._watch()
            else:
                self._answer(body, "continue" in query)
        except (_CutError, OSError, urllib3.exceptions.HTTPError):
            self.close_connection = True

    def _wait(self) -> None:
        self.server.proxy.wait()
        if self.request in self.server.lost:
            raise _CutError

    def _ask(self, body: bytes | None) -> urllib3.BaseHTTPResponse:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        proxy = self.server.proxy
        return proxy.pool.request(
            self.command, proxy.server + self.path, body=body, headers=headers, preload_content=False, timeout=60
        )

    def _answer(self, body: bytes | None, reads_on: bool) -> None:
        proxy = self.server.proxy
        way = proxy.answers(self.command, self.path, proxy.ways.answers | ({"gone": 20} if reads_on else {}))
        if way == "cut":
            raise _CutError
        if way == "silent":
            proxy.be_silent()
            raise _CutError
        if way == "late":
            time.sleep(proxy.delay())
        if way == "overload":
            return self._send(429, b"Too many requests, please try again later.", {"Retry-After": "1"})
        if way == "unavailable":
            return self._send(503, b"upstream connect error")
        if way == "gone":
            return self._send(410, json.dumps(GONE).encode())
        asked = self._ask(body)
        told = asked.data
        asked.release_conn()
        self._wait()
        if way == "lost":
            raise _CutError
        return self._send(asked.status, told, half=way == "half")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, half: bool = False) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            raise _CutError

    def _watch(self) -> None:
        proxy = self.server.proxy
        way = proxy.draw(proxy.ways.watches, 100)
        if way == "cut":
            raise _CutError
        if way == "gone":
            return self._send(410, json.dumps(GONE).encode())
        if way == "unavailable":
            return self._send(503, b"upstream connect error")
        if way == "silent":
            proxy.be_silent()
            raise _CutError
        asked = self._ask(None)
        try:
            if asked.status != 200:
                return self._send(asked.status, asked.data)
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._follow(asked)
            self.wfile.write(b"0\r\n\r\n")
        finally:
            asked.close()
        return None

    def _follow(self, asked: urllib3.BaseHTTPResponse) -> None:
        proxy = self.server.proxy
        last: deque[bytes] = deque(maxlen=REPEATED_LINES)
        for line in _lines(asked):
            self._wait()
            way = proxy.draw(proxy.ways.lines, 1000)
            if way == "cut":
                raise _CutError
            if way == "silent":
                proxy.be_silent()
                raise _CutError
            if way == "half":
                self._line(line[: len(line) // 2])
                raise _CutError
            if way in ("gone", "error"):
                status = GONE if way == "gone" else ERROR
                return self._line(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
            if way == "late":
                time.sleep(proxy.delay())
            last.append(line)
            for again in last if way == "again" else (line,):
                self._line(again)
        return None

    def _line(self, line: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _lines(asked: urllib3.BaseHTTPResponse) -> Any:
    pending = b""
    for chunk in asked.stream():
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
