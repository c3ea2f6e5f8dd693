"""What a command says: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import yaml

FORMATS = ("table", "wide", "json", "yaml")
BETWEEN = "  "
Show = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One of a table: `path` leads into what the API gave (`project.name`)."""

    title: str
    path: str
    show: Show = lambda value: "-" if value in (None, "") else str(value)
    wide: bool = False
    """Only in the wide table."""

    def cell(self, row: Any) -> str:
        value = row
        for part in self.path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return plain(self.show(value))


def format_option(command: Any) -> Any:
    """`-o`: how it is said."""
    kind = click.Choice(FORMATS)
    return click.option("-o", "--output", "form", type=kind, default="table", show_default=True, help="How to say it.")(
        command
    )


def plain(text: str) -> str:
    """On one line, without characters that would steer the terminal."""
    return "".join(" " if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp") else one for one in text)


def say_rows(rows: Sequence[Any], columns: Iterable[Column], form: str, nothing: str) -> None:
    """A list; `nothing`: words where it is empty."""
    if form in ("json", "yaml"):
        say_data(rows, form)
        return
    if not rows:
        click.echo(nothing, err=True)
        return
    shown = [column for column in columns if form == "wide" or not column.wide]
    say_table([[column.title for column in shown], *([column.cell(row) for column in shown] for row in rows)])


def say_one(row: Any, columns: Iterable[Column], form: str) -> None:
    """One thing, a line for each of its parts."""
    if form in ("json", "yaml"):
        say_data(row, form)
        return
    lines = [(column.title.capitalize() + ":", column.cell(row)) for column in columns]
    say_table([[title, text] for title, text in lines])


def say_data(data: Any, form: str) -> None:
    if form == "json":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)


def say_table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(_width(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        cells = [text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)]
        click.echo(BETWEEN.join(cells).rstrip())


def say_effect(tried: Any) -> None:
    """What a change would do to others, as the pages show it before somebody confirms."""
    for line in tried["effect"]:
        figure = f" {line['figure']}" if line["figure"] else ""
        names = f" ({line['names']})" if line["names"] else ""
        click.echo(plain(f"  {line['text']}{figure}{names}"), err=True)
    for words in tried["warnings"]:
        click.echo(plain(f"  Warning: {words}"), err=True)


def _width(text: str) -> int:
    """How many places it takes in a terminal."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return len(text) + wide - sum(bool(unicodedata.combining(one)) for one in text)
