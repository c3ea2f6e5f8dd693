from django.db import models

from orgs.models import OrgUnit
from portal.fields import AsciiField
from quotas.models import Pool

from .workload import Workload


class WaitClass(models.Model):
    """Why workloads of one project that ask for the same wait in a pool. Its numbers change once, not once a workload.

    Equal workloads may wait for different reasons: room may be kept for the first of them only.
    """

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    project = models.ForeignKey(OrgUnit, models.CASCADE, related_name="+")
    request_class = models.PositiveBigIntegerField()
    code = AsciiField(max_length=40)
    numbers = models.JSONField(default=dict)
    as_of = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "project", "request_class", "code"], name="wait_class_once")
        ]

    def __str__(self) -> str:
        return self.code


class Waiting(models.Model):
    """A workload that waits, and the class whose reason it shares."""

    workload = models.OneToOneField(Workload, models.CASCADE, primary_key=True, related_name="waiting")
    wait_class = models.ForeignKey(WaitClass, models.CASCADE, related_name="waiting")
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.workload_id} waits"
