from django.db import models
from django.utils import timezone

from quotas.models import Pool

from .workload import Workload


class Assignment(models.Model):
    """Which pool a workload is tried in. A start is conditional on this row; the pods' label is a copy."""

    workload = models.OneToOneField(Workload, models.CASCADE, primary_key=True, related_name="assignment")
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="assignments")
    epoch = models.PositiveIntegerField(default=1)
    """Rises with every change of the pool."""
    at = models.DateTimeField(default=timezone.now)
    moves = models.PositiveIntegerField(default=0)
    """How often it went to a pool that it prefers less."""

    def __str__(self) -> str:
        return f"{self.workload_id} in {self.pool_id}"
