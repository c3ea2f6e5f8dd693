"""HTTP to one API server: kept connections, errors as GatewayError."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from .connection import Connection
from .credentials import Credentials
from .errors import SilenceError, UnreachableError, refusal
from .stream import Stream

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
# Between two readings of a token that is renewed in its file, long before it ends.
TOKEN_SECONDS = 30.0


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
        self._idle = [self._new()]
        """The one used last is used next."""

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        timeout_seconds: float,
    ) -> bytes:
        """The answer's body. Raises ApiError or UnreachableError. What has a body is sent once."""
        headers = self._headers(accept)
        if body is not None:
            headers.append(f"Content-Type: {content_type}")
        with self._one() as connection:
            connection.prepare(method, _target(path, query), headers, body, timeout_seconds)
            answer = connection.perform()
            if 200 <= (status := connection.status) < 300:
                return answer
            raise refusal(status, answer, connection.retry_after_seconds)

    def stream(self, path: str, query: Mapping[str, str], *, read_seconds: float) -> Stream:
        """An answer that comes line by line; quiet for `read_seconds` counts as broken."""
        connection = self._new()
        connection.prepare("GET", _target(path, query), self._headers(JSON), None, None)
        with self._noticing_silence():
            return Stream(connection, read_seconds)

    def close(self) -> None:
        with self._guard:
            self._is_closed = True
            self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _new(self) -> Connection:
        return Connection(self._credentials, allow_local=self._allow_local)

    @contextmanager
    def _one(self) -> Iterator[Connection]:
        """A connection for one request; kept for the next."""
        with self._guard:
            if self._is_closed:
                raise UnreachableError("It is no longer connected.", may_have_arrived=False)
            connection = self._idle.pop() if self._idle else self._new()
            silences = self.silences
        try:
            with self._noticing_silence():
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


def _target(path: str, query: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path
