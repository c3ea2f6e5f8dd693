"""How talking to an API server fails."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..gateway import GatewayError
from .rights import REMEDY
from .text import plain

MAX_MESSAGE = 300
TOO_MANY_REQUESTS = 429
DISRUPTION_BUDGET = "DisruptionBudget"
SEVERAL_BUDGETS = "more than one PodDisruptionBudget"
REMEDIES = {
    401: " Its credentials are not accepted: give the cluster a new kubeconfig.",
    403: f" If a right is missing: {REMEDY}",
}


class UnreachableError(GatewayError):
    """No usable answer. `may_have_arrived`: the request was sent, so what it asks for may have been done."""

    def __init__(self, message: str, *, may_have_arrived: bool) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class SilenceError(UnreachableError):
    """The server took the request, and did not answer in time."""


class ApiError(GatewayError):
    """The API server answered with an error status."""

    def __init__(
        self,
        status: int,
        message: str,
        causes: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        """`causes`: what the server says of each, by its reason."""
        reason = plain(message, MAX_MESSAGE).rstrip(".") or "no reason given"
        super().__init__(f"The cluster answers {status}: {reason}.{REMEDIES.get(status, '')}")
        self.status = status
        self.causes = causes or {}
        self.retry_after_seconds = retry_after_seconds
        self.budget = _budget(status, message, self.causes)
        """What a disruption budget has against it; empty where none has."""


def _budget(status: int, message: str, causes: Mapping[str, str]) -> str:
    if status == TOO_MANY_REQUESTS and DISRUPTION_BUDGET in causes:
        return plain(causes[DISRUPTION_BUDGET] or message, MAX_MESSAGE)
    # The server evicts no pod that lies under two of them, and calls that an error of its own.
    return plain(message, MAX_MESSAGE) if status == 500 and SEVERAL_BUDGETS in message else ""


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    message: str = ""
    details: _Details | None = None


def refusal(status: int, body: bytes, retry_after_seconds: float | None) -> ApiError:
    """The error that an answer means. Flow control answers in plain text, everything else with a Status object."""
    try:
        told = msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:
        told = _Status(body.decode(errors="replace"))
    causes = {cause.reason: cause.message for cause in told.details.causes} if told.details else {}
    return ApiError(status, told.message, causes, retry_after_seconds)
