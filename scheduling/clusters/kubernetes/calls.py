"""What every call to a cluster goes through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, TypeVar, Unpack

import msgspec

from ..gateway import GatewayError
from . import decode
from .errors import ApiError
from .manifests import FIELD_MANAGER, Manifest
from .request import APPLY, Request
from .transport import Transport

FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE = 403, 404, 409, 422
QUESTIONS_IN_FLIGHT = 8
"""Asked at once, where many are asked: each right is one."""

T = TypeVar("T")


class Options(TypedDict, total=False):
    """Of a call."""

    query: Mapping[str, str]
    content_type: str
    accept: str


class Calls:
    """A call takes at most `timeout_seconds`."""

    def __init__(self, transport: Transport, *, timeout_seconds: float) -> None:
        self.transport = transport
        self.timeout_seconds = timeout_seconds

    def call(self, method: str, path: str, body: Manifest | None = None, **options: Unpack[Options]) -> bytes:
        return self.transport.send(self.ask(method, path, body, **options))

    def ask(self, method: str, path: str, body: Manifest | None = None, **options: Unpack[Options]) -> Request:
        """The same, to be awaited."""
        content = None if body is None else msgspec.json.encode(body)
        return Request(method, path, self.timeout_seconds, content, **options)

    def apply(self, path: str, manifest: Manifest) -> bytes:
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self.call("PATCH", path, manifest, query=query, content_type=APPLY)

    def identity(self) -> str:
        """What tells the cluster from any other: the uid of a namespace that each has, and keeps."""
        return decoded(self.call("GET", "/api/v1/namespaces/kube-system"), decode.Labelled).metadata.uid

    def is_there(self, path: str) -> bool:
        try:
            self.call("GET", path)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return True


def decoded(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise GatewayError(f"The answer is not one of Kubernetes: {error}") from error


def pod_path(namespace: str, pod: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods/{pod}"
