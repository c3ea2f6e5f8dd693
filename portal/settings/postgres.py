"""How a process keeps its connections to PostgreSQL."""

from __future__ import annotations

from typing import Any

from environ import Env

WEB = "WEB_PROCESS"
"""In the environment of a web process: `portal.asgi` sets it."""


def postgres_database(env: Env, options: str, default: Any = Env.NOTSET) -> dict[str, Any]:
    """A web process answers every request in a thread of its own, so it keeps connections for all of them together;
    the threads of a worker live long, and keep one each."""
    database: dict[str, Any] = env.db_url("BURSAR_DATABASE_URL", default=default)
    database.setdefault("OPTIONS", {})["options"] = options
    database["CONN_HEALTH_CHECKS"] = True
    if env.bool(WEB, default=False):
        most = env.int("BURSAR_WEB_CONNECTIONS", default=20)
        database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": most, "timeout": 10}
    else:
        database["CONN_MAX_AGE"] = 60
    return database
