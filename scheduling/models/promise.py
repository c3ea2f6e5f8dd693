from django.db import models
from django.db.models import Q

from orgs.models import OrgUnit
from portal.fields import AsciiField
from quotas.models import Pool


class PromiseRecord(models.Model):
    """A time in which a project was owed guaranteed GPUs: below its quota, with work waiting that fits inside it.

    Written by the pool's loop. Kept 400 days.
    """

    project = models.ForeignKey(OrgUnit, models.CASCADE, related_name="+")
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    got = models.BooleanField(default=False)
    """It ended with the GPUs; else what was asked for, or the quota, was taken away."""
    had_gpu_milli = models.BigIntegerField()
    """When it began; so what is owed."""
    owed_gpu_milli = models.BigIntegerField()
    cause = AsciiField(max_length=40)
    """Why it waits, or waited last: the reason of its first workload in line."""
    cause_since = models.DateTimeField()
    causes = models.JSONField(default=dict)
    """Seconds by the causes before."""

    class Meta:
        indexes = [
            models.Index(fields=["asked_at"], name="promise_asked"),
            models.Index(fields=["project", "asked_at"], name="promise_project"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["pool", "project"], condition=Q(ended_at=None), name="promise_open_once")
        ]

    def __str__(self) -> str:
        return f"{self.owed_gpu_milli / 1000:g} GPUs owed to {self.project_id}"
