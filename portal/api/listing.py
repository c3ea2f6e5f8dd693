"""The grammar of lists: filters, search, sort, pages by cursor, and which fields are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from portal.api.problems import BadParameter
from portal.asked import whole_number
from portal.selectors.keyset import Sort, cursor_fits, keyset_page

USUAL_ROWS = 50
MOST_ROWS = 200
LONGEST_TEXT = 200
EARLIEST, LATEST = 1970, 9000
"""Years that both databases take."""
ON = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Filter:
    """A parameter that leaves some of the rows: those whose `column` has the value, or what `apply` says."""

    words: str
    column: str = ""
    kind: str = "id"
    """`id` (a whole number), `text`, `flag` (true or false), `choice`, `time`, or `day`."""
    choices: Mapping[str, Any] = field(default_factory=dict)
    """Of a choice: what is typed, and the value of the column."""
    apply: Callable[[QuerySet[Any], Any], QuerySet[Any]] | None = None
    needed: bool = False
    """There is no list without it."""

    def value(self, name: str, text: str) -> Any:
        """What was typed, read. BadParameter for what it cannot be."""
        if self.kind == "id":
            number = whole_number(text)
            if number is None:
                raise BadParameter(name, f"“{text[:40]}” is no id. Give the whole number that stands as “id”.")
            return number
        if self.kind == "time":
            return moment(name, text)
        if self.kind == "day":
            return day(name, text)
        known = ON if self.kind == "flag" else self.choices
        if self.kind in ("flag", "choice"):
            if text not in known:
                raise BadParameter(name, f"“{text[:40]}” is none of: {', '.join(known)}. Give one of these.")
            return known[text]
        return plain(name, text)

    def leave(self, rows: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return self.apply(rows, value) if self.apply else rows.filter(**{self.column: value})


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list can be asked for."""

    sorts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"id": ()})
    """By what is typed: columns of the rows' own, never null; `-` in front turns it."""
    filters: Mapping[str, Filter] = field(default_factory=dict)
    search: tuple[str, ...] = ()
    """Columns that hold what is searched for; none: nothing can be."""
    usual: str = ""
    """The order of who asks for none; empty: by the first of them."""

    @property
    def parameters(self) -> set[str]:
        return {"limit", "cursor", "sort", "fields", *self.filters, *(["search"] if self.search else [])}

    def found(self, rows: QuerySet[Any], asked: Mapping[str, str]) -> QuerySet[Any]:
        for name, one in self.filters.items():
            if name in asked:
                rows = one.leave(rows, one.value(name, asked[name]))
        wanted = plain("search", asked.get("search", "")).strip() if self.search else ""
        if wanted:
            condition = Q()
            for column in self.search:
                condition |= Q(**{f"{column}__icontains": wanted})
            rows = rows.filter(condition)
        return rows

    def sort(self, asked: Mapping[str, str]) -> Sort:
        text = asked.get("sort", self.usual or next(iter(self.sorts)))
        name = text.removeprefix("-")
        if name not in self.sorts:
            raise BadParameter("sort", f"It cannot be sorted by “{name[:40]}”. Give one of: {', '.join(self.sorts)}.")
        return Sort(self.sorts[name], descending=text.startswith("-"))


@dataclass(frozen=True, slots=True)
class Page:
    """The ids of one page, and the addresses of those beside it."""

    ids: list[int]
    following: str | None
    previous: str | None


def page_of(listing: Listing, rows: QuerySet[Any], request: Request) -> Page:
    """One page of what is asked for. The cursor says where it begins and which way, and means nothing to callers."""
    asked = request.query_params
    sort = listing.sort(asked)
    rows = listing.found(rows, asked)
    way, _, cursor = asked.get("cursor", "").partition(".")
    if "cursor" in asked and not (way in ("after", "before") and cursor_fits(rows, sort, cursor)):
        raise BadParameter("cursor", "This is no cursor of this list. Follow “next” and “previous” as they are given.")
    found = keyset_page(rows, sort, _limit(asked), **({way: cursor} if cursor else {}))
    return Page(found.ids, _beside(request, found.following), _beside(request, found.previous))


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the lines of an answer that is worked out as a whole, and the addresses of those beside them."""

    rows: Sequence[Any]
    following: str | None
    previous: str | None


def part_of(lines: Sequence[Any], request: Request) -> Part:
    asked = request.query_params
    limit, (way, _, number) = _limit(asked), asked.get("cursor", "at.0").partition(".")
    start = whole_number(number)
    if way != "at" or start is None:
        raise BadParameter("cursor", "This is no cursor of this list. Follow “next” and “previous” as they are given.")
    following = {"at": str(start + limit)} if start + limit < len(lines) else None
    previous = {"at": str(max(0, start - limit))} if start else None
    return Part(lines[start : start + limit], _beside(request, following), _beside(request, previous))


def fields_asked(asked: Mapping[str, str], known: Sequence[str]) -> list[str] | None:
    """Which fields are wanted (`fields=id,name`); None: all."""
    if "fields" not in asked:
        return None
    wanted = [name.strip() for name in asked["fields"].split(",")]
    odd = next((name for name in wanted if name not in known), None)
    if odd is not None:
        raise BadParameter("fields", f"There is no field “{odd[:40]}” here. Give some of: {', '.join(known)}.")
    return wanted


def moment(name: str, text: str) -> datetime:
    """A time with its zone."""
    try:
        found = parse_datetime(text) if len(text) <= 40 else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not EARLIEST < found.year < LATEST:
        raise BadParameter(name, f"“{text[:40]}” is no time. Give one as 2026-05-01T12:00:00Z.")
    return found


def day(name: str, text: str) -> date:
    try:
        found = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        found = None
    if found is None or not EARLIEST < found.year < LATEST:
        raise BadParameter(name, f"“{text[:40]}” is no day. Give one as 2026-05-01.")
    return found


def plain(name: str, text: str) -> str:
    """Text that both databases take in a query."""
    if len(text) > LONGEST_TEXT or "\x00" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise BadParameter(name, f"Give at most {LONGEST_TEXT} characters, none of them a null character.")
    return text


def flag(asked: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false, and false where it is missing."""
    text = asked.get(name, "false")
    if text not in ON:
        raise BadParameter(name, f"“{text[:40]}” is neither true nor false. Give one of the two.")
    return ON[text]


def _limit(asked: Mapping[str, str]) -> int:
    number = whole_number(asked.get("limit", str(USUAL_ROWS)))
    if number is None or not 1 <= number <= MOST_ROWS:
        raise BadParameter("limit", f"A page has 1 to {MOST_ROWS} rows. Give a number between.")
    return number


def _beside(request: Request, cursor: Mapping[str, str] | None) -> str | None:
    if cursor is None:
        return None
    ((way, text),) = cursor.items()
    query = request.query_params.copy()
    query["cursor"] = f"{way}.{text}"
    address: str = request.build_absolute_uri(f"{request.path}?{urlencode(list(query.items()))}")
    return address
