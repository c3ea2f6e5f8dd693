"""Seals the audit log: every few seconds, one worker at a time, each seal chained to the one before."""

from __future__ import annotations

import os
import socket
import threading
import uuid

import structlog
from django.db import connection
from django.utils import timezone

from portal import digests
from portal.models import AuditEvent, AuditSeal
from portal.services.lease import LeaseLost, fenced, lease_release, lease_take

LEASE = "audit:seal"
SECONDS = 3.0
"""Between two looks; less than the lease lasts."""
MOST = 500
"""Events under one seal, and rows in one transaction."""
log = structlog.get_logger()


def seal_forever(stop: threading.Event) -> None:
    """The background target of a worker: seals while it holds the lease, and waits for it while another does."""
    sealer = Sealer(f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")
    try:
        while not stop.is_set():
            sealer.step()
            stop.wait(SECONDS)
        sealer.release()
    finally:
        connection.close()


class Sealer:
    """One worker's part in sealing."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.epoch: int | None = None

    def step(self) -> int:
        """Seals what has no seal yet, if the lease is this worker's or free. Returns how many events."""
        if self.epoch is None:
            taken = lease_take(name=LEASE, holder=self.holder)
            if taken is None:
                return 0
            self.epoch = taken.epoch
        sealed = 0
        try:
            while True:
                with fenced(name=LEASE, epoch=self.epoch, cycle=0):
                    number = seal_next()
                sealed += number
                if number < MOST:
                    return sealed
        except LeaseLost:
            self.epoch = None
            return sealed

    def release(self) -> None:
        if self.epoch is not None:
            lease_release(name=LEASE, epoch=self.epoch)


def seal_next() -> int:
    """One seal over the events that have none, by id, at most MOST. Returns how many; without any there is no seal.

    Called in a transaction that holds the lease. What commits later, with a lower id, is simply in the next seal.
    """
    found = list(AuditEvent.objects.filter(seal=None).order_by("id").values_list("id", "digest")[:MOST])
    if not found:
        return 0
    last = AuditSeal.objects.order_by("-number").first()
    seal = AuditSeal(
        number=last.number + 1 if last else 1,
        at=timezone.now(),
        rows=len(found),
        first=found[0][0],
        last=found[-1][0],
        content=digests.content_of(digest for _, digest in found),
        previous=last.digest if last else "",
    )
    seal.digest = digests.signed(digests.SEAL, vars(seal))
    AuditSeal.objects.written([seal])
    AuditEvent.objects.filter(id__in=[pk for pk, _ in found]).sealed(seal.number)
    # Whoever keeps the logs elsewhere can prove later that this seal was there: `verify_audit --noted`.
    log.info("audit_sealed", seal=seal.number, events=seal.rows, digest=seal.digest)
    return len(found)
