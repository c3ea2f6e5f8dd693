"""Lines of an answer that is still being written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import pycurl

from .connection import MAX_ANSWER_BYTES, Connection
from .errors import refusal
from .multi import Multi

MAX_REFUSAL_BYTES = 64 * 1024
LITTLE_BYTES = 64 * 1024
PAUSE_SECONDS = 0.01
"""After a little has come: each line wakes the reader, and those that come soon after it can do so together."""


class Stream:
    """Use it in a `with` block; at its end the connection is closed."""

    def __init__(self, connection: Connection, read_seconds: float) -> None:
        """Returns when an answer has begun. `connection`: prepared, and for this stream alone.

        Raises ApiError, or UnreachableError: also while reading, and when the server is silent for `read_seconds`.
        """
        self._connection = connection
        self._read_seconds = read_seconds
        self._closing = threading.Lock()
        self._closed = self._is_over = False
        self._failure: tuple[int, str] | None = None
        self._chunks: list[bytes] = []
        self._multi = Multi(connections=1)
        connection.curl.setopt(pycurl.WRITEFUNCTION, self._chunks.append)
        self._multi.add(connection.curl)
        try:
            self._begin()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def __iter__(self) -> Iterator[bytes]:
        pending = b""
        while chunk := self._next_chunk():
            *lines, pending = (pending + chunk).split(b"\n")
            yield from lines
            if len(chunk) < LITTLE_BYTES:
                time.sleep(PAUSE_SECONDS)
            if len(pending) > MAX_ANSWER_BYTES:
                raise self._connection.failure(pycurl.E_FILESIZE_EXCEEDED)

    def interrupt(self) -> None:
        """Called from another thread: ends a reading that waits for the next line."""
        with self._closing:
            if not self._closed:
                self._connection.shut_down()

    def _close(self) -> None:
        with self._closing:
            self._closed = True
            self._multi.remove(self._connection.curl)
            self._multi.close()
            self._connection.close()

    def _begin(self) -> None:
        deadline = time.monotonic() + self._read_seconds
        while not (status := self._connection.status):
            self._wait(deadline)
        if not 200 <= status < 300:
            body = b""
            while len(body) < MAX_REFUSAL_BYTES and (chunk := self._next_chunk()):
                body += chunk
            raise refusal(status, body, self._connection.retry_after_seconds)

    def _next_chunk(self) -> bytes:
        """What has come since the last; nothing when the answer has ended."""
        deadline = time.monotonic() + self._read_seconds
        while not self._chunks and not self._is_over:
            self._wait(deadline)
        chunk = b"".join(self._chunks)
        self._chunks.clear()
        return chunk

    def _wait(self, deadline: float) -> None:
        if self._failure:
            raise self._connection.failure(*self._failure)
        if time.monotonic() > deadline:
            raise self._connection.failure(pycurl.E_OPERATION_TIMEDOUT)
        for _, code, told in self._multi.wait(deadline):
            if code == pycurl.E_OK:
                self._is_over = True
            else:
                # Told when what came before is read.
                self._failure = (code, told)
