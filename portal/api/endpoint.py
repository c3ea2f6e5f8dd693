"""The class that every endpoint stands on, and what can be done at one: list, get, create, change, delete."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from portal.access import may_any
from portal.actor import Actor
from portal.api.listing import Filter, Listing, fields_asked, flag, page_of
from portal.api.problems import BadParameter, Changed
from portal.api.schema import Operations
from portal.api.throttling import Limited
from portal.api.writing import Done, etag_of, written

EVERYBODY = ""
Effect = Sequence[dict[str, Any]]


class AlwaysJson(BaseContentNegotiation):
    """There is one format; what a caller would rather have changes nothing."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        wanted = request.content_type or ""
        return next(iter(parsers)) if wanted.partition(";")[0].strip().lower() in ("application/json", "") else None

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class Endpoint(Limited, GenericViewSet, ABC):
    """One kind of thing. `rows` are those that the caller may see: whatever is not among them is not there (404).

    Give `permission` (`entity:action`, of several with blanks between them one, as pages do), `serializer_class` (how a
    thing is given), `listing`, and `rows`.
    """

    permission: str
    listing: ClassVar[Listing] = Listing()
    content_negotiation_class = AlwaysJson
    schema = Operations()
    lookup_value_converter = "int"
    asked: ClassVar[Mapping[str, Mapping[str, Filter]]] = {}
    """What may stand after `?` of actions that read, beside lists."""
    headers_read: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """By such actions, with what they mean."""
    repeatable: ClassVar[Collection[str]] = ()
    """Actions by POST that may be done twice, so that no Idempotency-Key is needed."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.permission != EVERYBODY and not may_any(request.user, self.permission):
            raise Http404
        self.refuse_unknown(request.query_params)

    @cached_property
    def actor(self) -> Actor:
        """Who asks, for services. Reading needs none."""
        return Actor.of(self.request._request)

    def refuse_unknown(self, asked: Mapping[str, str]) -> None:
        """A parameter that is misspelt would silently be left out."""
        known = self.parameters()
        odd = next((name for name in asked if name not in known), None)
        if odd is not None:
            words = f"Give some of: {', '.join(sorted(known))}." if known else "Leave it out."
            raise BadParameter(odd[:60], f"There is no parameter “{odd[:60]}” here. {words}")

    def parameters(self) -> set[str]:
        """What may stand after `?`."""
        if self.request.method in ("GET", "HEAD"):
            if self.action in self.asked:
                return set(self.asked[self.action])
            return self.listing.parameters if self.action == "list" else {"fields"}
        return {"dry_run"}

    @abstractmethod
    def rows(self) -> QuerySet[Any]:
        """Those that the caller may see, with what their fields need."""

    def get_queryset(self) -> QuerySet[Any]:
        return self.rows()

    def row(self) -> Any:
        """The one that the address names."""
        found = self.found()
        if found is None:
            raise Http404
        return found

    def found(self) -> Any:
        """The same, or None."""
        pk = self.kwargs["pk"]
        rows = list(self.rows().filter(pk=pk)[:1]) if pk < 2**63 else []
        return self.prepared(rows)[0] if rows else None

    def prepared(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Rows with what their fields need beside their columns, in a fixed number of queries."""
        return rows

    def given(self, rows: Any, *, many: bool = False) -> Any:
        """Things as they are given, all fields or those asked for."""
        serializer: Any = self.get_serializer(rows, many=many)
        fields = (serializer.child if many else serializer).fields
        wanted = fields_asked(self.request.query_params, list(fields))
        for name in [name for name in fields if wanted is not None and name not in wanted]:
            fields.pop(name)
        return serializer.data

    def done(self, row: Any, *, status: int = 200, effect: Effect = ()) -> Done:
        """A thing that was made or changed, as it is now."""
        body = self.given(row)
        location = ""
        if status == 201:
            location = self.reverse_action("detail", kwargs={"pk": row.pk})
        return Done(status, body, location, self.etag(row, body), effect)

    def etag(self, row: Any, body: Any) -> str:
        """Of a thing and all its fields."""
        return etag_of(row, body)

    def effect(self, lines: Callable[[], Effect]) -> Effect:
        """What a change is about to do to others, asked where it is only tried."""
        return lines() if flag(self.request.query_params, "dry_run") else ()

    def read_in(self, serializer_class: type[Serializer], *, partial: bool = False, sent: Any = None) -> dict[str, Any]:
        """What was sent, the body or a part of it, read; refused where it is not what the fields take."""
        data = self.request.data if sent is None else sent
        serializer = serializer_class(data=data, partial=partial, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class Lists(Endpoint):
    def list(self, request: Request) -> Response:
        rows = self.rows()
        page = page_of(self.listing, rows, request)
        by_id = rows.in_bulk(page.ids)
        items = self.given(self.prepared([by_id[pk] for pk in page.ids if pk in by_id]), many=True)
        return Response({"items": items, "next": page.following, "previous": page.previous})


class Gets(Endpoint):
    def retrieve(self, request: Request, pk: int) -> Response:
        row = self.row()
        full = self.get_serializer(row).data
        return Response(self.given(row), headers={"ETag": self.etag(row, full)})


class Creates(Endpoint):
    """Give `create_serializer` and `made`."""

    create_serializer: type[Serializer]
    told_once: Mapping[str, str] = {}
    """Secrets of the new thing: `made` sets them."""

    @abstractmethod
    def made(self, values: dict[str, Any]) -> Model:
        """Calls the service."""

    def foretold(self, row: Any) -> Effect:
        """What a new thing does, where it is only tried."""
        return ()

    def create(self, request: Request) -> Response:
        values = self.read_in(self.create_serializer)
        return self.created(lambda: self.made(values))

    def created(self, make: Callable[[], Model]) -> Response:
        return written(self.request, lambda: self.new(make), once=True)

    def create_one(self, sent: dict[str, Any]) -> Done:
        values = self.read_in(self.create_serializer, sent=sent)
        return self.new(lambda: self.made(values))

    def new(self, make: Callable[[], Model]) -> Done:
        """What `make` makes, and what is told once, which is not kept for a second answer."""
        self.kwargs["pk"] = make().pk
        row = self.row()
        effect = self.effect(lambda: self.foretold(row))
        return replace(self.done(row, status=201, effect=effect), told_once=self.told_once)


class Locks(Endpoint):
    """What can be changed under `If-Match`. Give `lock`."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.expected = request.headers.get("If-Match", "")

    def matched(self, row: Any) -> Any:
        """The row to be changed: where the caller says by `If-Match` what it looked like, locked, and like that."""
        expected = self.expected
        if not expected or expected.strip() == "*":
            return row
        self.lock(row)
        row = self.row()
        if self.etag(row, self.get_serializer(row).data) not in [one.strip() for one in expected.split(",")]:
            raise Changed
        return row

    @abstractmethod
    def lock(self, row: Any) -> None:
        """Takes the lock that writers of such rows queue at."""


class Changes(Locks):
    """Give `change_serializer` and `changed`."""

    change_serializer: type[Serializer]

    @abstractmethod
    def changed(self, row: Any, values: dict[str, Any]) -> Effect:
        """Calls the services with what was sent; what that does to others, as the pages show it."""

    def partial_update(self, request: Request, pk: int) -> Response:
        row = self.row()
        values = self.read_in(self.change_serializer, partial=True)

        return written(request, lambda: self.other(row, values))

    def change_one(self, sent: dict[str, Any]) -> Done:
        row = self.row()
        return self.other(row, self.read_in(self.change_serializer, partial=True, sent=sent))

    def other(self, row: Any, values: dict[str, Any]) -> Done:
        """The row with other values."""
        effect = self.changed(self.matched(row), values)
        after = self.found()
        return Done(204, effect=effect) if after is None else self.done(after, effect=effect)


class Deletes(Locks):
    """Give `deleted`."""

    @abstractmethod
    def deleted(self, row: Any) -> Effect:
        """Calls the service; what that does to others, as the pages show it."""

    def destroy(self, request: Request, pk: int) -> Response:
        self.row()
        return written(request, self.delete_one)

    def delete_one(self) -> Done:
        return Done(204, effect=self.deleted(self.matched(self.row())))
