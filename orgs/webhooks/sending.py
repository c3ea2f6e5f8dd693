"""One attempt to send something to a webhook. Receivers are strangers: slow, talkative, or leading elsewhere."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import SplitResult, urlsplit

from orgs.webhooks.addresses import PORTS, ForbiddenAddress, connected

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
"""From the connection to the end of the answer."""
ANSWER_BYTES = 2000
"""More of an answer is not read."""
LONGEST_ANSWER = 500
GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt."""

    status: int | None = None
    """None: there was no answer."""
    problem: str = ""
    """What was wrong; empty: it was taken."""
    answer: str = ""
    retry_after: float | None = None
    """Seconds that the receiver asks for."""
    took_ms: int = 0


def send(address: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Posts the body, follows nowhere, and returns within TOTAL_SECONDS once it is connected."""
    parts = urlsplit(address)
    began = time.monotonic()
    ended = threading.Event()
    try:
        raw = connected(
            parts.hostname or "",
            parts.port or PORTS[parts.scheme],
            plain=parts.scheme == "http",
            seconds=CONNECT_SECONDS,
        )
        with raw if parts.scheme == "http" else _encrypted(raw, parts) as sock, _deadline(sock, ended):
            response = _posted(sock, parts, headers, body)
            answer = response.read(ANSWER_BYTES)
        if ended.is_set():
            raise TimeoutError
        problem, retry_after = _problem(response), _retry_after(response)
        return Outcome(response.status, problem, _text(answer), retry_after, _ms_since(began))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Outcome(problem=_words(error, timed_out=ended.is_set()), took_ms=_ms_since(began))


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _encrypted(raw: socket.socket, parts: SplitResult) -> socket.socket:
    """The handshake is left to whoever watches over the time."""
    return _tls().wrap_socket(raw, server_hostname=parts.hostname, do_handshake_on_connect=False)


@contextmanager
def _deadline(sock: socket.socket, ended: threading.Event) -> Iterator[None]:
    """Hangs up after TOTAL_SECONDS: a limit for each read alone would let a receiver send a byte at a time."""

    def hang_up() -> None:
        ended.set()
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(TOTAL_SECONDS, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _posted(
    sock: socket.socket, parts: SplitResult, headers: Mapping[str, str], body: bytes
) -> http.client.HTTPResponse:
    sock.settimeout(TOTAL_SECONDS)
    if isinstance(sock, ssl.SSLSocket):
        sock.do_handshake()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.sock = sock
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", path, body, {"Host": parts.netloc, **headers})
    return connection.getresponse()


def _problem(response: http.client.HTTPResponse) -> str:
    if 200 <= response.status < 300:
        return ""
    if 300 <= response.status < 400:
        return f"It answered {response.status} and leads elsewhere, which is not followed. Give the address itself."
    return f"It answered {response.status}."


def _retry_after(response: http.client.HTTPResponse) -> float | None:
    """Seconds; a receiver may name a moment instead."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
    return None


def _text(answer: bytes) -> str:
    return answer.decode(errors="replace").replace("\x00", "")[:LONGEST_ANSWER]


def _words(error: Exception, *, timed_out: bool) -> str:
    if timed_out or isinstance(error, TimeoutError):
        return f"No whole answer came within {TOTAL_SECONDS:.0f} s."
    if isinstance(error, ForbiddenAddress):
        return "Its name leads into a private network, where webhooks may not go."
    if isinstance(error, socket.gaierror):
        return "Its name is not known."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Its certificate is not trusted: {error.verify_message}"[:200]
    if isinstance(error, ssl.SSLError):
        return "It speaks no TLS that this server does."
    if isinstance(error, ConnectionRefusedError):
        return "Nobody listens at its address."
    if isinstance(error, OSError):
        return "The connection broke, or there was none."
    return "It answered something that is not HTTP."


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
