"""Coroutines that await answers of an API server: many of them in one thread, each with a connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pycurl

from ..gateway import GatewayError
from .connection import Connection
from .multi import Multi
from .request import Request, Steps

if TYPE_CHECKING:
    from .transport import Transport

LONGEST_WAIT_SECONDS = 60.0
"""Far beyond any call, each of which has a timeout of its own."""


class RequestLoop:
    """Used by one thread at a time. Its connections are kept for what it is given next."""

    def __init__(self, transport: Transport, connections: int) -> None:
        self._transport = transport
        self._multi = Multi(connections)
        self._free: list[Connection] = []
        self._asking: dict[pycurl.Curl, tuple[Any, Steps[Any], Connection]] = {}
        self._ended: list[tuple[Any, Any]] = []

    @property
    def under_way(self) -> int:
        """How many have begun, and were not told as ended."""
        return len(self._asking) + len(self._ended)

    def start(self, key: Any, steps: Steps[Any]) -> None:
        self._go_on(key, steps, None)

    def wait(self) -> list[tuple[Any, Any]]:
        """For the next answers. What has ended: its key, and what it returned, or its GatewayError; what else one
        raises is raised here. May be empty."""
        if not self._ended:
            for curl, code, told in self._multi.wait(time.monotonic() + LONGEST_WAIT_SECONDS):
                key, steps, connection = self._asking.pop(curl)
                self._multi.remove(curl)
                connection.ended(code, told)
                try:
                    answer: bytes | GatewayError = self._transport.answer(connection)
                except GatewayError as error:
                    answer = error
                self._free.append(connection)
                self._go_on(key, steps, answer)
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """What is under way is given up."""
        for _, steps, connection in self._asking.values():
            self._multi.remove(connection.curl)
            self._free.append(connection)
            steps.close()
        self._asking.clear()
        self._multi.close()
        while self._free:
            self._free.pop().close()

    def _go_on(self, key: Any, steps: Steps[Any], answer: bytes | GatewayError | None) -> None:
        """To its next request, or its end."""
        try:
            while True:
                request = steps.throw(answer) if isinstance(answer, GatewayError) else steps.send(answer)
                try:
                    self._begin(key, steps, request)
                    return
                except GatewayError as error:
                    answer = error
        except StopIteration as end:
            self._ended.append((key, end.value))
        except GatewayError as error:
            self._ended.append((key, error))

    def _begin(self, key: Any, steps: Steps[Any], request: Request) -> None:
        connection = self._free.pop() if self._free else self._transport.new_connection()
        try:
            self._transport.prepare(connection, request)
        except GatewayError:
            self._free.append(connection)
            raise
        self._multi.add(connection.curl)
        self._asking[connection.curl] = key, steps, connection
