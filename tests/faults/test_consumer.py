"""A worker outlives its broker whatever it was doing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.conf import settings
from kombu import Connection
from kombu.utils.imports import symbol_by_name

from portal.celery import app

from .conftest import RedisProcess


def polled(connection: Connection) -> None:
    """A channel that waits for messages, as a worker's do."""
    channel = connection.channel()
    channel.basic_consume("tasks", False, lambda message: None, "worker")
    channel.client.connection = channel.client.connection or channel.client.connection_pool.get_connection()
    channel._brpop_start()


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="there is no Redis in embedded mode")
def test_a_connection_that_cannot_be_closed_is_left(redis_server: RedisProcess) -> None:
    with app.connection_for_write(redis_server.url) as connection:
        tasks = connection.SimpleQueue("tasks")
        tasks.put({})
        assert tasks.get().channel is connection.default_channel, "not acknowledged, for the broker dies first"
        polled(connection)
        default = connection.default_channel
        default.basic_consume("tasks", False, lambda message: None, "first")
        default._brpop_start()
        redis_server.kill()
        made = symbol_by_name(app.conf.worker_consumer)
        worker = made.__new__(made)
        worker.__dict__ |= {"connection": connection, "app": app, "pool": SimpleNamespace(num_processes=2)}
        worker.__dict__ |= {"prefetch_multiplier": 4, "initial_prefetch_count": 8, "qos_global": True}
        worker.on_connection_error_after_connected(ConnectionError("lost"))
        assert worker.connection is None, "it connects anew"
