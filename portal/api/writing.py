"""The grammar of changes: in one transaction, tried only (`dry_run`), done once (`Idempotency-Key`), and only to what
the caller saw (`If-Match`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.encoding import force_str
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from portal.api.fields import effect_lines
from portal.api.listing import flag
from portal.api.problems import BadParameter, KeyTaken
from portal.notices import noticed
from portal.refusals import only_asking
from portal.services.kept_answer import answer_begin, answer_end

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a change."""

    status: int
    body: Any = None
    """The thing as it is now; None where it is gone."""
    location: str = ""
    etag: str = ""
    effect: Sequence[dict[str, Any]] = field(default_factory=list)
    """What it does to others: lines as the pages show them before somebody confirms."""

    told_once: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Secrets that stand in this answer alone."""

    def headers(self) -> dict[str, str]:
        return {name: text for name, text in (("Location", self.location), ("ETag", self.etag)) if text}


def written(request: Request, act: Callable[[], Done], *, once: bool = False) -> Response:
    """Answers with what `act` does. `once`: a request with an Idempotency-Key is done one time."""
    trying = flag(request.query_params, "dry_run")
    key = _key(request) if once and not trying else ""
    with only_asking() if trying else nullcontext(), noticed() as heard, transaction.atomic():
        if key:
            kept, new = answer_begin(user=request.user.pk or 0, key=key, request=_digest(request))
            if not new:
                if kept.request != _digest(request):
                    raise KeyTaken
                return _again(Done(kept.status, kept.body, kept.location, kept.etag))
        done = act()
        if key:
            answer_end(answer=kept, status=done.status, location=done.location, etag=done.etag, body=_plain(done.body))
        if trying:
            transaction.set_rollback(True)
    if trying:
        return Response({"dry_run": True, "effect": effect_lines(done.effect), "warnings": heard, "result": done.body})
    headers = done.headers() | ({"Bursar-Warnings": json.dumps(heard)} if heard else {})
    body = {**done.body, **done.told_once} if done.told_once else done.body
    return Response(body, status=done.status, headers=headers)


def etag_of(row: Any, body: Any) -> str:
    """Differs whenever the thing differs: its version, or a digest of all its fields where it has none."""
    version = getattr(row, "version", None)
    return f'"{version}"' if version is not None else f'"{hashlib.sha256(_dumped(body)).hexdigest()[:16]}"'


def _again(done: Done) -> Response:
    return Response(done.body, status=done.status, headers=done.headers() | {"Idempotency-Replayed": "true"})


def _key(request: Request) -> str:
    key = force_str(request.headers.get("Idempotency-Key", ""))
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise BadParameter("Idempotency-Key", f"Give at most {LONGEST_KEY} printable ASCII characters.")
    return key


def _digest(request: Request) -> str:
    asked = [request.method, request.get_full_path(), request.data]
    return hashlib.sha256(_dumped(asked)).hexdigest()


def _plain(body: Any) -> Any:
    return json.loads(_dumped(body))


def _dumped(body: Any) -> bytes:
    return json.dumps(body, cls=JSONEncoder, sort_keys=True).encode()
