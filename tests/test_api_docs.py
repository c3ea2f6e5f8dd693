"""Every example of docs/api.md, in its order: lines of method and address, headers, a body, and the status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache

from tests.factories import make_key, with_key
from tests.world import make_world

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
EXAMPLE = re.compile(r"^    (GET|POST|PATCH|DELETE) (\S+)\n((?:    .+\n)*?)    (\d{3})$", re.MULTILINE)


def examples() -> Iterator[tuple[str, str, dict[str, str], str, int]]:
    for method, url, rest, status in EXAMPLE.findall(PAGE.read_text()):
        lines = [line.strip() for line in rest.splitlines()]
        body = next((line for line in lines if line.startswith("{")), "")
        headers = dict(line.split(": ", 1) for line in lines if not line.startswith("{"))
        yield method, url, headers, body, int(status)


def test_every_example_answers_as_the_page_says() -> None:
    world = make_world()
    cache.clear()
    client = with_key(make_key(world.people["admin"]))
    names = {name: getattr(world, name).pk for name in ("account", "department", "project", "pool", "workload")}
    found = list(examples())
    assert len(found) == PAGE.read_text().count("\n    GET ") + PAGE.read_text().count("\n    P") + 1
    for method, url, headers, body, status in found:
        for name, pk in names.items():
            url, body = url.replace(f"{{{name}}}", str(pk)), body.replace(f"{{{name}}}", str(pk))
        answer = client.generic(method, url, body, content_type="application/json", headers=headers)
        assert answer.status_code == status, f"{method} {url}: {answer.content.decode()}"
