from django.db import models
from django.db.models import Q
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.guard import Level
from quotas.resources import RESOURCES

from .pool import Pool

UNTOLD = Q(told=1) | Q(told=2, resolved_at__isnull=False)
"""Findings that webhooks have not been told of yet, or not that they were resolved."""
SET_LEVELS = [Level.CHILDREN, Level.HARDWARE]
"""What can be guarded by itself; what runs goes with the first."""


class GuardSetting(models.Model):
    """How over-subscription is guarded in a scope: the account, or a cluster that has it otherwise."""

    class Mode(models.IntegerChoices):
        OFF = 1, "off"
        WARN = 2, "warn"
        ENFORCE = 3, "enforce"

    scope = models.ForeignKey(OrgUnit, models.CASCADE, related_name="guard_settings")
    level = models.PositiveSmallIntegerField(choices=[(level.value, level.label) for level in SET_LEVELS])
    mode = models.PositiveSmallIntegerField(choices=Mode)
    resources = models.JSONField(default=list)
    """Keys of `quotas.resources.RESOURCES`."""
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "level"], name="guard_setting_once")]

    def __str__(self) -> str:
        return f"{self.get_level_display()} of {self.scope}: {self.get_mode_display()}"


class GuardFinding(models.Model):
    """Something guaranteed that does not add up, from when it arose until it was resolved."""

    class Told(models.IntegerChoices):
        NOTHING = 1, "nothing"
        OPENED = 2, "that it arose"
        ALL = 3, "that it was resolved"

    unit = models.ForeignKey(OrgUnit, models.CASCADE, related_name="guard_findings")
    """The department whose units have more than it, or the cluster that has more than its hardware."""
    pool = models.ForeignKey(Pool, models.CASCADE, null=True, related_name="guard_findings")
    """None: the pools of the cluster that are over, together."""
    resource = models.PositiveSmallIntegerField(choices=[(at, one.label) for at, one in enumerate(RESOURCES.values())])
    level = models.PositiveSmallIntegerField(choices=[(level.value, level.label) for level in SET_LEVELS])
    sum = models.BigIntegerField()
    ceiling = models.BigIntegerField()
    since = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True)
    told = models.PositiveSmallIntegerField(choices=Told, default=Told.NOTHING)
    """To webhooks."""

    class Meta:
        ordering = ["-since", "-id"]
        indexes = [
            models.Index(fields=["resolved_at"], name="guard_finding_resolved"),
            models.Index(fields=["id"], condition=UNTOLD, name="guard_finding_untold"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "pool", "resource", "level"],
                condition=Q(resolved_at=None, pool__isnull=False),
                name="guard_finding_open",
            ),
            models.UniqueConstraint(
                fields=["unit", "resource", "level"],
                condition=Q(resolved_at=None, pool=None),
                name="guard_finding_open_in_all",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sum} of {self.ceiling} in {self.unit}"

    @property
    def over(self) -> int:
        return self.sum - self.ceiling
