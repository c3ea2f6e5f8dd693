from django.db import models
from django.db.models import Q

from orgs.models import OrgUnit, Subject
from portal.fields import AsciiField
from quotas.models import Pool

from .workload import Workload


class Allocation(models.Model):
    """Who held what, where and when: a workload on a node, at one level. Written by the pool's loop.

    Cut at each week's start, so that one moment is in one week. Times are whole seconds, the same as those of
    `UsageHour`, so that both add up to the same. What it names may be gone.
    """

    workload = models.ForeignKey(Workload, models.DO_NOTHING, db_constraint=False, related_name="+")
    project = models.ForeignKey(OrgUnit, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    pool = models.ForeignKey(Pool, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    submitted_by = models.ForeignKey(
        Subject, models.DO_NOTHING, db_constraint=False, null=True, related_name="+", db_index=False
    )
    node = models.BigIntegerField()
    """0 = one that is gone."""
    gpu_milli = models.BigIntegerField()
    cpu_millicores = models.BigIntegerField()
    memory_bytes = models.BigIntegerField()
    pods = models.PositiveIntegerField()
    week = models.DateField()
    """The Monday of the week in which all of it lies."""
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_code = AsciiField(max_length=40, blank=True)
    """Why it was stopped (the code of the eviction); empty where it came to its end, or goes on in another row."""

    class Meta:
        indexes = [
            models.Index(fields=["week", "pool"], name="allocation_week"),
            models.Index(fields=["ended_at"], name="allocation_ended"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "workload", "node"], condition=Q(ended_at=None), name="allocation_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.gpu_milli / 1000:g} GPUs of node {self.node} for {self.workload_id}"
