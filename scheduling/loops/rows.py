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
    columns: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in fields)]
    quote = connection.ops.quote_name
    table, (key, *names) = quote(model._meta.db_table), [quote(column.column) for column in columns]
    values = _prepared(columns, ordered)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # One statement for all. It would take the rows in an order of its own, were they not held before.
            given = ", ".join(f"%s::{_type_of(column)}[]" for column in columns)
            assignments = ", ".join(f"{name} = given.{name}" for name in names)
            sql = (
                f"WITH given ({', '.join([key, *names])}) AS (SELECT * FROM unnest({given})), "  # noqa: S608
                f"held AS MATERIALIZED (SELECT {key} FROM {table} WHERE {key} = any(%s) ORDER BY {key} "
                "FOR NO KEY UPDATE) "
                f"UPDATE {table} SET {assignments} FROM given JOIN held USING ({key}) WHERE {table}.{key} = given.{key}"
            )
            arrays = [list(column) for column in zip(*values, strict=True)]
            cursor.execute(sql, [*arrays, arrays[0]])
            return
        assignments = ", ".join(f"{name} = %s" for name in names)
        sql = f"UPDATE {table} SET {assignments} WHERE {key} = %s"  # noqa: S608
        cursor.executemany(sql, [(*others, pk) for pk, *others in values])


def _type_of(column: Any) -> str:
    """Without a length, to which a cast would cut what is too long."""
    return str(column.db_type(connection)).partition("(")[0]


def add_rows(
    model: type[models.Model], keys: Sequence[str], fields: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Adds to `fields` of the rows with these `keys`, or creates them; each given as (key, ..., amount, ...)."""
    ordered = sorted(rows)
    if not ordered:
        return
    columns: list[Any] = [model._meta.get_field(name) for name in (*keys, *fields)]
    quote = connection.ops.quote_name
    names = [quote(column.column) for column in columns]
    table = quote(model._meta.db_table)
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in names[len(keys) :])
    sql = (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(names[: len(keys)])}) DO UPDATE SET {sums}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(sql, _prepared(columns, ordered))


def insert_rows(model: type[models.Model], fields: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Inserts rows whose values are as columns keep them: of a foreign key the id, of a choice the number."""
    if not rows:
        return
    columns: list[Any] = [model._meta.get_field(name) for name in fields]
    quote = connection.ops.quote_name
    place = f"{quote(model._meta.db_table)} ({', '.join(quote(column.column) for column in columns)})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {place} FROM STDIN") as copy:
                for row in _prepared(columns, rows):
                    copy.write_row(row)
            return
        sql = f"INSERT INTO {place} VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608
        cursor.executemany(sql, _prepared(columns, rows))


def _prepared(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """As the database's driver takes them. PostgreSQL's takes Python's own values, but for documents."""
    if connection.vendor == "postgresql":
        columns = [column if isinstance(column, models.JSONField) else None for column in columns]
    return [
        [
            value if column is None else column.get_db_prep_save(value, connection)
            for column, value in zip(columns, row, strict=True)
        ]
        for row in rows
    ]


def clean(text: str, longest: int) -> str:
    """Text from a cluster, as a column takes it."""
    return text.replace("\x00", "")[:longest]
