from django.db import models
from django.utils import timezone

from .rule import AccessRule
from .unit import OrgUnit


class RuleSync(models.Model):
    """How far an access rule holds in a cluster itself, for people who work there with kubectl.

    Written by the cluster's observer; none yet: the rule is too new, or the cluster is out of reach.
    """

    class State(models.IntegerChoices):
        PENDING = 1, "not yet"
        IN_FORCE = 2, "in force"
        FAILED = 3, "failed"

    rule = models.ForeignKey(AccessRule, models.CASCADE, related_name="syncs")
    cluster = models.ForeignKey(OrgUnit, models.CASCADE, related_name="+")
    state = models.PositiveSmallIntegerField(choices=State)
    message = models.CharField(max_length=500, blank=True)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "cluster"], name="rule_sync_once")]

    def __str__(self) -> str:
        return f"rule {self.rule_id} in cluster {self.cluster_id}: {self.get_state_display()}"
