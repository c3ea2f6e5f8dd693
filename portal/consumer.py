"""How a Celery worker outlives its broker."""

from __future__ import annotations

from typing import Any

import structlog
from celery.worker import consumer

log = structlog.get_logger()


class Consumer(consumer.Consumer):
    """Goes on to connect again also where what is left of the lost connection cannot be closed.

    kombu 5.7 closes a channel with tasks under way twice, the second time without the connection that it asks for its
    address; Celery takes that error for one that ends the worker, and its loops with it.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> Any:
        try:
            super().on_connection_error_after_connected(exc)
        except Exception as problem:
            log.warning("broker_connection_not_closed", problem=repr(problem))
