"""Kubernetes' official client, for rare calls: it brings the types, the connection stays ours.

Where it would build its own pool of connections, from files and the environment's proxies, it gets the transport: the
same TLS, the same look at the address, the same errors. Tokens and keys never reach it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import urllib3

from ..gateway import GatewayError, RightsMissingError
from .calls import QUESTIONS_IN_FLIGHT
from .request import JSON, Request
from .rights import REMEDY, RIGHTS, Right
from .text import plain
from .transport import Transport

# From here on Jobs have limits for each index; podFailurePolicy and the condition of evicted pods are older.
OLDEST_VERSION = (1, 29)
MAX_VERSION = 60


class OfficialClient:
    """`timeout_seconds` is for each call. Raises GatewayError whatever goes wrong."""

    def __init__(self, transport: Transport, timeout_seconds: float) -> None:
        # Takes half a second to import, and is needed by who observes a cluster only.
        from kubernetes import client

        self._kubernetes = client
        # No host: the transport is asked for paths, and knows the server.
        self._client = client.ApiClient(client.Configuration(host=""))
        connection: Any = _Connection(transport, timeout_seconds)
        self._client.rest_client.pool_manager = connection

    def version(self) -> str:
        """The server's version, which is one that Bursar can work with."""
        with _readable():
            told = self._kubernetes.VersionApi(self._client).get_code()
            version = plain(told.git_version, MAX_VERSION)
            if (_number(told.major), _number(told.minor)) < OLDEST_VERSION:
                oldest = ".".join(map(str, OLDEST_VERSION))
                raise GatewayError(f"The cluster runs Kubernetes {version}; {oldest} or newer is needed.")
            return version

    def require_rights(self) -> None:
        """Asks the server for each right that Bursar needs, and names those that are missing."""
        with _readable(), ThreadPoolExecutor(QUESTIONS_IN_FLIGHT) as executor:
            held = list(executor.map(self._holds, RIGHTS))
        missing = dict.fromkeys(str(right) for right, is_held in zip(RIGHTS, held, strict=True) if not is_held)
        if missing:
            raise RightsMissingError(f"The kubeconfig's account may not {', '.join(missing)}. {REMEDY}", tuple(missing))

    def _holds(self, right: Right) -> bool:
        kubernetes = self._kubernetes
        resource, _, part = right.resource.partition("/")
        wanted = kubernetes.V1ResourceAttributes(
            group=right.group, resource=resource, subresource=part, verb=right.verb, name=right.name or None
        )
        spec = kubernetes.V1SelfSubjectAccessReviewSpec(resource_attributes=wanted)
        review = kubernetes.V1SelfSubjectAccessReview(spec=spec)
        answer = kubernetes.AuthorizationV1Api(self._client).create_self_subject_access_review(review)
        return answer.status is not None and answer.status.allowed


class _Connection:
    """Takes the place of the official client's pool of connections."""

    def __init__(self, transport: Transport, timeout_seconds: float) -> None:
        self._transport = transport
        self._timeout_seconds = timeout_seconds

    def request(
        self, method: str, url: str, *, body: str | None = None, headers: dict[str, str], **_: Any
    ) -> urllib3.HTTPResponse:
        content = None if body is None else body.encode()
        kind = headers.get("Content-Type", JSON)
        answer = self._transport.send(Request(method, url, self._timeout_seconds, content, content_type=kind))
        return urllib3.HTTPResponse(BytesIO(answer), headers={"Content-Type": JSON}, status=200)


@contextmanager
def _readable() -> Iterator[None]:
    """Answers that are not what the client's models expect fail in as many ways as there are wrong answers."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise GatewayError("The answer is not one of Kubernetes. Check the address in the kubeconfig.") from error


def _number(text: str) -> int:
    """Of a version: some clusters write "36+"."""
    return int("".join(re.findall(r"[0-9]", text[:6])) or 0)
