from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .role import Role
from .subject import Subject
from .unit import OrgUnit


def in_force(now: datetime | None = None) -> Q:
    """Rules that grant something: without an end, or with one that has not come yet."""
    return Q(expires_at=None) | Q(expires_at__gt=now or timezone.now())


class AccessRule(models.Model):
    """Grants a role to a subject on a scope: the unit and everything below it, now and in future.

    After its end it grants nothing.
    """

    subject = models.ForeignKey(Subject, models.CASCADE, related_name="rules")
    role = models.ForeignKey(Role, models.PROTECT, related_name="rules")
    scope = models.ForeignKey(OrgUnit, models.CASCADE, related_name="rules")
    created_by = models.ForeignKey(Subject, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "scope", "role"], name="rule_once")]

    def __str__(self) -> str:
        return f"{self.subject} is {self.role} on {self.scope}"

    @property
    def last_moment(self) -> datetime | None:
        """The last one in which it grants something: that of a day, where a day was given."""
        return self.expires_at and self.expires_at - timedelta(seconds=1)

    @property
    def ended(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()
