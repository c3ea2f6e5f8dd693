"""Leases: who may run a loop, and the fence that keeps late writers out. All times are the database's clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from portal.models import Lease


class LeaseLost(Exception):  # noqa: N818
    """Another has taken the lease: nothing was written, and this holder is to stop."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease just taken: the epoch that fences its holder, and the last cycle of whoever held it before."""

    epoch: int
    cycle: int


def _expiry() -> Any:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _free() -> Q:
    """Never taken, released, or expired longer ago than a call may last."""
    return Q(holder="") | Q(expires_at__lt=Now() - timedelta(seconds=settings.CALL_TIMEOUT_SECONDS))


def lease_holders(*, names: Collection[str]) -> dict[str, str]:
    """Who holds each of these leases; those that are free are not named."""
    return dict(Lease.objects.filter(~_free(), name__in=names).values_list("name", "holder"))


def lease_take(*, name: str, holder: str) -> Taken | None:
    """Takes the lease if nobody holds it."""
    free = Lease.objects.filter(_free(), name=name)
    # Most of the time somebody holds it: that is found out without a write.
    if Lease.objects.filter(name=name).exists() and not free.exists():
        return None
    with transaction.atomic():
        Lease.objects.bulk_create([Lease(name=name, expires_at=Now())], ignore_conflicts=True)
        if not free.update(holder=holder, epoch=F("epoch") + 1, expires_at=_expiry(), taken_at=Now()):
            return None
        return Taken(*Lease.objects.values_list("epoch", "cycle").get(name=name))


def lease_renew(*, name: str, epoch: int, cycle: int) -> bool:
    """Makes the lease last again, at that cycle; False when it was lost."""
    held = Lease.objects.filter(name=name, epoch=epoch).exclude(holder="")
    return held.update(expires_at=_expiry(), cycle=cycle) == 1


def lease_release(*, name: str, epoch: int) -> None:
    """Gives the lease back: anybody may take it at once. Does nothing when it was lost."""
    Lease.objects.filter(name=name, epoch=epoch).update(holder="", expires_at=Now())


@contextmanager
def fenced(*, name: str, epoch: int, cycle: int) -> Iterator[None]:
    """A transaction of the lease's holder: renews first and holds the row to the end, so nobody takes it in between.

    Raises LeaseLost, and writes nothing, when another has it.
    """
    with transaction.atomic():
        if not lease_renew(name=name, epoch=epoch, cycle=cycle):
            raise LeaseLost(name)
        yield
