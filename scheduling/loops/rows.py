"""Writing many rows without objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def update_rows(model: type[models.Model], fields: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Sets `fields` of many rows, each given as (key, value, value, ...); in the order of their keys."""
    ordered = sorted(rows, key=lambda row: row[0])
    if not ordered:
        return
    columns: list[Any] = [model._meta.get_field(name) for name in fields]
    key: Any = model._meta.pk
    quote = connection.ops.quote_name
    assignments = ", ".join(f"{quote(column.column)} = %s" for column in columns)
    sql = f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE {quote(key.column)} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(
            sql,
            [
                [
                    *(
                        column.get_db_prep_save(value, connection)
                        for column, value in zip(columns, values, strict=True)
                    ),
                    key_value,
                ]
                for key_value, *values in ordered
            ],
        )


def clean(text: str, longest: int) -> str:
    """Text from a cluster, as a column takes it."""
    return text.replace("\x00", "")[:longest]
