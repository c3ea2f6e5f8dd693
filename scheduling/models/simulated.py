from django.db import models

from orgs.models import OrgUnit
from portal.fields import AsciiField


class SimObject(models.Model):
    """An object of a simulated cluster, as an API server would keep it. Used by the simulated gateway alone."""

    class Kind(models.IntegerChoices):
        CLOCK = 1, "clock"
        NODE = 2, "node"
        JOB = 3, "job"
        POD = 4, "pod"

    cluster = models.ForeignKey(OrgUnit, models.CASCADE, related_name="+")
    kind = models.PositiveSmallIntegerField(choices=Kind)
    uid = AsciiField(max_length=64)
    name = AsciiField(max_length=253)
    spec = models.JSONField(default=dict)
    status = models.JSONField(default=dict)
    resource_version = models.BigIntegerField(default=0)
    """Rises with every change in the cluster; of a deleted object the version of its deletion."""
    deleted = models.BooleanField(default=False)
    owner = AsciiField(max_length=64, blank=True)
    """Of a pod: the uid of its job."""
    due_ms = models.BigIntegerField(null=True)
    """When something happens to it by itself, in ms since the epoch; of a deleted object when it was deleted."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "kind", "uid"], name="sim_object_uid"),
        ]
        indexes = [
            models.Index(fields=["cluster", "resource_version"], name="sim_object_changes"),
            models.Index(fields=["cluster", "due_ms"], name="sim_object_due"),
            models.Index(fields=["cluster", "owner"], name="sim_object_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"
