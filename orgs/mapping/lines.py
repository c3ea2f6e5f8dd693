"""Reads the list: CSV, or lines copied from a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db import models

from orgs.services.tree import DEEPEST
from portal.errors import Refused

MOST_LINES = 10_000
MOST_CHARACTERS = 1_000_000


class Pattern(models.TextChoices):
    """How an organization is mapped."""

    INDIVIDUALS = "individuals", "Individuals"
    UNITS = "units", "Business units"
    STRUCTURE = "structure", "Organizational structure"


COLUMNS: dict[Pattern, tuple[str, ...]] = {
    Pattern.INDIVIDUALS: ("person", "name"),
    Pattern.UNITS: ("department", "project", "person", "name", "role"),
    Pattern.STRUCTURE: ("department", "project", "person", "name", "role"),
}
"""In this order where the list does not begin with a line that names them."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list; what it does not say is empty."""

    number: int
    """From 1, as an editor counts."""
    department: tuple[str, ...] = ()
    """The names on the way to it, the uppermost first."""
    project: str = ""
    person: str = ""
    name: str = ""
    role: str = ""
    amounts: dict[str, str] = field(default_factory=dict)
    """GPUs by the pool that the column is named after."""


def text_of(data: bytes) -> str:
    """The text of an uploaded file."""
    if len(data) > MOST_CHARACTERS * 4:
        raise Refused({"upload": f"The file has {len(data):,} bytes. Split it: at most {MOST_LINES:,} lines at once."})
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(
            {"upload": "The file is not text in UTF-8. Save it as “CSV UTF-8” and choose it again."}
        ) from None


def read_lines(text: str, pattern: Pattern, pools: Collection[str]) -> list[Line]:
    """The lines with something in them. Refused({"text": ...}) names the first line that makes no sense."""
    if len(text) > MOST_CHARACTERS:
        raise Refused({"text": f"The list has {len(text):,} characters. Use at most {MOST_CHARACTERS:,}."})
    if "\x00" in text:
        raise Refused(
            {"text": "The list holds null characters, so it is no text. Paste it again, or upload it as CSV."}
        )
    rows = _rows(text)
    if len(rows) > MOST_LINES:
        raise Refused(
            {"text": f"The list has {len(rows):,} lines. Use at most {MOST_LINES:,} at once, the rest afterwards."}
        )
    if not rows:
        raise Refused({"text": "The list is empty. Type or paste lines, or choose a file."})
    columns = _header(rows[0][1], pattern, pools)
    named = columns is not None
    lines = [_line(number, cells, columns or COLUMNS[pattern], pattern) for number, cells in rows[named:]]
    if not lines:
        raise Refused({"text": "The list has a line with the columns' names and nothing below it. Add lines."})
    return lines


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Number and cells of each line that is not blank."""
    first = text.lstrip().split("\n", 1)[0]
    separator = "\t" if "\t" in first else ";" if ";" in first else ","
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as problem:
        raise Refused(
            {"text": f"Line {reader.line_num} cannot be read: {problem}. Mend its quotation marks."}
        ) from None
    return rows


def _header(cells: list[str], pattern: Pattern, pools: Collection[str]) -> tuple[str, ...] | None:
    """The columns' names, if the first line holds them; columns named after pools hold GPUs."""
    names = [cell.lower() for cell in cells]
    if names[0] not in COLUMNS[pattern]:
        return None
    known = {*COLUMNS[pattern], *pools}
    unknown = [name for name in names if name not in known]
    if unknown:
        columns = ", ".join(COLUMNS[pattern])
        raise Refused({"text": f"There is no column “{unknown[0]}” here. Columns are {columns}, and pools' names."})
    if len(set(names)) < len(names):
        raise Refused({"text": "Two columns have the same name. Name each once."})
    return tuple(names)


def _line(number: int, cells: list[str], columns: tuple[str, ...], pattern: Pattern) -> Line:
    if len(cells) > len(columns) and any(cells[len(columns) :]):
        more = f"Line {number} has {len(cells)} columns where {len(columns)} are known."
        raise Refused({"text": f"{more} Name the columns in the first line."})
    found = dict(zip(columns, cells, strict=False))
    department = found.get("department", "")
    nested = pattern == Pattern.STRUCTURE
    way = tuple(part.strip() for part in department.split("/")) if nested else (department,)
    if len(way) > DEEPEST:
        raise Refused({"text": f"Line {number} puts {len(way)} departments inside one another. Use at most {DEEPEST}."})
    own = {name: found.get(name, "") for name in ("project", "person", "name", "role")}
    amounts = {name: value for name, value in found.items() if name not in COLUMNS[pattern] and value}
    return Line(number, way if department else (), amounts=amounts, **own)
