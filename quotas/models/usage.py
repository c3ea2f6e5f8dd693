from django.db import models
from django.utils import timezone

from orgs.models import OrgUnit

from .pool import Pool


class UnitUsage(models.Model):
    """How a cluster, department or project stands in a pool, all below it included. Written by the pool's loop."""

    unit = models.ForeignKey(OrgUnit, models.CASCADE, related_name="usages")
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="usages")
    gpu_milli = models.BigIntegerField(default=0)
    cpu_millicores = models.BigIntegerField(default=0)
    memory_bytes = models.BigIntegerField(default=0)
    """Allocated."""
    non_preemptible_gpu_milli = models.BigIntegerField(default=0)
    non_preemptible_cpu_millicores = models.BigIntegerField(default=0)
    non_preemptible_memory_bytes = models.BigIntegerField(default=0)
    requested_gpu_milli = models.BigIntegerField(default=0)
    requested_cpu_millicores = models.BigIntegerField(default=0)
    requested_memory_bytes = models.BigIntegerField(default=0)
    """Allocated plus waiting."""
    fair_gpu_milli = models.BigIntegerField(default=0)
    fair_cpu_millicores = models.BigIntegerField(default=0)
    fair_memory_bytes = models.BigIntegerField(default=0)
    over_gpu_milli = models.BigIntegerField(default=0)
    """Over quota: for a project what it has above its quota, above that the sum of the projects'."""
    idle_gpu_milli = models.BigIntegerField(default=0)
    """Guaranteed and not used, added up in the same way."""
    running = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    position = models.PositiveIntegerField(default=0)
    """Place in the order in which units are served next."""
    starving_since = models.DateTimeField(null=True)
    """Since when it is below its quota with work waiting."""
    since = models.DateTimeField(default=timezone.now)
    """Up to when the level has been added to the hours of `UsageHour`: a whole second."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "pool"], name="usage_once")]

    def __str__(self) -> str:
        return f"{self.gpu_milli / 1000:g} GPUs of {self.pool_id} in use by {self.unit_id}"


class PoolSummary(models.Model):
    """What a pool's loop last published of its pool. Written by the loop, read by pages and by Submit's live answer."""

    pool = models.OneToOneField(Pool, models.CASCADE, primary_key=True, related_name="summary")
    nodes = models.PositiveIntegerField(default=0)
    ready = models.PositiveIntegerField(default=0)
    gpu_milli = models.BigIntegerField(default=0)
    cpu_millicores = models.BigIntegerField(default=0)
    memory_bytes = models.BigIntegerField(default=0)
    """Of the ready nodes."""
    lost_gpu_milli = models.BigIntegerField(default=0)
    """Of the nodes that are not ready."""
    allocated_gpu_milli = models.BigIntegerField(default=0)
    allocated_cpu_millicores = models.BigIntegerField(default=0)
    allocated_memory_bytes = models.BigIntegerField(default=0)
    over_gpu_milli = models.BigIntegerField(default=0)
    requested_gpu_milli = models.BigIntegerField(default=0)
    """Waiting."""
    running = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    free_slots = models.JSONField(default=dict)
    """Free whole GPUs on a node -> how many ready nodes have so many; "share" -> largest free share of a GPU, milli."""
    free_nodes = models.JSONField(default=list)
    """Ready nodes that are alike and have the same free, each a list: id of one of them, free whole GPUs, largest free
    part of a shared GPU in milli, free millicores, bytes and pod slots, how many they are."""
    cycle = models.PositiveBigIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)
    """Up to when the capacity has been added to the hours of `CapacityHour`."""
    as_of = models.DateTimeField()

    def __str__(self) -> str:
        return f"pool {self.pool_id}, cycle {self.cycle}"
