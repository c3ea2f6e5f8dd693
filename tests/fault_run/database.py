"""Queries of the run itself, which go on while the database is cut off or started again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import Error, connection

Answer = TypeVar("Answer")
LONGEST = 60.0
APPLICATION = "bursar"
"""What the parts call themselves to the database."""


def patiently(read: Callable[[], Answer]) -> Answer:
    """The answer of `read`, asked again while the database does not answer, for a minute at most."""
    deadline = time.monotonic() + LONGEST
    while True:
        try:
            return read()
        except Error:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def end_connections() -> int:
    """Ends every connection to the database but those of the run itself. How many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where datname = current_database() and application_name = %s",
            [APPLICATION],
        )
        return int(cursor.fetchone()[0])
