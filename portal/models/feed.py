from django.db import models
from django.utils import timezone

from portal.fields import AsciiField


class Feed(models.Model):
    """How many transactions have changed what a stream is about: one row a cluster."""

    stream = AsciiField(max_length=40, primary_key=True)
    seq = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.stream} at {self.seq}"


class Change(models.Model):
    """What one of these transactions changed. Kept for an hour."""

    class What(models.IntegerChoices):
        CONFIG = 1, "config"
        """Tree, quotas, pools, topologies: all of them."""
        NODES = 2, "nodes"
        """Any node."""
        WORKLOADS = 3, "workloads"
        """Workloads, their pods and where they are assigned."""

    stream = AsciiField(max_length=40)
    seq = models.PositiveBigIntegerField()
    what = models.PositiveSmallIntegerField(choices=What.choices)
    ids = models.JSONField(null=True)
    """Of the workloads; null: too many to name."""
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "seq", "what"], name="change_seq")]
        indexes = [models.Index(fields=["at"], name="change_at")]

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}: {self.get_what_display()}"
