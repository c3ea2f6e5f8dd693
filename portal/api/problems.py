"""Problem details (RFC 9457): what is wrong, where, and what to do, for whatever an endpoint raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as Refusal
from django.http import Http404
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response

MEDIA_TYPE = "application/problem+json"


class Problem(exceptions.APIException):
    """Something that is wrong with the request as a whole, with a title and a status of its own."""

    title = "Bad request"
    kind = "bad-request"
    status_code: int = status.HTTP_400_BAD_REQUEST


class BadParameter(Problem):
    """A part of the address after `?` that says nothing here."""

    title = "The address asks for something that is not there"
    kind = "bad-parameter"

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


class Changed(Problem):
    """What was to be changed is not any more what the caller saw."""

    title = "It was changed meanwhile"
    kind = "changed"
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "It is no longer as it was with this ETag. Get it again, and decide anew."


class KeyTaken(Problem):
    """An Idempotency-Key that stands for another request."""

    title = "The Idempotency-Key was used for another request"
    kind = "idempotency-key-taken"
    status_code = status.HTTP_409_CONFLICT
    default_detail = "This Idempotency-Key belongs to a request with other contents. Make up a new one."


class ErrorSerializer(serializers.Serializer):
    """One thing that is wrong."""

    pointer = serializers.CharField(required=False, help_text="Where in the body it is (a JSON Pointer).")
    parameter = serializers.CharField(required=False, help_text="Or which part of the address.")
    detail = serializers.CharField(help_text="What is wrong, and what to do.")


class ProblemSerializer(serializers.Serializer):
    """Why a request was not done. Nothing was changed."""

    type = serializers.CharField(help_text="The kind of problem, for programs: `urn:bursar:problem:…`.")
    title = serializers.CharField(help_text="The kind of problem, for people.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong, and what to do.")
    errors = ErrorSerializer(  # type: ignore[assignment]
        many=True, help_text="By field; empty where it is about the whole."
    )


TITLES = {
    400: ("bad-request", "The request cannot be read"),
    401: ("not-signed-in", "It is not known who asks"),
    403: ("forbidden", "You may see this, but not do it"),
    404: ("not-found", "There is no such thing, or you may not see it"),
    405: ("no-such-method", "This cannot be done here"),
    415: ("unsupported-format", "The body is not JSON"),
    422: ("refused", "A rule forbids it"),
    429: ("too-many-requests", "Too many requests"),
}
"""By status, where the exception brings none."""


def problem_answer(raised: Exception, context: Mapping[str, Any]) -> Response | None:
    """What DRF answers with; None lets what is no answer but a mistake of ours through."""
    if isinstance(raised, Refusal):
        return problem(422, list(_parts(_of_refusal(raised))))
    if isinstance(raised, exceptions.ValidationError):
        return problem(422, list(_parts(raised.detail)))
    if isinstance(raised, Http404):
        return problem(404, [(None, str(raised) or "There is no such thing, or you may not see it.")])
    if isinstance(raised, PermissionDenied):
        return problem(403, [(None, str(raised) or "You may not do this.")])
    if not isinstance(raised, exceptions.APIException):
        return None
    headers = {}
    if auth_header := getattr(raised, "auth_header", ""):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(raised, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    where = f"?{raised.parameter}" if isinstance(raised, BadParameter) else None
    return problem(raised.status_code, [(where, str(raised.detail))], headers=headers, raised=raised)


def problem(
    code: int,
    errors: Sequence[tuple[str | None, str]],
    *,
    headers: Mapping[str, str] | None = None,
    raised: exceptions.APIException | None = None,
) -> Response:
    """`errors`: where (a JSON Pointer, `?` and a parameter, None for the whole) and what is wrong there."""
    kind, title = TITLES.get(code, ("refused", "The request was refused"))
    if isinstance(raised, Problem):
        kind, title = raised.kind, raised.title
    body = {
        "type": f"urn:bursar:problem:{kind}",
        "title": title,
        "status": code,
        "detail": " ".join(dict.fromkeys(detail for _, detail in errors)),
        "errors": [_placed(where, detail) for where, detail in errors if where is not None],
    }
    return Response(body, status=code, headers=dict(headers or {}), content_type=MEDIA_TYPE)


def _placed(where: str, detail: str) -> dict[str, str]:
    return {"parameter": where[1:], "detail": detail} if where.startswith("?") else {"pointer": where, "detail": detail}


def _of_refusal(refusal: Refusal) -> Any:
    return refusal.message_dict if hasattr(refusal, "error_dict") else refusal.messages


def _parts(detail: Any, pointer: str = "") -> Iterator[tuple[str | None, str]]:
    """Errors of a body of any shape, each with where it is."""
    if isinstance(detail, Mapping):
        for name, part in detail.items():
            whole = name in ("non_field_errors", "__all__")
            yield from _parts(part, pointer if whole else f"{pointer}/{_escaped(str(name))}")
    elif isinstance(detail, list | tuple):
        for place, part in enumerate(detail):
            nested = isinstance(part, Mapping | list | tuple)
            yield from _parts(part, f"{pointer}/{place}" if nested else pointer)
    else:
        yield pointer or None, str(detail)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
