from django.db import models

from orgs.models import OrgUnit


class DefaultAccess(models.Model):
    """What units may do in pools in which they have no quota row. No row of this: best effort."""

    account = models.OneToOneField(OrgUnit, models.CASCADE, related_name="+")
    closed = models.BooleanField(default=False)
    """They are blocked: "new pools are closed"."""

    def __str__(self) -> str:
        return "closed" if self.closed else "open"
