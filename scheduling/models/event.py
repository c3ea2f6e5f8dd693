from django.db import models
from django.utils import timezone

from portal.fields import AsciiField

from .workload import Workload


class Event(models.Model):
    """A line of a workload's timeline: a code and its numbers; the words are made when it is read."""

    workload = models.ForeignKey(Workload, models.CASCADE, related_name="events")
    code = AsciiField(max_length=40)
    numbers = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["workload", "id"], name="event_workload")]

    def __str__(self) -> str:
        return self.code
