"""Requests to the API."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import click
import urllib3

from portal.cli.errors import CHANGED, MEANWHILE, Ended, problem
from portal.cli.settings import Place, place

CONNECT_SECONDS = 10
ANSWER_SECONDS = 120
QUIET_SECONDS = 60
"""A stream that says nothing for so long has broken."""
AGAIN_SECONDS = 1
MOST_ROWS = 200
API = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


def send(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
    """One request over the network. It is not led elsewhere: the key is for this server alone."""
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
    answer = urllib3.request(
        method, url, body=body, headers=dict(headers), redirect=False, retries=False, timeout=timeout
    )
    return Reply(answer.status, answer.headers, answer.data)


def listen(url: str, headers: Mapping[str, str]) -> Iterator[str]:
    """The lines of an answer that goes on, as they come."""
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=QUIET_SECONDS)
    answer = urllib3.request(
        "GET", url, headers=dict(headers), redirect=False, retries=False, timeout=timeout, preload_content=False
    )
    if answer.status != 200:
        raise problem(answer.status, _read(Reply(answer.status, answer.headers, answer.data)))
    for line in answer:
        yield line.decode().rstrip("\n")


class Client:
    """The API as the owner of a key. What goes wrong ends the command with the words of the answer."""

    def __init__(self, found: Place | None = None) -> None:
        self.place = found or place()

    def get(self, path: str, **query: Any) -> Any:
        return self._asked("GET", path, query)[0]

    def items(self, path: str, query: Mapping[str, Any], most: int | None = None) -> Iterator[Any]:
        """Rows of a list, page after page; `most` of them, or all."""
        page = self.get(path, **query, limit=min(most or MOST_ROWS, MOST_ROWS))
        number = 0
        while True:
            for item in page["items"]:
                yield item
                number += 1
                if number == most:
                    return
            if page["next"] is None:
                return
            page = self.get(f"{path}?{urlsplit(page['next']).query}")

    def follow(self, path: str, **query: Any) -> Iterator[tuple[str, Any]]:
        """Events of a stream, each once: one that ends is taken up again. Names and what they tell."""
        url, headers = self._address(path, query), self._headers()
        while True:
            found: dict[str, str] = {}
            try:
                for line in listen(url, headers):
                    name, _, text = line.partition(": ")
                    if line:
                        found[name] = text
                        continue
                    if "id" in found:
                        headers["Last-Event-ID"] = found["id"]
                    if "data" in found:
                        yield found["event"], json.loads(found["data"])
                    found = {}
            except urllib3.exceptions.ProtocolError:
                pass
            except urllib3.exceptions.HTTPError as failure:
                raise self._unreached(failure) from None
            time.sleep(AGAIN_SECONDS)

    def etag(self, path: str) -> str:
        """What the thing there is like now."""
        return str(self._asked("GET", path, {})[1]["ETag"])

    def write(self, method: str, path: str, body: Any = None, *, dry_run: bool = False, seen: str = "") -> Any:
        """A change, done once even where the first answer is lost on the way. `seen`: the ETag of what it is made
        for; what was changed since is left alone."""
        headers = {"If-Match": seen} if seen else {}
        if method == "POST" and not dry_run:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        answer, told = self._asked(method, path, {"dry_run": "true"} if dry_run else {}, body, headers)
        for words in json.loads(told.get("Bursar-Warnings", "[]")):
            click.echo(f"Warning: {words}", err=True)
        return answer

    def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Any = None,
        more: Mapping[str, str] | None = None,
    ) -> tuple[Any, Mapping[str, str]]:
        url, headers = self._address(path, query), {**self._headers(), **(more or {})}
        sent = None if body is None else json.dumps(body).encode()
        if method not in ("GET", "DELETE"):
            headers["Content-Type"] = "application/json"
        tries = 2 if method == "GET" or "Idempotency-Key" in headers else 1
        reply = self._sent(method, url, sent, headers, tries)
        read = _read(reply)
        if reply.status == 412 and "If-Match" in headers:
            raise Ended(MEANWHILE, CHANGED)
        if not 200 <= reply.status < 300:
            raise problem(reply.status, read)
        return read, reply.headers

    def _sent(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], tries: int) -> Reply:
        try:
            return send(method, url, body, headers)
        except urllib3.exceptions.HTTPError as failure:
            if tries > 1:
                return self._sent(method, url, body, headers, tries - 1)
            raise self._unreached(failure) from None

    def _unreached(self, failure: Exception) -> Ended:
        # Its own words may hold the whole request.
        kind = type(failure).__name__
        return Ended(f"{self.place.server} cannot be reached ({kind}). Check address and network.")

    def _address(self, path: str, query: Mapping[str, Any]) -> str:
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        return f"{self.place.server}{API}{path}{'?' if asked else ''}{asked}"

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if self.place.key:
            headers["Authorization"] = f"Bearer {self.place.key}"
        return headers


def _read(reply: Reply) -> Any:
    try:
        return json.loads(reply.body) if reply.body else None
    except ValueError:
        return None
