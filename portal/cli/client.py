"""Requests to the API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import click
import urllib3

from portal.cli.errors import Ended, problem
from portal.cli.settings import Place, place

CONNECT_SECONDS = 10
ANSWER_SECONDS = 120
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

    def write(self, method: str, path: str, body: Any = None, *, dry_run: bool = False, **headers: str) -> Any:
        """A change, done once even where the first answer is lost on the way."""
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
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        url = f"{self.place.server}{API}{path}{'?' if asked else ''}{asked}"
        headers = {"Accept": "application/json", **(more or {})}
        if self.place.key:
            headers["Authorization"] = f"Bearer {self.place.key}"
        sent = None if body is None else json.dumps(body).encode()
        if method not in ("GET", "DELETE"):
            headers["Content-Type"] = "application/json"
        tries = 2 if method == "GET" or "Idempotency-Key" in headers else 1
        reply = self._sent(method, url, sent, headers, tries)
        read = _read(reply)
        if not 200 <= reply.status < 300:
            raise problem(reply.status, read)
        return read, reply.headers

    def _sent(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], tries: int) -> Reply:
        try:
            return send(method, url, body, headers)
        except urllib3.exceptions.HTTPError as failure:
            if tries > 1:
                return self._sent(method, url, body, headers, tries - 1)
            # Its own words may hold the whole request.
            kind = type(failure).__name__
            raise Ended(f"{self.place.server} cannot be reached ({kind}). Check address and network.") from None


def _read(reply: Reply) -> Any:
    try:
        return json.loads(reply.body) if reply.body else None
    except ValueError:
        return None
