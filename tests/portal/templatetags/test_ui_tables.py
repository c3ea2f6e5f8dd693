"""Heads that sort, filters, footers: their links keep what else the address says."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import engines
from django.test import RequestFactory


def drawn(template: str, address: str = "/workloads/", **context: Any) -> str:
    request = RequestFactory().get(address)
    return engines["django"].from_string(template).render(context, request)


@pytest.mark.parametrize(
    ("address", "order", "link"),
    [
        ("/workloads/", None, "?sort=name"),
        ("/workloads/?sort=name&q=a", "ascending", "?q=a&amp;sort=-name"),
        ("/workloads/?sort=-name&page=3", "descending", "?sort=name"),
        ("/workloads/?sort=gpus", None, "?sort=name"),
    ],
)
def test_sort_header(address: str, order: str | None, link: str) -> None:
    html = drawn('{% sort_header "Workload" "name" %}', address)
    assert f'href="{link}"' in html
    assert ("aria-sort" in html) == (order is not None)
    assert order is None or f'aria-sort="{order}"' in html


def test_default_order_is_shown_while_nothing_is_said() -> None:
    assert 'aria-sort="descending"' in drawn('{% sort_header "Since" "since" default="-since" %}')


def test_filter_menu_shows_what_is_chosen_and_clears_only_itself() -> None:
    options = [("waiting", "Waiting"), ("running", "Running")]
    html = drawn('{% filter_menu "Status" "status" options %}', "/?status=waiting&q=a&page=2", options=options)
    assert "<b>Waiting</b>" in html
    assert html.count(" checked") == 1
    assert 'href="?q=a"' in html


def test_footer_of_a_page() -> None:
    html = drawn("{% table_footer page %}", "/?q=a", page=Paginator(range(125), 25).page(2))
    assert "26 to 50 of 125" in html
    assert 'href="?q=a&amp;page=1"' in html
    assert 'href="?q=a&amp;page=3"' in html
    assert "2 / 5" in html


def test_footer_of_keyset_pages() -> None:
    html = drawn("{% table_footer first=1 last=25 following=way %}", "/?q=a&before=x", way={"after": "b c"})
    assert "1 to 25" in html
    assert 'href="?q=a&amp;after=b+c"' in html
    assert html.count('aria-disabled="true"') == 1


def test_what_was_typed_is_escaped_in_links_and_fields() -> None:
    html = drawn('{% search_field "Search" %}{% sort_header "N" "n" %}', '/?q="><script>')
    assert "<script>" not in html
