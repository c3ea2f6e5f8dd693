from django.db import models

from orgs.models import OrgUnit
from portal.fields import AsciiField


class UntakenPod(models.Model):
    """A pod that was made for Bursar to place, and is nobody's workload. Written by the observer alone; it has a row
    while it waits, so that it can be told why."""

    cluster = models.ForeignKey(OrgUnit, models.CASCADE, related_name="+")
    uid = AsciiField(max_length=64)
    namespace = AsciiField(max_length=63)
    name = AsciiField(max_length=253)
    reason = AsciiField(max_length=40)
    """One word."""
    message = models.CharField(max_length=500)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "uid"], name="untaken_pod_uid")]

    def __str__(self) -> str:
        return self.name
