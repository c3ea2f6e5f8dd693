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
    cpu_millicores = models.BigIntegerField()
    memory_bytes = models.BigIntegerField()
    request_class = models.PositiveBigIntegerField()
    """Equal for workloads that ask for the same in the same way; they wait for the same reason."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workload", "name"], name="sub_group_name")]

    def __str__(self) -> str:
        return self.name
