"""A kept connection to an API server: a handle of libcurl, with TLS from what the credentials hold."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from urllib.parse import urlsplit

import pycurl

from portal.addresses import is_forbidden

from .credentials import Credentials
from .errors import UnreachableError
from .failures import Failure

CONNECT_SECONDS = 3
# Far above what a page of a list weighs; keeps a cluster gone mad from filling the memory.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
BUFFER_BYTES = 128 * 1024
ANY_SIZE = 0


class Connection:
    """One request at a time. It is opened by the first, and anew when the server has closed it meanwhile."""

    def __init__(self, credentials: Credentials, *, allow_local: bool) -> None:
        if not credentials.ca_data:
            raise ValueError(
                "The credentials name no authority for the cluster's certificate. Give it new credentials."
            )
        self.server = credentials.server
        self.curl = curl = pycurl.Curl()
        self._sockets: list[socket.socket] = []
        self._allow_local = allow_local
        self._refused = ""
        self._body = BytesIO()
        self._end = (pycurl.E_OK, "")
        """libcurl's code, and what it says of it."""
        parts = urlsplit(credentials.server)
        host, port = _bracketed(parts.hostname or ""), parts.port or 443
        name = _bracketed(credentials.tls_server_name) or host
        # The name in the address is the one that the certificate is to bear.
        self._url = f"https://{name}:{port}{parts.path}"
        self._headers = ["User-Agent: bursar", "Expect:", f"Host: {parts.netloc}"]
        curl.setopt(pycurl.CONNECT_TO, [f"::{host}:{port}"])
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.BUFFERSIZE, BUFFER_BYTES)
        # Neither the environment's proxies nor this machine's authorities.
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.CAINFO_BLOB, credentials.ca_data)
        curl.unsetopt(pycurl.CAPATH)
        if credentials.client_certificate:
            curl.setopt(pycurl.SSLCERT_BLOB, credentials.client_certificate)
            curl.setopt(pycurl.SSLKEY_BLOB, credentials.client_key)
            # Without a password of its own, OpenSSL would ask for one on the terminal.
            curl.setopt(pycurl.KEYPASSWD, "")
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)

    def prepare(
        self, method: str, target: str, headers: Sequence[str], body: bytes | None, timeout_seconds: float | None
    ) -> None:
        """The next request. `target`: path and query; without a timeout the answer may take for ever, and all room."""
        curl = self.curl
        self._body = BytesIO()
        curl.setopt(pycurl.WRITEDATA, self._body)
        # Of one address; the connection may have been made with another.
        self._refused = ""
        curl.setopt(pycurl.URL, self._url + target)
        curl.setopt(pycurl.HTTPHEADER, [*self._headers, *headers])
        if body is None:
            curl.setopt(pycurl.HTTPGET, 1)
        else:
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDSIZE, len(body))
            # When a kept connection turns out dead libcurl sends again, on a new one: not what it cannot read again.
            curl.setopt(pycurl.READDATA, BytesIO(body))
        curl.setopt(pycurl.CUSTOMREQUEST, method)
        connect_seconds = CONNECT_SECONDS if timeout_seconds is None else min(CONNECT_SECONDS, timeout_seconds)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(connect_seconds * 1000))
        curl.setopt(pycurl.TIMEOUT_MS, int((timeout_seconds or 0) * 1000))
        curl.setopt(pycurl.MAXFILESIZE_LARGE, ANY_SIZE if timeout_seconds is None else MAX_ANSWER_BYTES)

    def perform(self) -> None:
        """What came of it, `answer` says."""
        try:
            self.curl.perform()
        except pycurl.error as error:
            self.ended(*error.args)
        else:
            self.ended()

    def ended(self, code: int = pycurl.E_OK, told: str = "") -> None:
        """libcurl says so of the request, and how."""
        self._end = (code, told)
        self._forget_sockets()

    def answer(self) -> bytes:
        """Its body. Raises UnreachableError."""
        if self._end[0] != pycurl.E_OK:
            raise self.failure(*self._end)
        return self._body.getvalue()

    @property
    def status(self) -> int:
        """Of the answer; 0: none has begun."""
        return int(self.curl.getinfo(pycurl.RESPONSE_CODE))

    @property
    def retry_after_seconds(self) -> int | None:
        """What the server asks for."""
        return self.curl.getinfo(pycurl.RETRY_AFTER) or None

    def failure(self, code: int, told: str = "") -> UnreachableError:
        """What an error of libcurl means for the request."""
        failure = Failure(
            code,
            self._refused or told,
            verify_code=self.curl.getinfo(pycurl.SSL_VERIFYRESULT),
            os_code=0 if self._refused else self.curl.getinfo(pycurl.OS_ERRNO),
            has_sent=self.curl.getinfo(pycurl.REQUEST_SIZE) > 0,
        )
        return failure.error(self.server)

    def shut_down(self) -> None:
        """By another thread: whoever waits for the server learns that nothing more comes."""
        for opened in self._sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.curl.close()
        self._forget_sockets()

    def _forget_sockets(self) -> None:
        """libcurl has its own handle of each, and the connection ends when all are closed."""
        while self._sockets:
            self._sockets.pop().close()

    def _open(self, purpose: int, address: tuple[int, int, int, tuple[str, int]]) -> socket.socket | int:
        """Looks at the peer when connected: a name may lead elsewhere than when it was given."""
        family, kind, protocol, peer = address
        if not self._allow_local and is_forbidden(peer[0]):
            self._refused = "its address belongs to this server or to a metadata service"
            return int(pycurl.SOCKET_BAD)
        opened = socket.socket(family, kind, protocol)
        self._sockets.append(opened)
        return opened


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
