"""Lines of an answer that is still being written."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import pycurl

from .connection import MAX_ANSWER_BYTES, Connection
from .errors import refusal

MAX_REFUSAL_BYTES = 64 * 1024
EVENTS = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.POLLIN,
    pycurl.POLL_OUT: select.POLLOUT,
    pycurl.POLL_INOUT: select.POLLIN | select.POLLOUT,
}


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
        self._poll = select.poll()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._look_at)
        connection.curl.setopt(pycurl.WRITEFUNCTION, self._chunks.append)
        self._multi.add_handle(connection.curl)
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
            self._multi.remove_handle(self._connection.curl)
            self._multi.close()
            self._connection.close()

    def _begin(self) -> None:
        deadline = time.monotonic() + self._read_seconds
        self._go_on(pycurl.SOCKET_TIMEOUT)
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
        """For the server, or for the time at which libcurl has something to do."""
        if self._failure:
            raise self._connection.failure(*self._failure)
        if (left_seconds := deadline - time.monotonic()) < 0:
            raise self._connection.failure(pycurl.E_OPERATION_TIMEDOUT)
        wait_ms, timer_ms = int(left_seconds * 1000) + 1, self._multi.timeout()
        ready = self._poll.poll(min(wait_ms, timer_ms) if timer_ms >= 0 else wait_ms)
        for descriptor, _ in ready or [(pycurl.SOCKET_TIMEOUT, 0)]:
            self._go_on(descriptor)

    def _go_on(self, descriptor: int) -> None:
        self._multi.socket_action(descriptor, 0)
        _, ended, failed = self._multi.info_read()
        self._is_over = self._is_over or bool(ended)
        for _, code, told in failed:
            # Told when what came before is read.
            self._failure = (code, told)

    def _look_at(self, what: int, descriptor: int, *_: object) -> None:
        """libcurl says for what it waits."""
        if what == pycurl.POLL_REMOVE:
            self._poll.unregister(descriptor)
        else:
            self._poll.register(descriptor, EVENTS[what])
