from django.db import models

from portal.fields import AsciiField

from .workload import Workload


class SubGroup(models.Model):
    """Pods of a workload that ask for the same; so many of them must start together."""

    workload = models.ForeignKey(Workload, models.CASCADE, related_name="sub_groups")
    name = AsciiField(max_length=40)
    min_members = models.PositiveIntegerField()
    wanted = models.PositiveIntegerField()
    devices = models.PositiveSmallIntegerField(default=0)
    """GPUs of one node that each pod asks for; 0 = work without GPU."""
    device_milli = models.PositiveSmallIntegerField(default=1000)
    """Of each of them."""
    gpu_memory_mib = models.PositiveIntegerField(default=0)
    """Instead of `device_milli`: a share of each of them that has so much memory, whatever part that is."""
    cpu_millicores = models.BigIntegerField()
    memory_bytes = models.BigIntegerField()
    placement = models.JSONField(default=dict)
    """`nodes`: labels that a node must have, key to value; `tolerations`: as in Kubernetes. Either may be missing."""
    done = models.PositiveIntegerField(default=0)
    """So many of its pods have done their part, as the object that makes them counts: also those that are gone. The
    observer's."""
    request_class = models.PositiveBigIntegerField()
    """Equal for workloads that ask for the same in the same way; they wait for the same reason."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workload", "name"], name="sub_group_name")]

    def __str__(self) -> str:
        return self.name
