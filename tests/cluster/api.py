"""The tests' own client of the Kubernetes API, so that what Bursar did is read by other code than Bursar's."""

import json
import ssl
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"

Object = dict[str, Any]


class ApiError(Exception):
    """The API server answered with an error status."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status


class Api:
    """Requests to one API server under a client certificate (files, PEM)."""

    def __init__(self, server: str, authority: Path, certificate: Path, key: Path) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(str(certificate), str(key))
        self._server = server
        self._pool = urllib3.PoolManager(ssl_context=context, maxsize=8, retries=False, timeout=10)
        self._person: Object = {}

    def of(self, person: str) -> "Api":
        """The same, as this person, who is only what the cluster knows by that name."""
        other = copy(self)
        other._person = {"Impersonate-User": person}
        return other

    def get(self, path: str, **query: str) -> Object:
        return self._send("GET", path, query=query)

    def items(self, path: str, **query: str) -> list[Object]:
        items: list[Object] = self.get(path, **query)["items"]
        return items

    def create(self, path: str, body: Object, **query: str) -> Object:
        return self._send("POST", path, body, query=query)

    def patch(self, path: str, body: Object, content_type: str = STRATEGIC_PATCH) -> Object:
        return self._send("PATCH", path, body, content_type)

    def delete(self, path: str, body: Object | None = None) -> Object:
        return self._send("DELETE", path, body)

    def text(self, path: str) -> str:
        """Body of an answer that is not JSON, such as /readyz. Raises ApiError or urllib3's errors."""
        response = self._pool.request("GET", self._server + path, timeout=2)
        text = response.data.decode()
        if response.status >= 400:
            raise ApiError(response.status, text)
        return text

    def watch(self, path: str, **query: str) -> Iterator[Object]:
        """Events until the server ends the watch."""
        address = f"{self._server}{path}?{urlencode({**query, 'watch': 'true'})}"
        # The server ends the watch after `timeoutSeconds`; a watch may be quiet for that long.
        timeout = urllib3.Timeout(connect=5, read=int(query.get("timeoutSeconds", "60")) + 5)
        response = self._pool.request("GET", address, preload_content=False, timeout=timeout)
        try:
            if response.status >= 400:
                raise ApiError(response.status, response.data.decode())
            for line in response:
                yield json.loads(line)
        finally:
            response.close()

    def _send(
        self, method: str, path: str, body: Object | None = None, content_type: str = JSON, query: Object | None = None
    ) -> Object:
        address = self._server + path + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type, **self._person}
        response = self._pool.request(method, address, body=content, headers=headers)
        if response.status >= 400:
            raise ApiError(response.status, response.data.decode())
        answer: Object = json.loads(response.data)
        return answer
