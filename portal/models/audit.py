from django.db import models
from django.utils import timezone

from portal.fields import AsciiField


class AuditEvent(models.Model):
    """Who changed what: written in the transaction of the act, never changed.

    Ids without foreign keys, so it outlives what it names.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.BigIntegerField(null=True)
    """Subject id; none for Bursar's own loops."""
    actor_name = models.CharField(max_length=254)
    action = AsciiField(max_length=40)
    entity = AsciiField(max_length=40)
    entity_id = models.BigIntegerField(null=True)
    entity_name = AsciiField(max_length=254)
    unit = models.BigIntegerField(null=True)
    """The scope it happened in, at the time."""
    address = models.CharField(max_length=45, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["at", "id"], name="audit_at"),
            models.Index(fields=["unit", "at", "id"], name="audit_unit"),
            models.Index(fields=["entity", "entity_id", "id"], name="audit_entity"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.entity} {self.entity_name}"
