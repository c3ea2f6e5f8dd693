"""How the grammar shows in the schema: parameters, headers, and what every operation may answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from portal.api.fields import DryRun
from portal.api.listing import LONGEST_TEXT, MOST_ROWS, USUAL_ROWS, Filter, Listing
from portal.api.problems import MEDIA_TYPE, TITLES, Changed, KeyTaken, ProblemSerializer

ALWAYS = (400, 401, 403, 404, 429)
WRITES = (415, 422)
MATCHED = ("partial_update", "destroy", "stop")
WORDS = {code: title for code, (_, title) in TITLES.items()} | {409: KeyTaken.title, 412: Changed.title}
VERBS = {"list": "List", "retrieve": "Get", "create": "Create", "partial_update": "Change", "destroy": "Delete"}


class Operations(AutoSchema):
    """Reads an endpoint. A view that takes or answers something else says so by `taken` (action -> serializer) and
    `answers` (action -> status -> serializer), or the method of the action by the same names."""

    view: Any

    def get_operation_id(self) -> str:
        return f"{self.view.basename.replace('-', '_')}_{self.view.action}"

    def get_summary(self) -> str:
        verb = VERBS.get(self.view.action, self.view.action.replace("_", " ").capitalize())
        noun = self.view.basename.replace("-", " ")
        one = self.view.detail or self.view.action == "create"
        return f"{verb} {singular(noun)}" if one else f"{verb} {noun}"

    def get_description(self) -> str:  # type: ignore[override]
        action = getattr(self.view, self.view.action, None)
        own = (getattr(action, "__doc__", "") or "").strip() if self.view.action not in VERBS else ""
        return own or (type(self.view).__doc__ or "").strip()

    def get_tags(self) -> list[str]:
        return [self.view.basename]

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Lists are spelled out below."""
        return False

    def get_request_serializer(self) -> Any:
        taken = getattr(self.view, "taken", {})
        if self.view.action in taken:
            return taken[self.view.action]
        own = getattr(getattr(self.view, self.view.action, None), "taken", None)
        if own is not None:
            return own
        if self.view.action == "create":
            return self.view.create_serializer
        return self.view.change_serializer if self.view.action == "partial_update" else None

    def get_response_serializers(self) -> Any:
        answers: dict[Any, Any] = dict(self._good_answers())
        reads = self.method == "GET"
        codes = [*ALWAYS, *(() if reads else WRITES)]
        codes += [409] if self.method == "POST" else []
        codes += [412] if self.view.action in MATCHED else []
        for code in sorted(codes):
            answers[code, MEDIA_TYPE] = OpenApiResponse(ProblemSerializer, WORDS[code])
        return answers

    def _good_answers(self) -> dict[int, Any]:
        action = self.view.action
        tried = self.resolve_serializer(DryRun, "response").ref
        own = getattr(self.view, "answers", {}).get(action) or getattr(getattr(self.view, action), "answers", None)
        if own is not None:
            if self.method == "GET":
                return {code: OpenApiResponse(serializer, "As it is now.") for code, serializer in own.items()}
            (code, serializer), *more = own.items()
            either = {"anyOf": [self.resolve_serializer(serializer, "response").ref, tried]}
            told = {code: OpenApiResponse(either, "As it is now; with `dry_run`, what the change would do.")}
            return told | {made: OpenApiResponse(serializer, "A new one is there.") for made, serializer in more}
        serializer = self.view.get_serializer_class()
        name = serializer.__name__.removesuffix("Serializer")
        if action == "list":
            page = {
                "items": serializer(many=True),
                "next": serializers.URLField(allow_null=True, help_text="The page after this one."),
                "previous": serializers.URLField(allow_null=True),
            }
            return {200: OpenApiResponse(inline_serializer(f"{name}Page", page), "A page of them.")}
        if action == "destroy":
            return {200: OpenApiResponse(DryRun, "What it would do (`dry_run`)."), 204: OpenApiResponse(None, "Gone.")}
        if self.method == "POST":
            made = OpenApiResponse(serializer, "It is there.")
            return {200: OpenApiResponse(DryRun, "What it would do (`dry_run`)."), 201: made}
        if action == "retrieve":
            return {200: OpenApiResponse(serializer, "The thing.")}
        either = {"anyOf": [self.resolve_serializer(serializer, "response").ref, tried]}
        return {
            200: OpenApiResponse(either, "As it is now; with `dry_run`, what the change would do."),
            204: OpenApiResponse(None, "Changed, and out of your sight."),
        }

    def get_override_parameters(self) -> list[Any]:
        if self.method == "GET":
            if self.view.action in self.view.asked:
                headers = self.view.headers_read.get(self.view.action, {})
                return [
                    *_of_filters(self.view.asked[self.view.action]),
                    *(_header(name, words) for name, words in headers.items()),
                ]
            fields = _text("fields", "Only these fields, with commas between them: `id,name`.")
            return [*_of_list(self.view.listing), fields] if self.view.action == "list" else [fields]
        found = [OpenApiParameter("dry_run", bool, description="Change nothing; answer what it would do to others.")]
        if self.method == "POST" and self.view.action not in self.view.repeatable:
            words = "Made up by you: sent again within a day, the request is not done again, but answered as it was."
            found.append(_header("Idempotency-Key", words))
        if self.view.action in MATCHED:
            found.append(_header("If-Match", "The ETag of what you saw: refused with 412 if it was changed since."))
        return found


def singular(noun: str) -> str:
    """Of what an address calls its things."""
    if noun == "settings":
        return noun
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")


def _of_list(listing: Listing) -> list[OpenApiParameter]:
    sorts = [sign + name for name in listing.sorts for sign in ("", "-")]
    found = [
        OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS}),
        _text("cursor", "Where the page begins: as it stands in `next` and `previous`."),
        OpenApiParameter("sort", str, enum=sorts, description=_order(listing)),
    ]
    if listing.search:
        found.append(_text("search", "Rows that have this in a name or description."))
    return [*found, *_of_filters(listing.filters)]


def _of_filters(filters: Mapping[str, Filter]) -> list[OpenApiParameter]:
    found = []
    kinds: dict[str, Any] = {
        "id": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
        "text": {"type": "string", "maxLength": LONGEST_TEXT},
        "flag": {"type": "boolean"},
        "time": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
    }
    for name, one in filters.items():
        if one.kind == "choice":
            found.append(OpenApiParameter(name, str, enum=list(one.choices), description=one.words))
        else:
            found.append(OpenApiParameter(name, kinds[one.kind], required=one.needed, description=one.words))
    return found


def _order(listing: Listing) -> str:
    usual = listing.usual or next(iter(listing.sorts))
    return f"A minus in front turns the order. Usually `{usual}`."


def _text(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string", "maxLength": LONGEST_TEXT}, description=words)


def _header(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, location=OpenApiParameter.HEADER, description=words)
