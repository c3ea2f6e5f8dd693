from django.db import models

from orgs.models import OrgUnit

from .pool import Pool


class UsageHour(models.Model):
    """How a unit stood in one hour, all below it included: level times seconds. Written by the pool's loop.

    Levels change at whole seconds only, so nothing is rounded. Memory counts in MiB: an hour of bytes of a large pool
    does not fit into 63 bits.
    """

    unit = models.ForeignKey(OrgUnit, models.CASCADE, related_name="+")
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    """The full hour at which it begins."""
    gpu_milli_seconds = models.BigIntegerField(default=0)
    cpu_millicore_seconds = models.BigIntegerField(default=0)
    memory_mib_seconds = models.BigIntegerField(default=0)
    """Allocated."""
    over_gpu_milli_seconds = models.BigIntegerField(default=0)
    """Of it over quota."""
    idle_gpu_milli_seconds = models.BigIntegerField(default=0)
    """Guaranteed and not used."""
    waiting_gpu_milli_seconds = models.BigIntegerField(default=0)
    """Asked for by what waited."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "at", "unit"], name="usage_hour_once")]
        indexes = [models.Index(fields=["at"], name="usage_hour_at")]

    def __str__(self) -> str:
        return f"unit {self.unit_id} in pool {self.pool_id}, {self.at:%d %b %H} h"


class CapacityHour(models.Model):
    """What the ready nodes of a pool had to give in one hour, in the same measure."""

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    gpu_milli_seconds = models.BigIntegerField(default=0)
    cpu_millicore_seconds = models.BigIntegerField(default=0)
    memory_mib_seconds = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "at"], name="capacity_hour_once")]
        indexes = [models.Index(fields=["at"], name="capacity_hour_at")]

    def __str__(self) -> str:
        return f"pool {self.pool_id}, {self.at:%d %b %H} h"
