"""The quota bar: order, proportions, words."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.quota_bar import QuotaBar

G = 1000
ORDER = ["bar-guaranteed", "bar-over", "bar-idle", "bar-free", "bar-lost"]


def rects(bar: QuotaBar) -> list[tuple[str, float, float]]:
    """Name, start and width in percent, in the order drawn; without the pixels added to what is tiny."""
    found = ElementTree.fromstring(bar.svg()).findall("rect")
    return [
        (rect.attrib["class"], float(rect.attrib["x"].rstrip("%")), float(rect.attrib["width"].rstrip("%")))
        for rect in found
        if rect.attrib["width"].endswith("%")
    ]


def test_used_idle_and_scale() -> None:
    assert rects(QuotaBar.of(8 * G, 12 * G, 24 * G)) == [("bar-guaranteed", 0, 33.333), ("bar-idle", 33.333, 16.667)]


def test_over_quota_follows_what_is_guaranteed_and_is_hatched() -> None:
    bar = QuotaBar.of(18 * G, 12 * G, 24 * G)
    assert rects(bar) == [("bar-guaranteed", 0, 50), ("bar-over", 50, 25)]
    assert 'class="bar-over"' in bar.svg()
    assert "url(#p-over)" in bar.svg()


def test_a_departments_over_quota_may_be_more_than_it_is_above_its_own() -> None:
    bar = QuotaBar.of(20 * G, 24 * G, 24 * G, over=4 * G)
    assert (bar.inside, bar.over, bar.idle) == (16 * G, 4 * G, 8 * G)


amounts = st.integers(0, 10**7)


@given(inside=amounts, over=amounts, idle=amounts, free=amounts, lost=amounts, waiting=amounts)
def test_segments_touch_in_one_order_and_end_inside(**quantities: int) -> None:
    drawn = rects(QuotaBar(**quantities))
    names = [name for name, _, _ in drawn]
    assert names == sorted(names, key=ORDER.index)
    at = 0.0
    for _, start, width in drawn:
        assert start == pytest.approx(at, abs=0.01)
        at = start + width
    assert at <= 100.01


@given(used=st.integers(1, 10**7), scale=st.integers(1, 10**9))
def test_something_is_never_nothing(used: int, scale: int) -> None:
    svg = QuotaBar.of(used, used, scale).svg()
    rect = ElementTree.fromstring(svg).findall("rect")
    widths = [r.attrib["width"] for r in rect]
    assert "2" in widths or float(widths[0].rstrip("%")) >= 2


def test_above_the_scale_it_is_cut_with_a_ragged_edge() -> None:
    assert "bar-cut" in QuotaBar.of(32 * G, 12 * G, 24 * G).svg()
    assert "bar-cut" not in QuotaBar.of(24 * G, 12 * G, 24 * G).svg()


def test_marks_stand_at_their_values() -> None:
    svg = QuotaBar.of(8 * G, 8 * G, 32 * G, limit=24 * G, fair_share=16 * G, waiting=4 * G).svg()
    nested = [(part.attrib["x"], part[0].attrib["class"]) for part in ElementTree.fromstring(svg).findall("svg")]
    assert nested == [("75%", "bar-limit"), ("50%", "bar-fair")]
    line = ElementTree.fromstring(svg).find("line")
    assert line is not None
    assert (line.attrib["x1"], line.attrib["x2"]) == ("25%", "37.5%")


@pytest.mark.parametrize(
    ("bar", "words"),
    [
        (QuotaBar.of(8 * G, 12 * G, waiting=14 * G), "8 of 12 guaranteed in use, 14 waiting"),
        (QuotaBar.of(18 * G, 12 * G, limit=24 * G), "12 of 12 guaranteed in use, 6 over quota, limit 24"),
        (QuotaBar.of(4 * G, 0), "4 in use, best effort"),
        (QuotaBar.of(4 * G, None), "4 in use, best effort"),
        (QuotaBar.of(0, None), "no quota set"),
        (QuotaBar(blocked=True), "blocked"),
        (
            QuotaBar(inside=94 * G, over=16 * G, free=10 * G, lost=8 * G, guaranteed=128 * G),
            "110 of 120 in use, 16 over quota, 8 not ready, guarantees add up to 128",
        ),
        (QuotaBar.of(32_000, 64_000, resource="cpu"), "32 of 64 guaranteed in use"),
        (QuotaBar.of(1024**3, 2 * 1024**3, resource="memory"), "1 GiB of 2 GiB guaranteed in use"),
    ],
)
def test_label_says_it_in_words(bar: QuotaBar, words: str) -> None:
    assert bar.label() == words
    assert f'aria-label="{words}"' in bar.svg()


def test_a_label_of_the_caller_is_escaped() -> None:
    assert "<script>" not in QuotaBar.of(1, 1).svg(label='"><script>')


def test_no_inline_style() -> None:
    assert "style=" not in QuotaBar.of(1, 2, 3, limit=3, fair_share=2, waiting=1).svg()
