"""Parts that renew themselves: in place, without moving what is read, and saying when the server is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MORPH = """async ([before, after]) => {
  const { morphInner } = await import("/static/js/morph.js");
  const place = document.createElement("div");
  place.innerHTML = before;
  document.querySelector("main").replaceChildren(place);
  const kept = place.querySelector("[data-kept]");
  place.querySelector("input")?.focus();
  const next = document.createElement("template");
  next.innerHTML = after;
  morphInner(place, next.content);
  return { html: place.innerHTML.replaceAll(/>\\s+</g, "><"), same: kept === place.querySelector("[data-kept]"),
           focus: document.activeElement.id };
}"""


@pytest.fixture
def guide(live_server: Any, page: Page, sign_in: Callable[[Page, Any], None]) -> Page:
    sign_in(page, make_user())
    page.goto(f"{live_server.url}/style-guide/")
    return page


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>8 GPUs</p>", "<p>9 GPUs</p>"),
        ("<p>a</p><p>b</p>", "<p>a</p>"),
        ("<p>a</p>", "<h1>new</h1><p>a</p>"),
        ('<ul><li id="a">1</li><li id="b">2</li></ul>', '<ul><li id="b">3</li><li id="c">4</li><li id="a">1</li></ul>'),
        ('<ul><li id="a">1</li><li id="b">2</li><li id="c">3</li></ul>', '<ul><li id="c">3</li></ul>'),
        ('<ul><li id="a">1</li></ul>', "<ul><li>none</li></ul>"),
        ('<p class="x" title="t">a</p>', '<p class="y">a</p>'),
        ("<svg><rect width='2'></rect></svg>", "<svg><rect width='3'></rect><line></line></svg>"),
        ("text <b>and</b> more", "<b>and</b> other"),
        ("", "<p>first</p>"),
    ],
)
def test_the_part_becomes_what_the_server_sent(guide: Page, before: str, after: str) -> None:
    assert guide.evaluate(MORPH, [before, after])["html"] == after.replace("'", '"')


def test_rows_known_by_their_id_stay_the_same_elements(guide: Page) -> None:
    before = '<ul><li id="a">1</li><li id="b" data-kept><input id="typed"></li></ul>'
    after = '<ul><li id="new">0</li><li id="b" data-kept><input id="typed"></li></ul>'
    found = guide.evaluate(MORPH, [before, after])
    assert found["same"]
    assert found["focus"] == "typed"


def test_rows_neither_come_nor_go_nor_move_while_the_focus_is_among_them(guide: Page) -> None:
    before = '<table><tbody><tr id="a"><td><input id="typed"></td></tr><tr id="b"><td>2</td></tr></tbody></table>'
    after = '<table><tbody><tr id="c"><td>4</td></tr><tr id="b"><td>3</td></tr></tbody></table>'
    html = guide.evaluate(MORPH, [before, after])["html"]
    assert html.index('id="a"') < html.index('id="b"')
    assert 'class="gone"' in html
    assert "<td>3</td>" in html
    assert 'id="c"' not in html


def test_kept_attributes_and_open_menus_are_left_alone(guide: Page) -> None:
    before = (
        '<details open data-keep="open"><summary>s</summary></details>'
        '<details class="menu" open><summary>m</summary></details>'
    )
    after = (
        '<details data-keep="open"><summary>t</summary></details><details class="menu"><summary>n</summary></details>'
    )
    html = guide.evaluate(MORPH, [before, after])["html"]
    assert html.startswith('<details open="" data-keep="open"><summary>t')
    assert html.endswith('<details class="menu" open=""><summary>m</summary></details>')


def test_a_cell_that_is_being_edited_keeps_what_was_typed(guide: Page) -> None:
    row = '<table><tbody><tr><td id="x" class="cell%s">%s</td><td id="y" class="cell">%s</td></tr></tbody></table>'
    before, after = row % (" cell-editing", 4, 1), row % ("", 12, 2)
    html = guide.evaluate(MORPH, [before, after])["html"]
    assert ">4</td>" in html
    assert ">2</td>" in html


def test_it_renews_itself_and_says_so_in_the_bar(guide: Page) -> None:
    time = guide.locator("#live-time .num")
    before = time.inner_text()
    expect(guide.get_by_text("Live", exact=True)).to_be_visible()
    expect(time).not_to_have_text(before, timeout=12_000)


def test_lost_connection_is_said_and_recovers(guide: Page) -> None:
    banner = guide.locator("#connection")
    expect(banner).to_be_hidden()
    guide.context.set_offline(True)
    expect(banner).to_be_visible(timeout=20_000)
    expect(guide.get_by_text("Not live")).to_be_visible()
    guide.context.set_offline(False)
    guide.get_by_role("button", name="Try now").click()
    expect(banner).to_be_hidden()
    expect(guide.get_by_text("Live", exact=True)).to_be_visible()
    assert any("ERR_INTERNET_DISCONNECTED" in line for line in guide.said)  # type: ignore[attr-defined]
    guide.said.clear()  # type: ignore[attr-defined]
