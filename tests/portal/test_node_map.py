"""The node map: squares, words, and what stands in for too many nodes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from django.template import engines

from portal.node_map import Device, NodeCell, free_histogram

FULL, FREE, SHARED = Device(inside=1000), Device(), Device(inside=500, over=250)


def drawn(nodes: list[NodeCell]) -> str:
    return engines["django"].from_string("{% node_map nodes %}").render({"nodes": nodes})


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (NodeCell(name="a100-13", devices=(FULL,) * 7 + (FREE,)), "a100-13: 7 of 8 in use"),
        (NodeCell(name="t4-04", devices=(FULL, SHARED)), "t4-04: 1.75 of 2 in use"),
        (NodeCell(name="a100-07", devices=(FULL,) * 8, ready=False), "a100-07: not ready"),
        (NodeCell(name="cpu-1", cpu_used=8_000, cpu_total=64_000), "cpu-1: 8 of 64 cores in use"),
    ],
)
def test_label(node: NodeCell, words: str) -> None:
    assert node.label() == words
    assert f'aria-label="{words}"' in drawn([node])


def test_a_share_fills_its_square_from_below() -> None:
    rects = ElementTree.fromstring(NodeCell(name="n", devices=(SHARED,)).svg(rows=1)).findall("rect")
    assert [rect.attrib["class"] for rect in rects] == ["bar-free", "bar-guaranteed", "bar-over"]
    used = [(float(rect.attrib["y"]), float(rect.attrib["height"])) for rect in rects[1:]]
    assert used == [(3.5, 3.5), (1.75, 1.75)]


def test_a_node_without_gpus_and_without_known_size_is_drawn_empty() -> None:
    assert "bar-guaranteed" not in NodeCell(name="n", cpu_used=5).svg()


@pytest.mark.parametrize(("number", "dense", "table"), [(60, False, False), (61, True, False), (601, False, True)])
def test_more_nodes_get_less_room(number: int, dense: bool, table: bool) -> None:
    html = drawn([NodeCell(name=f"n-{n}", devices=(FULL, FREE)) for n in range(number)])
    assert ("node-map-dense" in html) == dense
    assert ("<table" in html) == table


def test_histogram_counts_nodes_by_whole_free_gpus() -> None:
    nodes = [NodeCell(name=str(n), devices=(FREE,) * 2 if n else (SHARED, FREE)) for n in range(3)]
    assert free_histogram([*nodes, NodeCell(name="lost", devices=(FREE,), ready=False)]) == [(2, 2), (1, 1), (0, 1)]


def test_names_from_clusters_are_escaped() -> None:
    assert "<script>" not in drawn([NodeCell(name="<script>", devices=(FULL,))])
