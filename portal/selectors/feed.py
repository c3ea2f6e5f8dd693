"""What the change feed has to tell since it was last read."""

from __future__ import annotations

from dataclasses import dataclass

from portal.models import Change, Feed
from portal.services.feed import stream_of


class Missed(Exception):  # noqa: N818
    """What came after that number is not kept any more, or was never told: read everything."""


@dataclass(frozen=True, slots=True)
class News:
    """What changed, up to and with the number `seq`."""

    seq: int
    config: bool = False
    nodes: bool = False
    workloads: frozenset[int] | None = frozenset()
    """Ids; None = any of them."""


def feed_seq(cluster: int) -> int:
    """The newest number; 0 where nothing has been told yet. Read in the same moment as what it stands for."""
    return Feed.objects.filter(pk=stream_of(cluster)).values_list("seq", flat=True).first() or 0


def feed_read(cluster: int, since: int) -> News:
    """What was told after the number `since`. Raises Missed."""
    # First, so that whatever is told meanwhile is only more than was expected.
    newest = feed_seq(cluster)
    if newest == since:
        return News(since)
    rows = Change.objects.filter(stream=stream_of(cluster), seq__gt=since).order_by("seq")
    seq = since
    told: set[int] = set()
    workloads: set[int] | None = set()
    for number, what, ids in rows.values_list("seq", "what", "ids"):
        if number > seq + 1:
            raise Missed
        seq = number
        told.add(what)
        if what == Change.What.WORKLOADS:
            workloads = None if ids is None or workloads is None else workloads.union(ids)
    if seq < newest or newest < since:
        raise Missed
    return News(
        seq,
        config=Change.What.CONFIG in told,
        nodes=Change.What.NODES in told,
        workloads=None if workloads is None else frozenset(workloads),
    )
