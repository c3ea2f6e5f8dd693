"""How talking to an API server fails."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping

import msgspec
import urllib3

from ..gateway import GatewayError
from .rights import REMEDY
from .text import plain

MAX_MESSAGE = 300
NEVER_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ClosedPoolError,
)
TOO_MANY_REQUESTS = 429
DISRUPTION_BUDGET = "DisruptionBudget"
SEVERAL_BUDGETS = "more than one PodDisruptionBudget"
# What OpenSSL says of a certificate that another authority signed: whoever signed it is not known, it signed itself, an
# unknown one signed the chain, it cannot be checked, or an authority of that name signed it with another key.
FOREIGN = frozenset({20, 18, 19, 21, 7})
EXPIRED = 10
REMEDIES = {
    401: " Its credentials are not accepted: give the cluster a new kubeconfig.",
    403: f" If a right is missing: {REMEDY}",
}


class UnreachableError(GatewayError):
    """No usable answer. `may_have_arrived`: the request was sent, so what it asks for may have been done."""

    def __init__(self, message: str, *, may_have_arrived: bool) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


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


def refusal(status: int, body: bytes, headers: urllib3.HTTPHeaderDict) -> ApiError:
    """The error that an answer means. Flow control answers in plain text, everything else with a Status object."""
    try:
        told = msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:
        told = _Status(body.decode(errors="replace"))
    causes = {cause.reason: cause.message for cause in told.details.causes} if told.details else {}
    wait = headers.get("Retry-After", "")
    return ApiError(status, told.message, causes, float(wait) if re.fullmatch("[0-9]{1,6}", wait) else None)


def unreachable(server: str, error: Exception) -> UnreachableError:
    """The error that a failure of the connection means, in words for people."""
    never_sent = isinstance(error, NEVER_SENT)
    root = _root(error)
    if isinstance(root, ssl.SSLCertVerificationError):
        never_sent = True
        reason = _distrust(root)
    elif isinstance(root, ssl.SSLError):
        reason = f"no secure connection ({root.reason or root}); check the client certificate"
    elif isinstance(root, socket.gaierror):
        reason = "its name is not known here; check the name, or the DNS"
    elif isinstance(root, TimeoutError) or isinstance(error, urllib3.exceptions.ReadTimeoutError):
        reason = "it did not answer in time"
    elif isinstance(root, OSError) and root.strerror:
        reason = root.strerror.lower()
    else:
        reason = plain(str(root), MAX_MESSAGE)
    return UnreachableError(f"The cluster at {server} cannot be reached: {reason}.", may_have_arrived=not never_sent)


def _distrust(error: ssl.SSLCertVerificationError) -> str:
    """Why the server's certificate does not show that it is the cluster."""
    if error.verify_code in FOREIGN:
        return (
            "its certificate is not signed by the authority in certificate-authority-data. If the cluster has a new "
            "authority, give it new credentials; if not, another server answers at its address"
        )
    if error.verify_code == EXPIRED:
        return "its certificate has expired; renew it there"
    return f"its certificate is not trusted ({error.verify_message}); check certificate-authority-data"


def _root(error: BaseException) -> BaseException:
    """What lies at the bottom: urllib3 wraps what the operating system said, more than once."""
    deeper: object = error
    while isinstance(deeper, urllib3.exceptions.HTTPError | OSError):
        error = deeper
        deeper = error.__cause__ or error.__context__ or getattr(error, "reason", None)
    return error
