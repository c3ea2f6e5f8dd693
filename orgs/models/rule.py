from django.db import models
from django.utils import timezone

from .role import Role
from .subject import Subject
from .unit import OrgUnit


class AccessRule(models.Model):
    """Grants a role to a subject on a scope: the unit and everything below it, now and in future."""

    subject = models.ForeignKey(Subject, models.CASCADE, related_name="rules")
    role = models.ForeignKey(Role, models.PROTECT, related_name="rules")
    scope = models.ForeignKey(OrgUnit, models.CASCADE, related_name="rules")
    created_by = models.ForeignKey(Subject, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "scope", "role"], name="rule_once")]

    def __str__(self) -> str:
        return f"{self.subject} is {self.role} on {self.scope}"
