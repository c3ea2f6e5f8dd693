"""When all is well again: every wanted lease is held by a live worker that has done a round, and new work starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now

from portal.models import Lease, LiveWorker
from portal.services.live_worker import SILENT
from scheduling.loops.wanted import wanted_leases

from .database import patiently
from .probe import Prober

LONGEST = 180.0


@dataclass(frozen=True, slots=True)
class Recovery:
    """Of one fault. Times in seconds."""

    at: float
    """When the fault was over, since the run began."""
    fault: str
    seconds: float | None
    """From then on until all was well; None: it did not become so."""


def rounds() -> dict[str, tuple[int, int, float]]:
    """Epoch, cycle and expiry of the leases that a live worker holds: each rises with what its holder does."""
    live = LiveWorker.objects.filter(seen_at__gt=Now() - SILENT - timedelta(seconds=1)).values("holder")
    rows = Lease.objects.filter(expires_at__gt=Now(), holder__in=live)
    found = rows.values_list("name", "epoch", "cycle", "expires_at")
    return {name: (epoch, cycle, expires_at.timestamp()) for name, epoch, cycle, expires_at in found}


def all_rounds() -> dict[str, tuple[int, int, float]]:
    """The same of all leases, whoever holds them."""
    found = Lease.objects.values_list("name", "epoch", "cycle", "expires_at")
    return {name: (epoch, cycle, expires_at.timestamp()) for name, epoch, cycle, expires_at in found}


def wait_for(prober: Prober, over: float, works: Callable[[], float | None]) -> float | None:
    """Seconds from `over` (monotonic) until all is well. The probes start after it.

    `works` waits until the cluster itself does its part again, and tells when that was, or None. What passes until
    then, once Bursar has handed the probes on and can only wait, does not count.
    """
    deadline = over + LONGEST
    before = patiently(all_rounds)
    names = prober.submit_everywhere(deadline)
    handed_on = _until(lambda: _have_done_rounds(before) and prober.are_in_cluster(names), deadline)
    started = _until(lambda: prober.have_started(names), deadline)
    worked = works()
    if handed_on is None or started is None or worked is None:
        return None
    return started - over - max(0.0, worked - handed_on)


def _have_done_rounds(before: dict[str, tuple[int, int, float]]) -> bool:
    wanted = patiently(lambda: [item.lease for item in wanted_leases()])
    now = patiently(rounds)
    return all(name in now and now[name] > before.get(name, (0, 0, 0.0)) for name in wanted)


def _until(is_so: Callable[[], bool], deadline: float) -> float | None:
    """When it was (monotonic); None: not before the deadline."""
    while not is_so():
        if time.monotonic() > deadline:
            return None
        time.sleep(0.1)
    return time.monotonic()
