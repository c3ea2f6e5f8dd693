from django.db import models

from portal.fields import AsciiField


class Lease(models.Model):
    """The right to run one loop or observer, for a while. Its epoch rises with every taker and fences late writers."""

    name = AsciiField(max_length=80, primary_key=True)
    holder = AsciiField(max_length=120, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    """When whoever holds it took it."""
    cycle = models.PositiveBigIntegerField(default=0)
    stop_wanted = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.name}, epoch {self.epoch}"


class LiveWorker(models.Model):
    """A process that takes leases, and when it last said that it lives. Leases spread over those heard of lately."""

    holder = AsciiField(max_length=120, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.holder
