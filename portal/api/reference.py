"""The schema of the API as a page shows it: by kinds of things, with what each operation takes and gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

DEEPEST = 6
"""Levels of things in things that an example shows."""
Schema = dict[str, Any]
MADE_UP: Schema = {"integer": 1, "number": 1, "boolean": True, "object": {}}
BY_FORMAT = {"date-time": "2026-05-01T12:00:00Z", "date": "2026-05-01", "uri": "https://…", "uuid": "0b6c7b1e-…"}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: str
    """query, path or header."""
    kind: str
    words: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A field of what is sent or given; inner ones as `subject.name`, those of a list as `items[].name`."""

    name: str
    kind: str
    words: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Operation:
    key: str
    method: str
    path: str
    summary: str
    words: str
    parameters: list[Parameter]
    takes: list[Field]
    example: str
    """Of what is sent, as JSON; empty where nothing is."""
    gives: list[Field]
    answers: list[tuple[str, str]]
    """Statuses with what they mean."""


@dataclass(frozen=True, slots=True)
class Section:
    """All operations on one kind of thing."""

    name: str
    operations: list[Operation]


@cache
def schema() -> dict[str, Any]:
    """Of the whole API, in OpenAPI's form. Worked out once a process: it does not change."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


@cache
def reference() -> dict[str, Section]:
    """By name."""
    reader = _Reader(schema()["components"]["schemas"])
    found: dict[str, list[Operation]] = {}
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            found.setdefault(operation["tags"][0], []).append(reader.operation(path, method, operation))
    return {name: Section(name, found[name]) for name in sorted(found)}


class _Reader:
    def __init__(self, schemas: Schema) -> None:
        self.schemas = schemas

    def operation(self, path: str, method: str, found: Schema) -> Operation:
        body = _content(found.get("requestBody", {}))
        good = [_content(answer) for code, answer in sorted(found["responses"].items()) if code.startswith("2")]
        return Operation(
            key=found["operationId"],
            method=method.upper(),
            path=path,
            summary=found.get("summary", ""),
            words=found.get("description", ""),
            parameters=[self.parameter(one) for one in found.get("parameters", ())],
            takes=list(self.fields(body)),
            example=json.dumps(self.example(body), indent=2, ensure_ascii=False) if body else "",
            gives=list(self.fields(next((one for one in reversed(good) if one), {}))),
            answers=[(code, answer.get("description", "")) for code, answer in sorted(found["responses"].items())],
        )

    def parameter(self, found: Schema) -> Parameter:
        words = found.get("description", "")
        return Parameter(found["name"], found["in"], self.kind(found["schema"]), words, found.get("required", False))

    def plain(self, schema: Schema) -> Schema:
        """Without references, and of several kinds the one that is not null and no dry run."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self.plain(self.schemas[name]) | {key: value for key, value in schema.items() if key != "$ref"}
        for several in ("allOf", "anyOf", "oneOf"):
            if several in schema:
                first = next(one for one in schema[several] if one.get("type") != "null")
                return self.plain(first) | {key: value for key, value in schema.items() if key != several}
        return schema

    def kind(self, schema: Schema) -> str:
        """In a few words."""
        plain = self.plain(schema)
        kinds = plain.get("type", "object")
        names = [kinds] if isinstance(kinds, str) else list(kinds)
        nullable = "null" in names or any(one.get("type") == "null" for one in schema.get("oneOf", ()))
        name = next(name for name in [*names, "null"] if name != "null" or names == ["null"])
        if "enum" in plain:
            name = ", ".join(str(value) for value in plain["enum"] if value is not None)
        elif name == "array":
            name = f"list of {self.kind(plain.get('items', {}))}"
        elif plain.get("format") in ("date-time", "date"):
            name = {"date-time": "time", "date": "day"}[plain["format"]]
        return f"{name} or null" if nullable else name

    def fields(self, schema: Schema, above: str = "", depth: int = 0) -> Iterator[Field]:
        plain = self.plain(schema)
        for name, one in plain.get("properties", {}).items():
            inner = self.plain(one)
            words = one.get("description") or inner.get("description", "")
            yield Field(f"{above}{name}", self.kind(one), words, name in plain.get("required", ()))
            if depth < DEEPEST:
                items = inner.get("items")
                yield from self.fields(items or inner, f"{above}{name}{'[]' if items else ''}.", depth + 1)

    def example(self, schema: Schema, depth: int = 0) -> Any:
        """Something of this shape, with what has to be there; where nothing has to, with everything."""
        plain = self.plain(schema)
        if "enum" in plain:
            return plain["enum"][0]
        kinds = plain.get("type", "object")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        if plain.get("properties"):
            shown = plain["properties"] if depth < DEEPEST else {}
            needed = list(plain.get("required") or shown)
            return {name: self.example(one, depth + 1) for name, one in shown.items() if name in needed}
        if kind == "array":
            return [self.example(plain.get("items", {}), depth + 1)]
        if kind == "string":
            return BY_FORMAT.get(plain.get("format", ""), "…")
        return plain.get("default", MADE_UP.get(kind))


def _content(found: Schema) -> Schema:
    """The schema of a body."""
    by_kind: Schema = found.get("content", {})
    body: Schema = next(iter(by_kind.values()), {})
    schema: Schema = body.get("schema", {})
    return schema
