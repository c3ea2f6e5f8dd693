"""An API server that answers in every way it should not."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scheduling.clusters.kubernetes.credentials import Credentials
from scheduling.clusters.kubernetes.transport import Transport
from tests.cluster.certificates import Authority

AUTHORITY = Authority("test")
CUT: list[str] = []
"""Methods of requests that got no answer."""


class Crowd:
    """Of those who are here at the same time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._here = self._most = 0

    def pass_through(self, wanted: int) -> int:
        with self._changed:
            self._here += 1
            self._most = max(self._most, self._here)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._most >= wanted, timeout=5)
            self._here -= 1
            return self._most


class Handler(BaseHTTPRequestHandler):
    """The path says how to answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        {
            "/echo": self.echo,
            "/away": lambda: self.answer(302, b"", Location="https://192.0.2.1/"),
            "/overload": lambda: self.answer(
                429, b"Too many requests, please try again later.\n", **{"Retry-After": "7"}
            ),
            "/budget": lambda: self.answer(429, status("Cannot evict.", "DisruptionBudget")),
            "/forbidden": lambda: self.answer(403, status("pods is forbidden")),
            "/broken": lambda: self.answer(500, b"\xff\x00"),
            "/huge": lambda: self.answer(200, b"x" * 2000),
            "/slow": lambda: time.sleep(2),
            "/crowd": self.crowd,
            "/cut": self.cut,
            "/part": self.part,
            "/last-answer": self.last_answer,
            "/stream": self.stream,
        }[self.path.partition("?")[0]]()

    def do_POST(self) -> None:
        self.do_GET()

    def echo(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        told = {"path": self.path, "body": body, "port": self.client_address[1], **dict(self.headers)}
        self.answer(200, json.dumps(told).encode())

    def crowd(self) -> None:
        """Answers once so many wait at the same time as the query says, with how many did at most."""
        wanted = int(self.path.partition("=")[2])
        self.answer(200, str(self.server.crowd.pass_through(wanted)).encode())  # type: ignore[attr-defined]

    def cut(self) -> None:
        CUT.append(self.command)
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def part(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x")
        self.cut()

    def last_answer(self) -> None:
        """And closes the connection, without a word of it."""
        self.answer(200, b"")
        self.close_connection = True

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in (b"one\ntw", b"o\n", b"three\n"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if "quiet" in self.path:
            self.server.quiet_until.wait(10)  # type: ignore[attr-defined]
        if "cut" in self.path:
            self.cut()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


def status(message: str, cause: str = "") -> bytes:
    return json.dumps({"kind": "Status", "message": message, "details": {"causes": [{"reason": cause}]}}).encode()


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Its address, within the `with` block. Writes its certificate to the folder."""
    pair = AUTHORITY.server(["localhost"], ["127.0.0.1"])
    (folder / "crt").write_bytes(pair.certificate)
    (folder / "key").write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "crt", folder / "key")
    context.load_verify_locations(cadata=AUTHORITY.certificate.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    running = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
    running.socket = context.wrap_socket(running.socket, server_side=True)
    running.crowd = Crowd()  # type: ignore[attr-defined]
    running.quiet_until = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{running.server_port}"
    running.quiet_until.set()  # type: ignore[attr-defined]
    running.shutdown()
    running.server_close()


def transport_to(server: str, *, allow_local: bool = True, authority: Authority = AUTHORITY) -> Transport:
    credentials = Credentials(server=server, ca_data=authority.certificate, token="t0ken")
    return Transport(credentials, connections=2, allow_local=allow_local)
