from django.db import models
from django.db.models import Q
from django.utils import timezone

from orgs.models import OrgUnit
from portal.fields import AsciiField


class Topology(models.Model):
    """How the nodes of a cluster lie: label keys from the widest level (zone) to the narrowest (rack).

    All nodes with one value of a key are one domain of that level.
    """

    cluster = models.ForeignKey(OrgUnit, models.CASCADE, related_name="topologies")
    name = AsciiField(max_length=63)
    levels = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], condition=Q(cluster__gt=0), name="topology_name")
        ]

    def __str__(self) -> str:
        return self.name
