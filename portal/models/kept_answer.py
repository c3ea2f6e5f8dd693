from django.db import models
from django.utils import timezone

from portal.fields import AsciiField


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, so that the same request again does nothing twice."""

    user = models.BigIntegerField()
    """Who asked. Without a constraint: rows of those who are gone go with their time."""
    key = AsciiField(max_length=255)
    request = models.CharField(max_length=64)
    """A digest of method, address and body: another request may not have the key."""
    status = models.PositiveSmallIntegerField(default=0)
    location = models.CharField(max_length=500, blank=True)
    etag = models.CharField(max_length=80, blank=True)
    body = models.JSONField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["at"], name="kept_answer_at")]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="kept_answer_once")]

    def __str__(self) -> str:
        return f"{self.status} for {self.key}"
