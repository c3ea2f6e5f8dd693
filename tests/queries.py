"""How many queries a page needs must not depend on how many rows it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


def queries_of(client: Client, url: str) -> list[str]:
    """The SQL of one warm GET of `url`."""
    client.get(url)  # what is read once a process (content types, templates) is not the page's
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    assert response.status_code == 200, f"{url}: {response.status_code}"
    return [query["sql"] for query in captured.captured_queries]


def assert_same_queries(client: Client, url: str, few: Callable[[], object], many: Callable[[], object]) -> int:
    """Calls `few` (makes the first rows), then `many` (adds the rest). The page's queries, returned, must not grow."""
    few()
    before = queries_of(client, url)
    many()
    after = queries_of(client, url)
    if len(before) != len(after):
        most = Counter(sql.split(" WHERE ")[0][:160] for sql in after).most_common(3)
        raise AssertionError(f"{url}: {len(before)} queries with few rows, {len(after)} with many; most often {most}")
    return len(after)
