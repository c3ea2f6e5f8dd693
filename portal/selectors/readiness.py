"""Whether the parts that have to work, work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError

from portal.celery import app

Part = dict[str, Any]
_checks: dict[str, Callable[[], Part]] = {}


def register_readiness(name: str, check: Callable[[], Part]) -> None:
    """Adds a part to `/readyz`: `check()` answers a JSON object with `ok`."""
    _checks[name] = check


def readiness() -> dict[str, Part]:
    """Each part with `ok` and, where it is not, what is wrong. Without a database only the first two are asked."""
    database = _database()
    parts = {"database": database, "broker": _broker()}
    if database["ok"]:
        parts |= {name: check() for name, check in _checks.items()}
    return parts


def _database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return {"ok": False, "problem": "The database does not answer."}
    return {"ok": True}


def _broker() -> Part:
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return {"ok": False, "problem": "The broker does not answer."}
    return {"ok": True}
