"""Wake-ups between processes: "look now", nothing more. Losing one costs latency, never state.

With a Redis address they go through its pub/sub; embedded mode has none, and loops look again at a short interval.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import transaction

CHANNEL = "bursar:wake"
log = structlog.get_logger()


@cache
def _client(url: str) -> Any:
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)


def wake_on_commit() -> None:
    """Tells every loop to look now, once the current transaction has committed."""
    if settings.WAKE_URL:
        transaction.on_commit(_publish)


def _publish() -> None:
    try:
        _client(settings.WAKE_URL).publish(CHANNEL, b"look")
    except redis.RedisError as problem:
        log.warning("wake_lost", problem=type(problem).__name__)


class WakeListener(threading.Thread):
    """Sets every registered event when a wake-up arrives. Does nothing without a Redis address."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(name="wake", daemon=True)
        self._stop_event = stop
        self._events: list[threading.Event] = []

    def add(self, event: threading.Event) -> None:
        self._events.append(event)

    def run(self) -> None:
        if not settings.WAKE_URL:
            return
        while not self._stop_event.is_set():
            try:
                self._listen()
            except redis.RedisError:
                self._stop_event.wait(1)

    def _listen(self) -> None:
        with _client(settings.WAKE_URL).pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(CHANNEL)
            while not self._stop_event.is_set():
                if channel.get_message(timeout=0.5):
                    for event in self._events:
                        event.set()
