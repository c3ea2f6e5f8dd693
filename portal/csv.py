"""Tables as files that spreadsheets open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse


def csv_response(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A download called `name`."""
    return HttpResponse(
        csv_text([head, *rows]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows of a table; numbers stay numbers, texts are made harmless."""
    text = io.StringIO()
    csv.writer(text).writerows([_plain(value) if isinstance(value, str) else value for value in row] for row in rows)
    return text.getvalue()


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
