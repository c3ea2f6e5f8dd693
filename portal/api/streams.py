"""Server-sent events: an answer that goes on while things happen, and is taken up again where it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.exceptions import Throttled

MEDIA_TYPE = "text/event-stream"
MOST_STREAMS = 4
"""Of one person or application at one time."""
LASTS_SECONDS = 300
"""Then the caller comes again, and is asked again who it is."""
LOOK_SECONDS = 1.0
QUIET_SECONDS = 15
"""After so long without an event a comment is sent, so that nobody in between hangs up."""
HELD_SECONDS = 4 * QUIET_SECONDS
"""So long the place of a stream is kept whose process has died."""
COME_AGAIN = "retry: 1000\n\n"
LOOKERS = ThreadPoolExecutor(32, "stream")
"""Looks of all streams of a process at one time: those that wait for a slow cluster leave others room."""

Read = Callable[[], Sequence[str] | None]
"""What has happened since the last call; None: the caller may know no more."""


def streamed_events(request: HttpRequest, who: int, read: Read) -> StreamingHttpResponse:
    """What `read` gives, for as long as the caller listens. Without ASGI what is there now: the caller comes again."""
    if not isinstance(request, ASGIRequest):
        return _response(iter([COME_AGAIN, *(read() or ())]))
    return _response(_following(read, _place(who)))


def _response(parts: Iterable[str] | AsyncIterable[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type=MEDIA_TYPE)
    response["X-Accel-Buffering"] = "no"
    return response


def _place(who: int) -> str:
    """The name of a place for one more stream. Throttled where all are taken."""
    for number in range(MOST_STREAMS):
        if cache.add(name := f"api-stream:{who}:{number}", True, HELD_SECONDS):
            return name
    raise Throttled(HELD_SECONDS, f"You have {MOST_STREAMS} streams open. End one of them first.")


async def _following(read: Read, place: str) -> AsyncIterator[str]:
    def look() -> Sequence[str] | None:
        try:
            return read()
        finally:
            connection.close()

    ends = time.monotonic() + LASTS_SECONDS
    quiet_since = time.monotonic()
    try:
        # The thread of the request keeps its connection for as long as the stream lasts, and needs it no more.
        await sync_to_async(lambda: connection.close())()
        yield COME_AGAIN
        looked = sync_to_async(look, thread_sensitive=False, executor=LOOKERS)
        while (found := await looked()) is not None and time.monotonic() < ends:
            now = time.monotonic()
            if not found and now - quiet_since < QUIET_SECONDS:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            quiet_since = now
            cache.touch(place, HELD_SECONDS)
            yield "".join(found) or ": nothing yet\n\n"
    finally:
        cache.delete(place)
