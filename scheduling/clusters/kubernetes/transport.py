"""HTTP to one API server: kept connections, errors as GatewayError."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from ..gateway import GatewayError
from .connection import Connection
from .credentials import Credentials
from .errors import SilenceError, UnreachableError, refusal
from .request import Request, Steps
from .request_loop import RequestLoop
from .stream import Stream

# Between two readings of a token that is renewed in its file, long before it ends.
TOKEN_SECONDS = 30.0

T = TypeVar("T")


class Transport:
    """Thread-safe. `connections` are kept open for calls; more are opened while they are all in use."""

    def __init__(self, credentials: Credentials, *, connections: int, allow_local: bool) -> None:
        self.server = credentials.server
        self._credentials = credentials
        self._allow_local = allow_local
        self._token = credentials.token
        self._token_until = 0.0
        self._kept = connections
        self._guard = threading.Lock()
        self._is_closed = False
        self.silences = 0
        """Calls to which no answer came."""
        self._idle = [self.new_connection()]
        """The one used last is used next."""
        self._idle_loop: RequestLoop | None = None

    def send(self, request: Request) -> bytes:
        """The answer's body. Raises ApiError or UnreachableError. What has a body is sent once."""
        with self._one() as connection:
            self.prepare(connection, request)
            connection.perform()
            return self.answer(connection)

    def run(self, steps: Steps[T]) -> T:
        """By itself; and what it returns."""
        with closing(steps), self.loop() as loop:
            loop.start(None, steps)
            while not (ended := loop.wait()):
                pass
        [(_, outcome)] = ended
        if isinstance(outcome, GatewayError):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    def stream(self, path: str, query: Mapping[str, str], *, read_seconds: float) -> Stream:
        """An answer that comes line by line; quiet for `read_seconds` counts as broken."""
        connection = self.new_connection()
        self.prepare(connection, Request("GET", path, None, query=query))
        with self._noticing_silence():
            return Stream(connection, read_seconds)

    @contextmanager
    def loop(self) -> Iterator[RequestLoop]:
        """For what one thread asks at once. Kept for the next, unless something is still under way."""
        with self._guard:
            self._require_open()
            loop, self._idle_loop = self._idle_loop or RequestLoop(self, self._kept), None
            silences = self.silences
        try:
            yield loop
        finally:
            with self._guard:
                if self._is_closed or silences != self.silences or loop.under_way or self._idle_loop:
                    loop.close()
                else:
                    self._idle_loop = loop

    def close(self) -> None:
        with self._guard:
            self._is_closed = True
            self._close_idle()

    def new_connection(self) -> Connection:
        return Connection(self._credentials, allow_local=self._allow_local)

    def prepare(self, connection: Connection, request: Request) -> None:
        """Raises UnreachableError: it cannot be sent."""
        self._require_open()
        headers = self._headers(request.accept)
        if request.body is not None:
            headers.append(f"Content-Type: {request.content_type}")
        target = f"{request.path}?{urlencode(request.query)}" if request.query else request.path
        connection.prepare(request.method, target, headers, request.body, request.timeout_seconds)

    def answer(self, connection: Connection) -> bytes:
        """The body of the answer, when the request has ended. Raises ApiError or UnreachableError."""
        with self._noticing_silence():
            body = connection.answer()
        if 200 <= (status := connection.status) < 300:
            return body
        raise refusal(status, body, connection.retry_after_seconds)

    def _require_open(self) -> None:
        if self._is_closed:
            raise UnreachableError("It is no longer connected.", may_have_arrived=False)

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()
        if self._idle_loop:
            self._idle_loop.close()
            self._idle_loop = None

    @contextmanager
    def _one(self) -> Iterator[Connection]:
        """A connection for one request; kept for the next."""
        with self._guard:
            connection = self._idle.pop() if self._idle else self.new_connection()
            silences = self.silences
        try:
            yield connection
        finally:
            with self._guard:
                if self._is_closed or silences != self.silences or len(self._idle) >= self._kept:
                    connection.close()
                else:
                    self._idle.append(connection)

    @contextmanager
    def _noticing_silence(self) -> Iterator[None]:
        """No connection of before a silence is used again: each that died in it would cost one more call."""
        try:
            yield
        except SilenceError:
            with self._guard:
                self.silences += 1
                self._close_idle()
            raise

    def _headers(self, accept: str) -> list[str]:
        """With the token; where that stands in a file, it is read anew now and then."""
        if (file := self._credentials.token_file) and time.monotonic() > self._token_until:
            try:
                self._token = Path(file).read_text().strip()
            except OSError as error:
                reason = f"The token of the service account cannot be read: {error.strerror}."
                raise UnreachableError(reason, may_have_arrived=False) from error
            self._token_until = time.monotonic() + TOKEN_SECONDS
        headers = [f"Accept: {accept}"]
        if self._token:
            headers.append(f"Authorization: Bearer {self._token}")
        return headers
