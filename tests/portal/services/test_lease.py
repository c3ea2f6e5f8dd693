"""Leases: one holder at a time, and nothing written by a former one."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F
from django.db.models.functions import Now

from portal.actor import SYSTEM
from portal.models import AuditEvent, Lease
from portal.services.audit import audit_record
from portal.services.lease import LeaseLost, Taken, fenced, lease_release, lease_renew, lease_take

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "loop:test"


def expired_for(seconds: float) -> None:
    Lease.objects.filter(name=NAME).update(expires_at=Now() - timedelta(seconds=seconds))


def test_a_lease_has_one_holder_until_it_is_released() -> None:
    assert lease_take(name=NAME, holder="a") == Taken(1, 0)
    assert lease_take(name=NAME, holder="b") is None
    assert lease_renew(name=NAME, epoch=1, cycle=41)
    lease_release(name=NAME, epoch=1)
    assert not lease_renew(name=NAME, epoch=1, cycle=42), "released is released"
    assert lease_take(name=NAME, holder="b") == Taken(2, 41)


def test_a_silent_holder_keeps_it_until_its_last_call_must_have_ended() -> None:
    lease_take(name=NAME, holder="a")
    expired_for(settings.CALL_TIMEOUT_SECONDS - 1)
    assert lease_take(name=NAME, holder="b") is None
    expired_for(settings.CALL_TIMEOUT_SECONDS + 1)
    taken = lease_take(name=NAME, holder="b")
    assert taken is not None
    assert taken.epoch == 2
    assert settings.LEASE_SECONDS + settings.CALL_TIMEOUT_SECONDS < 14, "taken over in under 15 s"


def test_a_new_lease_lasts_as_long_as_the_settings_say() -> None:
    lease_take(name=NAME, holder="a")
    left = Lease.objects.annotate(left=F("expires_at") - Now()).values_list("left", flat=True).get(name=NAME)
    assert settings.LEASE_SECONDS - 1 < left.total_seconds() <= settings.LEASE_SECONDS


def test_who_is_late_writes_nothing() -> None:
    lease_take(name=NAME, holder="a")
    expired_for(60)
    lease_take(name=NAME, holder="b")
    with pytest.raises(LeaseLost), fenced(name=NAME, epoch=1, cycle=9):
        audit_record(actor=SYSTEM, action="late", entity=Lease(name=NAME), unit=None)
    assert not AuditEvent.objects.exists()
    with fenced(name=NAME, epoch=2, cycle=9):
        audit_record(actor=SYSTEM, action="in time", entity="lease", unit=None)
    assert Lease.objects.get(name=NAME).cycle == 9


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="a transaction of SQLite holds everybody up")
def test_a_holder_frozen_inside_a_transaction_is_cut_off() -> None:
    lease_take(name=NAME, holder="a")
    expired_for(60)
    frozen, thawed, outcome = threading.Event(), threading.Event(), []

    def freeze() -> None:
        try:
            with fenced(name=NAME, epoch=1, cycle=9):
                frozen.set()
                thawed.wait()
        except DatabaseError as problem:
            outcome.append(problem)
        connection.close()

    thread = threading.Thread(target=freeze)
    thread.start()
    frozen.wait()
    began = time.monotonic()
    assert lease_take(name=NAME, holder="b") == Taken(2, 0)
    assert time.monotonic() - began < settings.LEASE_SECONDS + 2
    thawed.set()
    thread.join()
    assert outcome, "what it wrote was taken back"


def test_an_error_in_a_fenced_block_takes_everything_back() -> None:
    lease_take(name=NAME, holder="a")
    with pytest.raises(ZeroDivisionError), fenced(name=NAME, epoch=1, cycle=9):
        audit_record(actor=SYSTEM, action="half", entity="lease", unit=None)
        raise ZeroDivisionError
    assert not AuditEvent.objects.exists()
    assert Lease.objects.get(name=NAME).cycle == 0


def test_competitors_never_hold_it_together() -> None:
    """Each adds 1 to a number by reading it, waiting, and writing it back: two at once would lose one."""
    number, epochs, overlaps = [0], [], []
    end = time.monotonic() + 2

    def compete(holder: str) -> None:
        while time.monotonic() < end:
            taken = lease_take(name=NAME, holder=holder)
            if taken is None:
                continue
            read = number[0]
            with fenced(name=NAME, epoch=taken.epoch, cycle=taken.cycle + 1):
                number[0] = read + 1
            epochs.append(taken.epoch)
            if read + 1 != number[0]:
                overlaps.append(holder)
            lease_release(name=NAME, epoch=taken.epoch)
        connection.close()

    threads = [threading.Thread(target=compete, args=(str(index),)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not overlaps
    assert len(epochs) == len(set(epochs)) == number[0] > 20
    lease = Lease.objects.get(name=NAME)
    assert (lease.epoch, lease.cycle) == (number[0], number[0])
