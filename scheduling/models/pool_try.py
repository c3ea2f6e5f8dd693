from django.db import models
from django.utils import timezone

from orgs.models import OrgUnit
from portal.fields import AsciiField
from quotas.models import Pool

from .workload import Workload


class PoolTry(models.Model):
    """What the assigner last saw for a workload in one of its pools. Written when the code changes."""

    NOW = "now"
    AFTER_RECLAIM = "after_reclaim"
    NOT_KNOWN = "not_known"
    """Beside these: the codes of waiting reasons."""

    workload = models.ForeignKey(Workload, models.CASCADE, related_name="tries")
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    code = AsciiField(max_length=40)
    numbers = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workload", "pool"], name="pool_try_once")]

    def __str__(self) -> str:
        return f"{self.workload_id} in {self.pool_id}: {self.code}"


class PoolChoice(models.Model):
    """When a workload that waits is tried in another of its pools. No row of this: the defaults."""

    account = models.OneToOneField(OrgUnit, models.CASCADE, related_name="+")
    wait_seconds = models.PositiveIntegerField(default=60)
    """So long it waits in a pool before another is tried."""
    most_moves = models.PositiveSmallIntegerField(default=3)
    """So often it goes to a pool that it prefers less; 0 = each stays in its first pool."""
    version = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"after {self.wait_seconds} s, {self.most_moves} times"

    @classmethod
    def current(cls) -> "PoolChoice":
        """As it is set, else as it is where nobody has."""
        return cls.objects.first() or cls()
