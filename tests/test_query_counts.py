"""How many queries each page needs: the baseline is `tests/query_counts.json`, so that a rise shows in the diff.

`BURSAR_UPDATE_COUNTS=1` writes it anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from tests.api_lines import ENDPOINTS
from tests.factories import signed_in
from tests.queries import queries_of
from tests.test_url_matrix import LINES
from tests.world import make_world

pytestmark = pytest.mark.django_db

BASELINE = Path(__file__).with_name("query_counts.json")


def test_no_page_needs_more_queries_than_its_baseline() -> None:
    world = make_world()
    client = signed_in(world.people["admin"])
    counts = {
        line.name: len(queries_of(client, reverse(line.name, kwargs=line.arguments(world))))
        for line in LINES
        if line.status("SA") == 200
    }
    counts |= {
        endpoint.name: len(queries_of(client, f"{reverse(endpoint.name, kwargs=endpoint.arguments(world))}{asked}"))
        for endpoint in ENDPOINTS
        if "get" in endpoint.answers
        for asked in [f"?{urlencode(endpoint.data['get'](world))}" if "get" in endpoint.data else ""]
    }
    if os.environ.get("BURSAR_UPDATE_COUNTS"):
        BASELINE.write_text(json.dumps(counts, indent=2, sort_keys=True) + "\n")
    baseline = json.loads(BASELINE.read_text())
    assert {name: count for name, count in counts.items() if count > baseline.get(name, 0)} == {}
    assert baseline.keys() == counts.keys(), "the baseline lists other pages: write it anew"
