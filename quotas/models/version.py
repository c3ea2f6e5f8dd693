import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from orgs.models import OrgUnit

from .pool import Pool


class QuotaVersion(models.Model):
    """What a unit was given in a pool from one moment to another, and who gave it. Written with every change, kept for
    ever: without constraints on unit and pool, which it outlives."""

    unit = models.ForeignKey(OrgUnit, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    pool = models.ForeignKey(Pool, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    number = models.PositiveIntegerField()
    """Counts the changes of this unit in this pool; a row of Quota has it as its version."""
    values = models.JSONField(null=True)
    """Columns of Quota by name; None = no row, so the default access."""
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True)
    """None = holds now."""
    batch = models.UUIDField(default=uuid.uuid4)
    """What was saved together has one."""
    actor = models.BigIntegerField(null=True)
    """Subject's id; None = Bursar itself."""
    actor_name = models.CharField(max_length=254)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "pool"], condition=Q(until=None), name="quotaversion_one_open"),
        ]
        indexes = [
            models.Index(fields=["unit", "pool", "since"], name="quotaversion_cell"),
            models.Index(fields=["pool", "since"], name="quotaversion_pool"),
            models.Index(fields=["batch"], name="quotaversion_batch"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.unit_id} in {self.pool_id}"
