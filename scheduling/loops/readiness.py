"""Whether every loop that has to run, runs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.models import Lease

from .wanted import wanted_leases


def leases_ready() -> dict[str, Any]:
    """All wanted leases are held and were renewed within the time that a lease lasts; a loop renews with its cycles."""
    rows = {
        name: (holder, expires_at)
        for name, holder, expires_at in Lease.objects.values_list("name", "holder", "expires_at")
    }
    now = timezone.now()
    ages: dict[str, float] = {}
    missing = []
    for wanted in wanted_leases():
        holder, expires_at = rows.get(wanted.lease, ("", now))
        if not holder:
            missing.append(wanted.lease)
            continue
        # The database's clock wrote it; a small difference to ours shows as a small negative age.
        ages[wanted.lease] = max(round((now - expires_at).total_seconds() + settings.LEASE_SECONDS, 1), 0.0)
    late = [lease for lease, age in ages.items() if age > settings.LEASE_SECONDS]
    return {"ok": not (missing or late), "seconds_since_cycle": ages, "late": late, "not_held": missing}
