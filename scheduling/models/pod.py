from django.db import models
from django.db.models import Q

from portal.fields import AsciiField
from quotas.models import Node, Pool

from .sub_group import SubGroup
from .workload import Workload


class Pod(models.Model):
    """A pod of ours as the cluster has it now. Written by the observer alone; a pod that is gone has no row."""

    class Phase(models.IntegerChoices):
        PENDING = 1, "waiting"
        STARTING = 2, "starting"
        RUNNING = 3, "running"
        STOPPING = 4, "stopping"
        SUCCEEDED = 5, "completed"
        FAILED = 6, "failed"

    uid = AsciiField(max_length=64)
    sub_group = models.ForeignKey(SubGroup, models.CASCADE, related_name="pods")
    workload = models.ForeignKey(Workload, models.CASCADE, related_name="pods")
    pool = models.ForeignKey(Pool, models.SET_NULL, null=True, related_name="+")
    """The pool its label names."""
    charged_pool = models.ForeignKey(Pool, models.SET_NULL, null=True, related_name="+")
    """The pool whose node it was bound to, at that time; it stays charged there."""
    node = models.ForeignKey(Node, models.SET_NULL, null=True, related_name="pods")
    name = AsciiField(max_length=253)
    phase = models.PositiveSmallIntegerField(choices=Phase, default=Phase.PENDING)
    message = models.CharField(max_length=500, blank=True)
    devices = AsciiField(max_length=80, blank=True)
    """Numbers of the GPUs it holds, between commas."""
    device_milli = models.PositiveSmallIntegerField(default=1000)
    """Of each of them: its sub-group's share, or the part that its GPU memory is of the GPUs of its node."""
    created_at = models.DateTimeField()
    bound_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["pool"], condition=Q(phase__lte=4), name="pod_live_pool"),
            models.Index(fields=["node"], condition=Q(phase__lte=4), name="pod_live_node"),
        ]
        constraints = [models.UniqueConstraint(fields=["uid"], name="pod_uid")]

    def __str__(self) -> str:
        return self.name
