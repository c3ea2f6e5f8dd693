from django.db import models
from django.db.models import Q

from quotas.models import Pool


class CycleReport(models.Model):
    """A cycle that decided something, or was saved: how long each phase took, and what came out. Kept 7 days."""

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="cycles")
    epoch = models.PositiveBigIntegerField()
    cycle = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    timings = models.JSONField(default=dict)
    """Microseconds of `snapshot`, `decide`, `record`."""
    counts = models.JSONField(default=dict)
    """`places`, `reserves`, `evicts`, `waits`."""
    served = models.JSONField(default=dict)
    """The first units that it concerned, in the order of service after it: `resource`, and `units` as lists of id,
    quota, fair share, allocated and requested amounts of it."""
    took_us = models.PositiveBigIntegerField(default=0)
    """All phases together, for sorting."""
    evicts = models.PositiveIntegerField(default=0)
    """As in the counts, for the filter."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "cycle"], name="cycle_once")]
        indexes = [
            models.Index(fields=["at"], name="cycle_at"),
            models.Index(fields=["took_us", "id"], name="cycle_took"),
            models.Index(fields=["at", "id"], condition=Q(evicts__gt=0), name="cycle_evicting"),
        ]

    def __str__(self) -> str:
        return f"cycle {self.cycle} of pool {self.pool_id}"


class PoolSample(models.Model):
    """One minute of a pool: what the charts draw. Kept 7 days."""

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="samples")
    at = models.DateTimeField()
    gpu_milli = models.BigIntegerField()
    """Of the ready nodes."""
    guaranteed_gpu_milli = models.BigIntegerField()
    over_gpu_milli = models.BigIntegerField()
    requested_gpu_milli = models.BigIntegerField()
    """Waiting."""
    pending = models.PositiveIntegerField()
    cycles = models.PositiveIntegerField(default=0)
    slowest_cycle_us = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "at"], name="sample_once")]
        indexes = [models.Index(fields=["at", "pool"], name="sample_at")]

    def __str__(self) -> str:
        return f"pool {self.pool_id} at {self.at:%H:%M}"
