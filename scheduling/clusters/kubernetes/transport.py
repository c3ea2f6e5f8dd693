"""HTTP to one API server: kept connections, TLS from what the credentials hold, errors as GatewayError."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from portal.addresses import is_forbidden

from .credentials import Credentials
from .errors import UnreachableError, refusal, unreachable

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
# Far above what a page of a list weighs; keeps a cluster gone mad from filling the memory.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
CONNECT_SECONDS = 3
# Between two readings of a token that is renewed in its file, long before it ends.
TOKEN_SECONDS = 30.0


class Transport:
    """Thread-safe. `connections` are kept open for calls and watches; more are opened while they are all in use."""

    def __init__(self, credentials: Credentials, *, connections: int, allow_local: bool) -> None:
        self.server = credentials.server
        parts = urlsplit(credentials.server)
        assert parts.hostname is not None
        self._path = parts.path
        self._headers = {"User-Agent": "bursar"}
        if credentials.token:
            self._headers["Authorization"] = f"Bearer {credentials.token}"
        self._token_file, self._token_until = credentials.token_file, 0.0
        name = credentials.tls_server_name or None
        self._new_pool = partial(
            urllib3.HTTPSConnectionPool,
            parts.hostname,
            parts.port or 443,
            maxsize=connections,
            ssl_context=_tls(credentials),
            server_hostname=name,
            assert_hostname=name,
        )
        self._connection = HTTPSConnection if allow_local else _OutwardConnection
        self._renewing = threading.Lock()
        self.silences = 0
        """Calls to which no answer came."""
        self._pool = self._open()

    def _open(self) -> urllib3.HTTPSConnectionPool:
        pool = self._new_pool()
        pool.ConnectionCls = self._connection
        return pool

    def _leave(self, pool: urllib3.HTTPSConnectionPool) -> None:
        """No connection of before a silence is used again: each that died in it would cost one more call."""
        with self._renewing:
            self.silences += 1
            if self._pool is pool:
                self._pool = self._open()
        pool.close()

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
        """The answer's body. Raises ApiError or UnreachableError; tries once."""
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout_seconds), total=timeout_seconds)
        response = self._send(method, path, body, query, timeout, content_type=content_type, accept=accept)
        try:
            return self._read(response)
        except (HTTPError, OSError) as error:
            raise unreachable(self.server, error) from error

    def stream(self, path: str, query: Mapping[str, str], *, read_seconds: float) -> Stream:
        """An answer that comes line by line; quiet for `read_seconds` counts as broken."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        return Stream(self.server, self._send("GET", path, None, query, timeout))

    def close(self) -> None:
        self._pool.close()

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        query: Mapping[str, str] | None,
        timeout: urllib3.Timeout,
        *,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> urllib3.BaseHTTPResponse:
        self._renew_token()
        headers = {**self._headers, "Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        url = self._path + path + (f"?{urlencode(query)}" if query else "")
        pool = self._pool
        try:
            response = pool.urlopen(
                method,
                url,
                body,
                headers,
                retries=False,
                redirect=False,
                timeout=timeout,
                preload_content=False,
                decode_content=False,
            )
            if 200 <= response.status < 300:
                return response
            raise refusal(response.status, self._read(response), response.headers)
        except (HTTPError, OSError) as error:
            if isinstance(error, ReadTimeoutError):
                self._leave(pool)
            raise unreachable(self.server, error) from error

    def _renew_token(self) -> None:
        """The token where it stands in a file, read anew now and then."""
        if self._token_file and time.monotonic() > self._token_until:
            try:
                token = Path(self._token_file).read_text().strip()
            except OSError as error:
                reason = f"The token of the service account cannot be read: {error.strerror}."
                raise UnreachableError(reason, may_have_arrived=False) from error
            self._headers["Authorization"] = f"Bearer {token}"
            self._token_until = time.monotonic() + TOKEN_SECONDS

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        data = response.read(MAX_ANSWER_BYTES + 1)
        if len(data) > MAX_ANSWER_BYTES:
            response.close()
            raise UnreachableError(f"The cluster at {self.server} sent far too much.", may_have_arrived=True)
        # Reading so much at once, urllib3 does not look whether all of it came.
        if isinstance(response, urllib3.HTTPResponse) and response.length_remaining:
            response.close()
            raise UnreachableError(f"The cluster at {self.server} sent a part of its answer.", may_have_arrived=True)
        response.release_conn()
        return data


class Stream:
    """Lines of an answer that is still being written. Use it in a `with` block."""

    def __init__(self, server: str, response: urllib3.BaseHTTPResponse) -> None:
        self._server = server
        self._response = response
        self._closing = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._closing:
            self._closed = True
            self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        pending = b""
        try:
            for chunk in self._response.stream(decode_content=False):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from lines
                if len(pending) > MAX_ANSWER_BYTES:
                    raise UnreachableError(f"The cluster at {self._server} sent far too much.", may_have_arrived=True)
        except (HTTPError, OSError) as error:
            raise unreachable(self._server, error) from error

    def interrupt(self) -> None:
        """Called from another thread: ends a reading that waits for the next line."""
        with self._closing:
            if not self._closed:
                self._response.shutdown()


class _OutwardConnection(HTTPSConnection):
    """Refuses peers that a cluster may not be, when connected: a name may lead elsewhere than when it was given."""

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        if is_forbidden(connected.getpeername()[0]):
            connected.close()
            reason = "its address belongs to this server or to a metadata service"
            raise NewConnectionError(self, reason) from OSError(errno.EACCES, reason)
        return connected


def _tls(credentials: Credentials) -> ssl.SSLContext:
    if not credentials.ca_data:
        raise ValueError("The credentials name no authority for the cluster's certificate. Give it new credentials.")
    # With an authority of its own the context knows none of this machine's.
    context = ssl.create_default_context(cadata=credentials.ca_data.decode("ascii"))
    if credentials.client_certificate:
        # OpenSSL takes these from files only: these have no name, and are gone with the block.
        with TemporaryFile() as certificate, TemporaryFile() as key:
            for file, content in ((certificate, credentials.client_certificate), (key, credentials.client_key)):
                file.write(content)
                file.seek(0)
            # Without a password of its own, OpenSSL would ask for one on the terminal.
            context.load_cert_chain(f"/dev/fd/{certificate.fileno()}", f"/dev/fd/{key.fileno()}", password="")
    return context
