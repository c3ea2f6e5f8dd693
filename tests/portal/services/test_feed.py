"""The change feed has no gaps, in whatever order transactions commit."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from portal.models import Change, Feed
from portal.selectors.feed import Missed, News, feed_read, feed_seq
from portal.services import feed
from portal.services.feed import KEPT, feed_purge, feed_tell
from tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def tell(cluster: int = 1, **told: object) -> None:
    with transaction.atomic():
        feed_tell(cluster=cluster, **told)  # type: ignore[arg-type]


def test_what_was_told_is_read_once() -> None:
    assert feed_read(1, 0) == News(0)
    tell(config=True)
    tell(nodes=True, workloads=[3, 1, 3])
    tell(workloads=[2])
    tell(cluster=2, config=True)
    assert feed_read(1, 0) == News(3, config=True, nodes=True, workloads=frozenset({1, 2, 3}))
    assert feed_read(1, 2) == News(3, workloads=frozenset({2}))
    assert feed_read(1, 3) == News(3)
    assert (feed_seq(1), feed_seq(2), feed_seq(3)) == (3, 1, 0)


def test_telling_nothing_takes_no_number() -> None:
    tell(workloads=[])
    assert feed_seq(1) == 0


def test_what_is_rolled_back_was_never_told() -> None:
    with transaction.atomic():
        feed_tell(cluster=1, config=True)
        transaction.set_rollback(True)
    tell(nodes=True)
    assert feed_read(1, 0) == News(1, nodes=True)


def test_it_is_told_in_the_transaction_of_the_change() -> None:
    with pytest.raises(transaction.TransactionManagementError, match="in the transaction"):
        feed_tell(cluster=1, config=True)
    assert feed_seq(1) == 0


def test_too_many_workloads_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_NAMED", 2)
    tell(workloads=[1, 2])
    assert feed_read(1, 0).workloads == {1, 2}
    tell(workloads=[1, 2, 3])
    tell(workloads=[4])
    assert feed_read(1, 0).workloads is None
    tell(workloads=None)
    assert feed_read(1, 3).workloads is None


def test_who_comes_too_late_is_told_to_read_everything() -> None:
    for _ in range(3):
        tell(config=True)
    Change.objects.filter(seq__lte=2).update(at=timezone.now() - KEPT - timedelta(seconds=1))
    assert feed_purge() == 2
    assert feed_read(1, 2) == News(3, config=True)
    with pytest.raises(Missed):
        feed_read(1, 1)
    Change.objects.all().delete()
    with pytest.raises(Missed):
        feed_read(1, 2)
    assert feed_read(1, 3) == News(3)
    Feed.objects.all().delete()
    with pytest.raises(Missed):
        feed_read(1, 3)


def test_writers_at_once_leave_no_gap_for_a_reader() -> None:
    """Each number is visible only when all before it are, also to who reads meanwhile."""
    seen: list[int] = []
    done = threading.Event()

    def write(writer: int) -> None:
        for number in range(15):
            with transaction.atomic():
                feed_tell(cluster=1, workloads=[writer * 100 + number])

    def read() -> None:
        since = 0
        while True:
            is_last = done.is_set()
            news = feed_read(1, since)
            assert news.workloads is not None
            seen.extend(news.workloads)
            since = news.seq
            if is_last:
                return

    reader_raised: list[Exception] = []
    reader = threading.Thread(target=lambda: reader_raised.extend(at_once(read)))
    reader.start()
    assert at_once(*[lambda writer=writer: write(writer) for writer in range(4)]) == []
    done.set()
    reader.join(30)
    assert reader_raised == []
    assert sorted(seen) == sorted(writer * 100 + number for writer in range(4) for number in range(15))
    assert feed_seq(1) == 60


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="one writer at a time: nothing commits late on SQLite")
def test_what_commits_late_has_the_later_number() -> None:
    """The second writer waits for the first, so nobody sees its number without the other's."""
    told, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            feed_tell(cluster=1, workloads=[1])
            told.set()
            go_on.wait(5)
        connection.close()

    def fast() -> None:
        tell(workloads=[2])
        connection.close()

    threads = [threading.Thread(target=slow), threading.Thread(target=fast)]
    threads[0].start()
    told.wait(5)
    threads[1].start()
    assert feed_read(1, 0) == News(0), "neither is visible before the first has committed"
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert list(Change.objects.order_by("seq").values_list("ids", flat=True)) == [[1], [2]]
