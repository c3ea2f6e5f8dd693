"""Following one kind of object: everything, then each change; everything again when that is no longer possible.

A server that can (WatchList, with an etcd that tells of progress) begins a watch with all there is. Of others a list is
asked page by page, and a watch from there."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any

import msgspec

from ..gateway import GatewayError
from . import decode
from .errors import ApiError, UnreachableError
from .kinds import Kind, SeenItem, T
from .patience import CHANCE, Patience, passes
from .request import Request
from .stream import Stream
from .transport import Transport

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
# How a server says that it cannot begin a watch with everything: it does not know how, or its etcd does not.
NO_STREAM = frozenset({400, 422, 500})
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class Listed:
    """Everything there is of a kind."""

    kind: str
    items: list[SeenItem]
    asked_at: float
    """By the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One object as it is now, or that it is gone."""

    kind: str
    item: SeenItem
    gone: bool
    told_at: float
    """When the server told it, by the monotonic clock."""


Change = Listed | Changed | GatewayError
"""An error is the last change: the following has ended."""


def _page_of(shape: type[T]) -> type[decode.Page[T]]:
    """The type of a page of such objects, made when running: none can be written down for a class in a variable."""
    page: type[decode.Page[T]] = decode.Page[shape]  # type: ignore[valid-type]
    return page


class _ExpiredError(Exception):
    """The server no longer knows the version to watch from."""


def tell(changes: queue.Queue[Change], change: Change, ended: threading.Event) -> None:
    """Waits while the reader is behind: then the server notices, and keeps what is to come."""
    while not ended.is_set():
        try:
            changes.put(change, timeout=1)
        except queue.Full:
            continue
        return


class Reflector(threading.Thread):
    """Puts the changes of one kind into a queue until `ended`."""

    def __init__(
        self, transport: Transport, kind: Kind[Any], changes: queue.Queue[Change], ended: threading.Event
    ) -> None:
        super().__init__(name=f"reflector of {kind.name} at {transport.server}", daemon=True)
        self._transport = transport
        self.kind = kind
        self._changes = changes
        self._ended = ended
        self._stream: Stream | None = None
        self._patience = Patience()
        self._version = ""
        """To watch from; empty: everything is to be told first."""
        self._streams = True
        """The server is thought to begin a watch with everything."""
        self._first: dict[str, SeenItem] | None = None
        """What a watch began with so far, by uid; None: it has told everything."""
        self._asked_at = 0.0
        self._is_known: bool | None = None
        """The cluster knows the kind; None: it has not told yet."""
        self._followed: set[str] = set()
        self._page: msgspec.json.Decoder[decode.Page[Any]] = msgspec.json.Decoder(_page_of(kind.shape))
        self._event = msgspec.json.Decoder(decode.WatchEvent)
        self._object = msgspec.json.Decoder(kind.shape)

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                self._follow()
        except GatewayError as error:
            self._put(error)
        except (msgspec.DecodeError, ValueError) as error:
            self._put(GatewayError(f"The cluster sent {self.kind.name} that cannot be read: {error}"))
        except Exception as error:
            logger.exception("Following %s failed", self.kind.name)
            self._put(GatewayError(f"Following {self.kind.name} failed: {error}"))

    @property
    def followed(self) -> int | None:
        """How many objects there are of the kind; None: the cluster does not know it, or has not told yet."""
        return len(self._followed) if self._is_known else None

    def interrupt(self) -> None:
        """End a watch that is quiet: for good after `ended` was set, else it is asked for anew. By another thread."""
        if (stream := self._stream) is not None:
            stream.interrupt()

    def _follow(self) -> None:
        """List, or watch on from the version that was seen last; what failed is tried again while there is patience."""
        try:
            if self._version or self._streams:
                self._watch()
            else:
                self._list()
        except _ExpiredError:
            # Nothing can be too old where everything is told first.
            self._streams &= self._first is None
            self._version = ""
        except GatewayError as error:
            if isinstance(error, ApiError) and error.status == NOT_FOUND and self.kind.optional:
                if self._is_known is not False:
                    self._put(Listed(self.kind.name, [], time.monotonic()))
                self._version, self._is_known = "", False
                self._ended.wait(ABSENT_SECONDS)
            elif not (passes(error) and self._patience.wait(error, self._ended)):
                raise

    def _list(self) -> None:
        """List in pages, so that memory stays bounded on both sides."""
        items: list[SeenItem] = []
        query, asked_at = self._query(limit=str(PAGE_SIZE)), time.monotonic()
        while not self._ended.is_set():
            try:
                body = self._transport.send(Request("GET", self.kind.path, LIST_SECONDS, query=query))
            except GatewayError as error:
                if "continue" not in query:
                    raise
                if isinstance(error, ApiError) and error.status == GONE:
                    # It took too long to read on: begin again.
                    items, query, asked_at = [], self._query(limit=str(PAGE_SIZE)), time.monotonic()
                elif not (passes(error) and self._patience.wait(error, self._ended)):
                    raise
                continue
            self._patience.renew()
            page = self._page.decode(body)
            items += map(self.kind.convert, page.items or ())
            if not page.metadata.continue_from:
                self._tell_all(items, asked_at)
                self._version = page.metadata.resource_version
                return
            query["continue"] = page.metadata.continue_from

    def _watch(self) -> None:
        """Watch until the server ends it or the connection breaks; begin with everything where that was not told."""
        self._asked_at = time.monotonic()
        self._first = None if self._version else {}
        seconds = str(CHANCE.randint(*WATCH_SECONDS))
        query = self._query(watch="true", allowWatchBookmarks="true", timeoutSeconds=seconds)
        if self._version:
            query["resourceVersion"] = self._version
        else:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        try:
            with self._transport.stream(self.kind.path, query, read_seconds=SILENCE_SECONDS) as stream:
                self._stream, opened = stream, time.monotonic()
                # Who interrupts sets `ended` first: either the stream was there for that, or this sees it.
                if self._ended.is_set():
                    return
                for line in stream:
                    if self._ended.is_set():
                        break
                    self._take(line)
                    self._patience.renew()
        except ApiError as error:
            if error.status == GONE:
                raise _ExpiredError from None
            if self._first is None or error.status not in NO_STREAM:
                raise
            self._streams = False
            return
        finally:
            if self._stream is not None and self._first is None:
                # Proxies end what is quiet, some after a minute: that was no failure for all that time.
                self._patience.renew_after(time.monotonic() - opened)
            self._stream = None
        if self._first is not None:
            raise UnreachableError("The cluster ended its answer before everything was told.", may_have_arrived=True)
        # It was quiet until the server ended it, as it should.
        self._patience.renew()
        self._ended.wait(max(0.0, SHORTEST_WATCH_SECONDS - (time.monotonic() - self._asked_at)))

    def _take(self, line: bytes) -> None:
        event = self._event.decode(line)
        if event.type == "ERROR":
            status = msgspec.json.decode(event.object, type=decode.Status)
            if status.code == GONE:
                raise _ExpiredError
            raise ApiError(status.code, status.message)
        if event.type == "BOOKMARK":
            metadata = msgspec.json.decode(event.object, type=decode.Labelled).metadata
            if self._first is not None and INITIAL_EVENTS_END in metadata.annotations:
                self._tell_all(list(self._first.values()), self._asked_at)
                self._first = None
            if self._first is None:
                self._version = metadata.resource_version
            return
        found = self._object.decode(event.object)
        gone = event.type == "DELETED"
        if self._first is not None:
            self._first.pop(found.metadata.uid, None)
            if not gone:
                self._first[found.metadata.uid] = self.kind.convert(found)
            return
        (self._followed.discard if gone else self._followed.add)(found.metadata.uid)
        self._put(Changed(self.kind.name, self.kind.convert(found), gone=gone, told_at=time.monotonic()))
        self._version = found.metadata.resource_version

    def _tell_all(self, items: list[SeenItem], asked_at: float) -> None:
        self._put(Listed(self.kind.name, items, asked_at))
        self._followed, self._is_known = {item.uid for item in items}, True

    def _query(self, **query: str) -> dict[str, str]:
        return {**query, "labelSelector": self.kind.selector} if self.kind.selector else query

    def _put(self, change: Change) -> None:
        tell(self._changes, change, self._ended)
