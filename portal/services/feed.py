"""The change feed: what has changed in a cluster, without gaps, for loops that keep what they have read.

A writer tells it as the last thing of its transaction. The row of the stream stays locked until the commit, so numbers
become visible in their order and none is missed; with it the loops are woken. `portal.selectors.feed` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from portal.models import Change, Feed
from portal.services.purge import rows_purge
from portal.wake import wake_on_commit

KEPT = timedelta(hours=1)
MOST_NAMED = 5000
"""More workloads than these are not named: everything is read again."""


def stream_of(cluster: int) -> str:
    return f"cluster:{cluster}"


def feed_tell(*, cluster: int, config: bool = False, nodes: bool = False, workloads: Iterable[int] | None = ()) -> bool:
    """Says what the transaction has changed in a cluster (id). `workloads`: ids; None = any of them. False: nothing."""
    ids = None if workloads is None else sorted(set(workloads))
    told = [what for what, is_told in ((Change.What.CONFIG, config), (Change.What.NODES, nodes)) if is_told]
    if ids is None or ids:
        told.append(Change.What.WORKLOADS)
    if not told:
        return False
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("What changed is told in the transaction that changes it.")
    stream = stream_of(cluster)
    seq = _next(stream)
    named = None if ids is None or len(ids) > MOST_NAMED else ids
    Change.objects.bulk_create(
        Change(stream=stream, seq=seq, what=what, ids=named if what == Change.What.WORKLOADS else None) for what in told
    )
    wake_on_commit()
    return True


def _next(stream: str) -> int:
    table = connection.ops.quote_name(Feed._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (stream, seq) VALUES (%s, 1) "  # noqa: S608
            f"ON CONFLICT (stream) DO UPDATE SET seq = {table}.seq + 1 RETURNING seq",
            [stream],
        )
        seq: int = cursor.fetchone()[0]
    return seq


def feed_purge() -> int:
    """Removes what is older than an hour: who has not read it by then reads everything. Returns how many rows."""
    return rows_purge(rows=Change.objects.filter(at__lt=timezone.now() - KEPT))
