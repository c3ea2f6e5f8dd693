from django.db import models
from django.db.models import Q
from django.utils import timezone

from orgs.models import OrgUnit
from portal.fields import AsciiField

from .pool import Pool


class Node(models.Model):
    """A machine of a cluster as last observed, and the pool it lies in."""

    class State(models.IntegerChoices):
        READY = 1, "ready"
        NOT_READY = 2, "not ready"

    cluster = models.ForeignKey(OrgUnit, models.CASCADE, related_name="nodes")
    pool = models.ForeignKey(Pool, models.RESTRICT, related_name="nodes")
    conflict = models.ForeignKey(Pool, models.SET_NULL, null=True, related_name="+")
    """Another pool that its labels match, too: until that is mended it takes nothing new."""
    uid = AsciiField(max_length=64)
    name = AsciiField(max_length=253)
    state = models.PositiveSmallIntegerField(choices=State, default=State.READY)
    state_since = models.DateTimeField(default=timezone.now)
    schedulable = models.BooleanField(default=True)
    """Not cordoned."""
    gpu_type = models.CharField(max_length=80, blank=True)
    gpu_count = models.PositiveIntegerField(default=0)
    gpu_memory_bytes = models.BigIntegerField(default=0)
    """Of one GPU."""
    cpu_millicores = models.BigIntegerField(default=0)
    memory_bytes = models.BigIntegerField(default=0)
    pod_slots = models.PositiveIntegerField(default=110)
    foreign_gpu_milli = models.BigIntegerField(default=0)
    foreign_cpu_millicores = models.BigIntegerField(default=0)
    foreign_memory_bytes = models.BigIntegerField(default=0)
    foreign_pods = models.PositiveIntegerField(default=0)
    """What pods of other schedulers and DaemonSets take: room, but nobody's quota."""
    labels = models.JSONField(default=dict)
    taints = models.JSONField(default=list)
    conditions = models.JSONField(default=list)
    """What its kubelet says of it: `type`, `status`, `reason`, `message`, `since` of each."""
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], condition=Q(removed_at=None), name="node_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def takes_work(self) -> bool:
        """Whether something new may start on it."""
        return self.state == self.State.READY and self.schedulable and self.conflict_id is None
