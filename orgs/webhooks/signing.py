"""Secrets of webhooks, and what is signed with them: as Standard Webhooks has it."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Any

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def body_of(payload: dict[str, Any]) -> bytes:
    """The same bytes with every attempt."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()


def signed_headers(keys: Sequence[str], *, uid: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows who sent it, when, and that it is whole: one signature for each secret."""
    content = f"{uid}.{timestamp}.".encode() + body
    signatures = (hmac.digest(base64.b64decode(key.removeprefix(PREFIX)), content, "sha256") for key in keys)
    return {
        "webhook-id": uid,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(signature).decode()}" for signature in signatures),
    }
