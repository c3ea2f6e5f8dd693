"""One row a minute and pool: what the charts draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F
from django.db.models.functions import Greatest

from scheduling.models import PoolSample

from .cycle import Cycle
from .summary import summary_values


@dataclass(frozen=True, slots=True)
class SampleChange:
    pool: int
    at: datetime
    cycles: int
    slowest_us: int
    values: dict[str, Any]

    def write(self) -> None:
        """Adds to the row of the minute, which a former holder may have begun."""
        rows = PoolSample.objects.filter(pool=self.pool, at=self.at)
        counts = {
            "cycles": F("cycles") + self.cycles,
            "slowest_cycle_us": Greatest("slowest_cycle_us", self.slowest_us),
        }
        if not rows.update(**self.values, **counts):
            PoolSample.objects.create(
                pool_id=self.pool, at=self.at, cycles=self.cycles, slowest_cycle_us=self.slowest_us, **self.values
            )


class Samples:
    """Counts one loop's cycles. The first one is written at once, so that a chart begins with the pool."""

    def __init__(self) -> None:
        self._minute: datetime | None = None
        self._cycles = 0
        self._slowest_us = 0

    def due(self, cycle: Cycle) -> SampleChange | None:
        """Counts the cycle; in the first one of a minute, the row to write."""
        self._cycles += 1
        self._slowest_us = max(self._slowest_us, sum(cycle.timings.values()))
        minute = cycle.at.replace(second=0, microsecond=0)
        if minute == self._minute:
            return None
        values = summary_values(cycle)
        change = SampleChange(
            cycle.pool,
            minute,
            self._cycles,
            self._slowest_us,
            {
                "gpu_milli": values["gpu_milli"],
                "guaranteed_gpu_milli": values["allocated_gpu_milli"] - values["over_gpu_milli"],
                "over_gpu_milli": values["over_gpu_milli"],
                "requested_gpu_milli": values["requested_gpu_milli"],
                "pending": values["pending"],
            },
        )
        self._minute, self._cycles, self._slowest_us = minute, 0, 0
        return change
