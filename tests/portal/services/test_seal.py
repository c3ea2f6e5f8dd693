"""Seals: one worker at a time, chained, and what is late is in the next."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.db.models.functions import Now
from django.utils import timezone

from portal import background, digests
from portal.actor import SYSTEM
from portal.models import AuditEvent, AuditSeal, Lease
from portal.selectors.audit_check import audit_check
from portal.services import seal as sealing
from portal.services.audit import audit_record
from portal.services.audit_purge import audit_purge
from portal.services.seal import LEASE, Sealer, seal_forever

pytestmark = pytest.mark.django_db(transaction=True)


def act(number: int = 1) -> None:
    for _ in range(number):
        audit_record(actor=SYSTEM, action="create", entity="thing", unit=None)


def test_seals_follow_one_another() -> None:
    sealer = Sealer("a")
    act(3)
    assert sealer.step() == 3
    assert sealer.step() == 0, "nothing new, no seal"
    act(2)
    assert sealer.step() == 2
    first, second = AuditSeal.objects.order_by("number")
    assert (first.number, first.rows, first.previous) == (1, 3, "")
    assert (second.number, second.rows, second.previous) == (2, 2, first.digest)
    assert all(digests.fits(digests.SEAL, vars(seal)) for seal in (first, second))
    assert set(AuditEvent.objects.values_list("seal").annotate(Count("id"))) == {(1, 3), (2, 2)}


def test_many_events_are_sealed_in_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST", 4)
    act(9)
    assert Sealer("a").step() == 9
    assert list(AuditSeal.objects.order_by("number").values_list("rows", flat=True)) == [4, 4, 1]
    assert audit_check().problems == []


def test_another_worker_waits_and_takes_over_when_the_first_is_gone() -> None:
    dead, other = Sealer("a"), Sealer("b")
    act()
    assert (dead.step(), other.step()) == (1, 0)
    act()
    assert other.step() == 0, "the lease is the first's"
    seconds = settings.CALL_TIMEOUT_SECONDS + 1
    Lease.objects.filter(name=LEASE).update(expires_at=Now() - timedelta(seconds=seconds))
    assert other.step() == 1
    act()
    assert dead.step() == 0, "back from the dead, it writes nothing"
    assert other.step() == 1
    other.release()
    act()
    assert dead.step() == 1
    assert audit_check().problems == []


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="one writer at a time: nothing commits late on SQLite")
def test_what_commits_late_is_under_the_next_seal() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            act()
            begun.set()
            go_on.wait(5)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    begun.wait(5)
    act()
    sealer = Sealer("a")
    assert sealer.step() == 1
    go_on.set()
    thread.join()
    assert sealer.step() == 1
    assert list(AuditEvent.objects.order_by("id").values_list("seal", flat=True)) == [2, 1]
    assert audit_check().problems == []


def test_writers_and_sealers_at_once_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "SECONDS", 0.05)
    stop = threading.Event()
    sealers = [threading.Thread(target=seal_forever, args=(stop,)) for _ in range(2)]
    written = []

    def write() -> None:
        for _ in range(25):
            act()
            written.append(1)
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for thread in [*sealers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    deadline = time.monotonic() + 10
    while AuditEvent.objects.filter(seal=None).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    for thread in sealers:
        thread.join()
    check = audit_check()
    assert (check.problems, check.events, check.unsealed) == ([], len(written), 0)
    assert len(written) == 100
    assert Lease.objects.get(name=LEASE).holder == "", "given back"


def test_every_worker_with_loops_seals() -> None:
    assert background.targets()["audit"] is seal_forever


def test_what_is_old_enough_goes_and_the_rest_can_be_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.services.audit_purge.BATCH", 2)
    sealer = Sealer("a")
    for _ in range(3):
        act(3)
        sealer.step()
    assert audit_purge() == 0
    soon = timezone.now() + timedelta(days=settings.AUDIT_DAYS)
    act(1)
    later = AuditSeal.objects.get(number=2).at + timedelta(days=settings.AUDIT_DAYS, microseconds=1)
    assert audit_purge(later) == 6
    sealer.step()
    check = audit_check()
    assert (check.problems, check.purged_to, check.seals, check.events) == ([], 2, 4, 5)
    purge = AuditEvent.objects.get(action="purge")
    assert (purge.entity_id, purge.entity_name, purge.after) == (2, "seal 2", {"events": 6})
    assert audit_purge(later) == 0, "nothing to do, and no event about it"
    assert audit_purge(soon + timedelta(hours=1)) == 5, "with the event about the purge before"
    assert (audit_check().problems, audit_check().events) == ([], 1)
