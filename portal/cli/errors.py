"""How a command ends that did not do what it was asked to: each way has a number, for scripts."""

from __future__ import annotations

from typing import Any

import click

FAILED = 1
NOT_SIGNED_IN = 3
FORBIDDEN = 4
NOT_FOUND = 5
REFUSED = 6
CHANGED = 7
TOO_MANY = 8
DIFFERENCES = 9
EXIT_CODES = {
    0: "done",
    FAILED: "the server cannot be reached, or failed",
    2: "the command was typed wrongly",
    NOT_SIGNED_IN: "not signed in, or the key does not work any more",
    FORBIDDEN: "you may see this, but not do it; “no” of `can-i`",
    NOT_FOUND: "there is no such thing, or you may not see it",
    REFUSED: "a rule forbids it, or a value is wrong; nothing was changed",
    CHANGED: "it was changed meanwhile; nothing was changed",
    TOO_MANY: "too many requests; wait a minute",
    DIFFERENCES: "`diff`: there are differences",
}
BY_STATUS = {
    401: NOT_SIGNED_IN,
    403: FORBIDDEN,
    404: NOT_FOUND,
    400: REFUSED,
    415: REFUSED,
    422: REFUSED,
    409: CHANGED,
    412: CHANGED,
    429: TOO_MANY,
}


MEANWHILE = "It was changed meanwhile; look at it and try again. Nothing was changed."


class Ended(click.ClickException):
    """Ends the command with these words and this number."""

    def __init__(self, words: str, code: int = FAILED) -> None:
        super().__init__(words)
        self.code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return self.code


def problem(status: int, body: Any) -> Ended:
    """What the API answered (RFC 9457), in words."""
    if not isinstance(body, dict) or "detail" not in body:
        return Ended(f"The server answered {status}. Try again, or ask your administrators.", BY_STATUS.get(status, 1))
    errors = [error for error in body.get("errors") or [] if isinstance(error, dict)]
    if any(str(error.get("pointer")).endswith("/expected_version") for error in errors):
        return Ended(MEANWHILE, CHANGED)
    lines = [f"  {error.get('pointer') or error.get('parameter')}: {error.get('detail')}" for error in errors]
    words = "\n".join([f"{body.get('title')}.", *lines]) if lines else str(body["detail"])
    return Ended(words, BY_STATUS.get(status, FAILED))
