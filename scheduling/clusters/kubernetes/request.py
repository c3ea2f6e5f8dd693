"""One call to an API server, before it is made."""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Mapping
from typing import Any, NamedTuple, TypeVar

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

T = TypeVar("T")


class Request(NamedTuple):
    """Awaited in a `RequestLoop`, it becomes the body of the answer, or raises GatewayError."""

    method: str
    path: str
    timeout_seconds: float | None
    """None: for ever, and as long an answer as comes."""
    body: bytes | None = None
    query: Mapping[str, str] | None = None
    content_type: str = JSON
    accept: str = JSON

    def __await__(self) -> Generator[Request, bytes, bytes]:
        return (yield self)


Steps = Coroutine[Request, Any, T]
"""What is done by some requests, one after the other: an `async def` that awaits nothing else."""
