"""Pages of a long list by where the last one ended: the ten-thousandth costs as much as the first (DATA, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import BooleanField, CharField, DateTimeField, F, Func, QuerySet, Value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEPARATOR = "~"


@dataclass(frozen=True, slots=True)
class Sort:
    """Columns to sort by, never null; the id decides between equals."""

    columns: tuple[str, ...]
    descending: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.columns, "id")


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """The ids of one page. `previous` and `following` are the parameters that lead on, none at the ends."""

    ids: list[int]
    first: int
    last: int
    previous: dict[str, str] | None
    following: dict[str, str] | None


def keyset_page(rows: QuerySet[Any], sort: Sort, size: int, after: str = "", before: str = "") -> KeysetPage:
    """One page of `rows` beyond the cursor `after`, or up to `before`. A cursor that makes no sense means the start."""
    backwards = bool(before)
    cursor = _parse(before or after, [_type_of(rows, key) for key in sort.keys])
    skipped, values = cursor if cursor else (0, None)
    if values is None:
        backwards = False
    else:
        rows = rows.filter(_beyond(rows, sort.keys, values, descending=sort.descending != backwards))
    order = [F(key).desc() if sort.descending != backwards else F(key).asc() for key in sort.keys]
    found = list(rows.order_by(*order).values_list(*sort.keys)[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
        start = max(0, skipped - 1 - len(found))
        has_previous, has_following = more, True
        start = start if more else 0
    else:
        start = skipped
        has_previous, has_following = values is not None, more
    return KeysetPage(
        ids=[row[-1] for row in found],
        first=start + 1 if found else 0,
        last=start + len(found),
        previous={"before": _cursor(start + 1, found[0])} if found and has_previous else None,
        following={"after": _cursor(start + len(found), found[-1])} if found and has_following else None,
    )


def cursor_fits(rows: QuerySet[Any], sort: Sort, text: str) -> bool:
    """Whether it is a cursor of these rows in this order."""
    return _parse(text, [_type_of(rows, key) for key in sort.keys]) is not None


class _RowsCompare(Func):
    """`(a, b) > (x, y)`, as rows compare: an index on both columns leads to the place, however many `a` are alike."""

    output_field = BooleanField()

    def __init__(self, columns: Sequence[Any], sign: str, values: Sequence[Any]) -> None:
        super().__init__(*columns, *values)
        self.sign = sign

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts = [compiler.compile(one) for one in self.get_source_expressions()]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"({left}) {self.sign} ({right})", [one for _, params in parts for one in params]


def _beyond(rows: QuerySet[Any], keys: Sequence[str], values: Sequence[Any], *, descending: bool) -> _RowsCompare:
    """Rows after `values` in lexicographic order."""
    typed = [Value(one, rows.model._meta.get_field(key)) for key, one in zip(keys, values, strict=True)]
    return _RowsCompare([F(key) for key in keys], "<" if descending else ">", typed)


def _cursor(position: int, row: Sequence[Any]) -> str:
    return SEPARATOR.join([str(position), *map(_written, row)])


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return f"t{(value - EPOCH) // timedelta(microseconds=1)}"
    return f"i{value}" if isinstance(value, int) else f"s{value}"


def _type_of(rows: QuerySet[Any], key: str) -> type:
    column = rows.model._meta.get_field(key)
    if isinstance(column, DateTimeField):
        return datetime
    return str if isinstance(column, CharField) else int


def _parse(text: str, types: Sequence[type]) -> tuple[int, list[Any]] | None:
    position, *parts = text.split(SEPARATOR)
    try:
        values = [_read(part) for part in parts]
        start = int(position)
    except (ValueError, OverflowError):
        return None
    return (start, values) if [type(value) for value in values] == list(types) and 0 <= start < 2**31 else None


def _read(part: str) -> Any:
    kind, text = part[:1], part[1:]
    if kind == "t":
        return EPOCH + timedelta(microseconds=int(text))
    if kind == "i" and abs(number := int(text)) < 2**62:
        return number
    if kind == "s" and len(text) <= 253 and text.isprintable():
        return text
    raise ValueError("no value of a cursor")
