from django.db import models
from django.utils import timezone

from orgs.models import Subject
from portal.fields import AsciiField
from quotas.models import Pool


class SavedCycle(models.Model):
    """A cycle kept with all that it looked at, so that it can be decided once more. A wish until the loop wrote it."""

    class Cause(models.IntegerChoices):
        ASKED = 1, "asked"
        SLOW = 2, "slow"
        ERROR = 3, "error"

    class State(models.IntegerChoices):
        WANTED = 1, "wanted"
        SAVED = 2, "saved"
        FAILED = 3, "not saved"

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="saved_cycles")
    cause = models.PositiveSmallIntegerField(choices=Cause)
    state = models.PositiveSmallIntegerField(choices=State, default=State.WANTED)
    deciding = models.BooleanField(default=False)
    """Wanted is the next cycle that decides something, not just the next."""
    asked_by = models.ForeignKey(Subject, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    epoch = models.PositiveBigIntegerField(null=True)
    cycle = models.PositiveBigIntegerField(null=True)
    at = models.DateTimeField(null=True)
    """Of the cycle."""
    content = models.BinaryField(null=True)
    """As `scheduling.cycle_file` packs it."""
    size = models.PositiveBigIntegerField(default=0)
    """Of the content, in bytes."""
    digest = AsciiField(max_length=64, blank=True)
    """SHA-256 of the content."""
    problem = models.CharField(max_length=500, blank=True)
    """What went wrong in the cycle; of one that was not saved, why."""
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["pool", "id"], name="saved_cycle_pool"),
            models.Index(fields=["expires_at"], name="saved_cycle_expiry"),
        ]

    def __str__(self) -> str:
        return f"cycle {self.cycle} of pool {self.pool_id}" if self.cycle else f"next cycle of pool {self.pool_id}"
