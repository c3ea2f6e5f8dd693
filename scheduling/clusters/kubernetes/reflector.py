"""Following one kind of object: list everything, watch from there, list again when that is no longer possible."""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from dataclasses import dataclass
from typing import Any

import msgspec

from ..gateway import GatewayError
from . import decode
from .errors import ApiError, UnreachableError
from .kinds import Kind, SeenItem, T
from .transport import Stream, Transport

logger = logging.getLogger(__name__)

PAGE_SIZE = 500
LIST_SECONDS = 30.0
# The server ends a watch after this time; by chance, so that not all watches end together.
WATCH_SECONDS = (300, 600)
# A server that is alive sends a bookmark about every minute: a connection that is silent for longer is dead.
SILENCE_SECONDS = 90.0
# Between two watches, so that one that ends at once does not become a busy loop.
SHORTEST_WATCH_SECONDS = 1.0
# Between two looks for a kind that the server does not know.
ABSENT_SECONDS = 60.0
NOT_FOUND, GONE = 404, 410
CHANCE = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Listed:
    """Everything there is of a kind."""

    kind: str
    items: list[SeenItem]


@dataclass(frozen=True, slots=True)
class Changed:
    """One object as it is now, or that it is gone."""

    kind: str
    item: SeenItem
    gone: bool


Change = Listed | Changed | GatewayError
"""An error is the last change: the following has ended."""


def _page_of(shape: type[T]) -> type[decode.Page[T]]:
    """The type of a page of such objects, made when running: none can be written down for a class in a variable."""
    page: type[decode.Page[T]] = decode.Page[shape]  # type: ignore[valid-type]
    return page


class _ExpiredError(Exception):
    """The server no longer knows the version to watch from."""


class Reflector(threading.Thread):
    """Puts the changes of one kind into a queue until `ended`."""

    def __init__(
        self, transport: Transport, kind: Kind[Any], changes: queue.Queue[Change], ended: threading.Event
    ) -> None:
        super().__init__(name=f"reflector of {kind.name} at {transport.server}", daemon=True)
        self._transport = transport
        self._kind = kind
        self._changes = changes
        self._ended = ended
        self._stream: Stream | None = None
        self._page: msgspec.json.Decoder[decode.Page[Any]] = msgspec.json.Decoder(_page_of(kind.shape))
        self._event = msgspec.json.Decoder(decode.WatchEvent)
        self._object = msgspec.json.Decoder(kind.shape)

    def run(self) -> None:
        try:
            version = self._list_once_known()
            while not self._ended.is_set():
                try:
                    version = self._watch(version)
                except _ExpiredError:
                    version = self._list()
        except GatewayError as error:
            self._put(error)
        except (msgspec.DecodeError, ValueError) as error:
            self._put(GatewayError(f"The cluster sent {self._kind.name} that cannot be read: {error}"))
        except Exception as error:
            logger.exception("Following %s failed", self._kind.name)
            self._put(GatewayError(f"Following {self._kind.name} failed: {error}"))

    def interrupt(self) -> None:
        """End a watch that is quiet. Called by another thread, after `ended` was set."""
        if (stream := self._stream) is not None:
            stream.interrupt()

    def _list_once_known(self) -> str:
        """List. What the server does not know, and need not, counts as none until it does."""
        is_told = False
        while True:
            try:
                return self._list()
            except ApiError as error:
                if error.status != NOT_FOUND or not self._kind.optional:
                    raise
            if not is_told:
                self._put(Listed(self._kind.name, []))
                is_told = True
            if self._ended.wait(ABSENT_SECONDS):
                return ""

    def _list(self) -> str:
        """List in pages, so that memory stays bounded on both sides. Returns the version to watch from."""
        items: list[SeenItem] = []
        query = self._query(limit=str(PAGE_SIZE))
        while True:
            try:
                body = self._transport.request("GET", self._kind.path, query=query, timeout_seconds=LIST_SECONDS)
            except ApiError as error:
                if error.status != GONE or "continue" not in query:
                    raise
                # It took too long to read on: begin again.
                items, query = [], self._query(limit=str(PAGE_SIZE))
                continue
            page = self._page.decode(body)
            items += map(self._kind.convert, page.items or ())
            if not page.metadata.continue_from:
                self._put(Listed(self._kind.name, items))
                return page.metadata.resource_version
            query["continue"] = page.metadata.continue_from

    def _watch(self, version: str) -> str:
        """Watch until the server ends it or the connection breaks. Returns the version to go on from."""
        began = time.monotonic()
        seconds = str(CHANCE.randint(*WATCH_SECONDS))
        query = self._query(watch="true", allowWatchBookmarks="true", resourceVersion=version, timeoutSeconds=seconds)
        try:
            with self._transport.stream(self._kind.path, query, read_seconds=SILENCE_SECONDS) as stream:
                self._stream = stream
                # Who interrupts sets `ended` first: either the stream was there for that, or this sees it.
                if self._ended.is_set():
                    return version
                for line in stream:
                    if self._ended.is_set():
                        break
                    version = self._take(line)
        except ApiError as error:
            if error.status == GONE:
                raise _ExpiredError from None
            raise
        except UnreachableError as error:
            # A watch that broke is taken up again where it ended; whether the server is there shows then.
            if not error.may_have_arrived:
                raise
        finally:
            self._stream = None
        self._ended.wait(max(0.0, SHORTEST_WATCH_SECONDS - (time.monotonic() - began)))
        return version

    def _take(self, line: bytes) -> str:
        event = self._event.decode(line)
        if event.type == "ERROR":
            status = msgspec.json.decode(event.object, type=decode.Status)
            if status.code == GONE:
                raise _ExpiredError
            raise GatewayError(f"The cluster ended the watch of {self._kind.name}: {status.message}")
        if event.type == "BOOKMARK":
            return msgspec.json.decode(event.object, type=decode.Labelled).metadata.resource_version
        found = self._object.decode(event.object)
        self._put(Changed(self._kind.name, self._kind.convert(found), gone=event.type == "DELETED"))
        version: str = found.metadata.resource_version
        return version

    def _query(self, **query: str) -> dict[str, str]:
        return {**query, "labelSelector": self._kind.selector} if self._kind.selector else query

    def _put(self, change: Change) -> None:
        """Waits while the reader is behind: then the server notices, and keeps what is to come."""
        while not self._ended.is_set():
            try:
                self._changes.put(change, timeout=1)
            except queue.Full:
                continue
            return
