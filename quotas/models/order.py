from django.db import models

from orgs.models import OrgUnit

from .pool import Pool


class PoolPreference(models.Model):
    """A pool in which the work of a department or project is tried, and its place in the order.

    A unit without any is tried where the unit above says, at the top in the default pool.
    """

    unit = models.ForeignKey(OrgUnit, models.CASCADE, related_name="pool_preferences")
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="preferences")
    place = models.PositiveSmallIntegerField()
    """From 0."""

    class Meta:
        ordering = ["unit", "place"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "pool"], name="preference_once"),
            models.UniqueConstraint(fields=["unit", "place"], name="preference_place"),
        ]

    def __str__(self) -> str:
        return f"{self.pool}, place {self.place} of {self.unit}"
