"""Digests of the audit log: what is signed, and with which key."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

EVENT = (
    "id",
    "at",
    "actor",
    "actor_name",
    "action",
    "entity",
    "entity_id",
    "entity_name",
    "unit",
    "unit_name",
    "unit_path",
    "address",
    "before",
    "after",
)
"""Columns of an event that its digest covers; its seal is set later."""
SEAL = ("number", "at", "rows", "first", "last", "content", "previous")


def canonical(values: Iterable[Any]) -> bytes:
    """The same bytes for the same row, whichever database it was read from."""
    plain = [value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for value in values]
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def signed(columns: tuple[str, ...], row: Mapping[str, Any]) -> str:
    """The row's digest, with the first of the keys."""
    return _hmac(settings.AUDIT_KEYS[0], canonical(row[name] for name in columns))


def fits(columns: tuple[str, ...], row: Mapping[str, Any]) -> bool:
    """Whether the row's digest was made from these very values, with any of the keys."""
    text = canonical(row[name] for name in columns)
    return any(hmac.compare_digest(_hmac(key, text), row["digest"]) for key in settings.AUDIT_KEYS)


def content_of(digests: Iterable[str]) -> str:
    """What a seal keeps of its events, given in the order of their ids."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _hmac(key: str, text: bytes) -> str:
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
