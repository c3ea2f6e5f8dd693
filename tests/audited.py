"""Watches, in every test, whatever changes something: a service or a request that writes and says nothing to the audit
log fails the test that called it. New services are found by themselves: all public functions below `<app>/services`
that take an `actor`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.base import BaseHandler
from django.db import connection

APPS = ("portal", "orgs", "quotas", "scheduling")
READING = ("GET", "HEAD", "OPTIONS")
AUDIT = "portal_auditevent"
UNTOLD = {
    "django_session": "whose session it is, and what it began with, is told",
    "usersessions_usersession": "where a session was last seen changes nothing",
    "orgs_accesskeyuse": "where a key was last used changes nothing",
    "portal_keptanswer": "a copy of an answer; what it answered is told",
    "orgs_devicesignin": "a program that waits is not let in; the key that lets it in is told",
    "portal_lease": "a lease is a loop's own",
    "portal_auditseal": "seals are over the log, not in it",
    "quotas_guardfinding": "what does not add up is observed, while an act that is told is made",
    "scheduling_question": "who asks why changes nothing",
    "account_emailaddress": "allauth's copy of an account's address",
}
"""Tables that may be written in silence."""
WRITING = re.compile(r'^\s*(?:INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?', re.IGNORECASE)


@dataclass(slots=True)
class Seen:
    """Tables that were written."""

    tables: set[str] = field(default_factory=set)

    @property
    def silent(self) -> set[str]:
        """Those that somebody should know of, where nobody was told."""
        return set() if AUDIT in self.tables else self.tables - UNTOLD.keys()


@contextmanager
def writes_seen() -> Iterator[Seen]:
    """Collects the tables in which rows were written, and were not taken back."""
    seen = Seen()
    before: dict[str, set[str]] = {}
    roll_back = connection._rollback

    def look(execute: Callable[..., Any], sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        result = execute(sql, parameters, many, context)
        word, _, savepoint = str(sql).rpartition(" ")
        if word == "SAVEPOINT":
            before[savepoint] = set(seen.tables)
        elif word == "ROLLBACK TO SAVEPOINT":
            seen.tables = before.get(savepoint, set())
        # How many rows an INSERT that returns ids wrote is known only later.
        elif (found := WRITING.match(str(sql))) and (context["cursor"].rowcount or sql.startswith("INSERT")):
            seen.tables.add(found[1])
        return result

    def rolled_back() -> None:
        seen.tables.clear()
        roll_back()

    connection._rollback = rolled_back
    try:
        with connection.execute_wrapper(look):
            yield seen
    finally:
        connection._rollback = roll_back


def watched(service: Callable[..., Any]) -> Callable[..., Any]:
    """The service, which has to leave a word in the audit log when it writes. One that refuses has written nothing."""

    @functools.wraps(service)
    def call(*args: Any, **kwargs: Any) -> Any:
        with writes_seen() as seen:
            result = service(*args, **kwargs)
        where = f"{service.__module__}.{service.__name__}"
        assert not seen.silent, f"{where} writes {sorted(seen.silent)} and nothing into the audit log."
        return result

    call.watched = True  # type: ignore[attr-defined]
    return call


def service_modules() -> list[Any]:
    found = []
    for app in APPS:
        package = importlib.import_module(f"{app}.services")
        found.append(package)
        found += [
            importlib.import_module(module.name)
            for module in pkgutil.walk_packages(package.__path__, f"{app}.services.")
        ]
    return found


def services() -> dict[str, Callable[..., Any]]:
    """What people and Bursar itself do, by full name."""
    return {
        f"{module.__name__}.{name}": function
        for module in service_modules()
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
        and "actor" in inspect.signature(function).parameters
        and module.__name__ != AUDIT_WRITER
    }


AUDIT_WRITER = "portal.services.audit"


def watch() -> None:
    """Puts the watched form of every service in the place of the service, wherever it has been imported."""
    replaced = {function: watched(function) for function in services().values()}
    for module in list(sys.modules.values()):
        if module.__name__.split(".")[0] in (*APPS, "tests"):
            for name, value in list(vars(module).items()):
                if inspect.isfunction(value) and value in replaced:
                    setattr(module, name, replaced[value])
    get_response = BaseHandler.get_response

    def answered(handler: BaseHandler, request: Any) -> Any:
        if request.method in READING:
            return get_response(handler, request)
        with writes_seen() as seen:
            response = get_response(handler, request)
        silent = seen.silent if response.status_code < 400 else set()
        assert not silent, f"{request.method} {request.path} writes {sorted(silent)} and nothing into the audit log."
        return response

    BaseHandler.get_response = answered  # type: ignore[method-assign]
