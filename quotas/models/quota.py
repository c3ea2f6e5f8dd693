from django.db import models
from django.db.models import F, Q

from orgs.models import OrgUnit

from .pool import Pool


class Rank(models.IntegerChoices):
    """Who is served first when spare resources are divided among siblings."""

    LOW = 1, "low"
    MEDIUM = 2, "medium"
    HIGH = 3, "high"


def _limit_covers_quota(resource: str) -> Q:
    limit = f"limit_{resource}"
    return Q(**{limit: None}) | (
        Q(**{f"{limit}__gte": 0}) & (Q(**{resource: None}) | Q(**{f"{limit}__gte": F(resource)}))
    )


class Quota(models.Model):
    """What a department or project is guaranteed in a pool, and how far beyond it may go.

    No row means the default access: `quotas.selectors.access.no_row`.
    """

    unit = models.ForeignKey(OrgUnit, models.CASCADE, related_name="quotas")
    pool = models.ForeignKey(Pool, models.CASCADE, related_name="quotas")
    gpu_milli = models.BigIntegerField(default=0)
    cpu_millicores = models.BigIntegerField(null=True)
    """None = not set: bounded by the access to the pool and the hardware only. So for memory."""
    memory_bytes = models.BigIntegerField(null=True)
    over_quota = models.BooleanField(default=True)
    limit_gpu_milli = models.BigIntegerField(null=True)
    limit_cpu_millicores = models.BigIntegerField(null=True)
    limit_memory_bytes = models.BigIntegerField(null=True)
    rank = models.PositiveSmallIntegerField(choices=Rank, default=Rank.MEDIUM)
    weight_milli = models.PositiveIntegerField(default=2000)
    reclaim_min_runtime_seconds = models.PositiveIntegerField(null=True)
    """Work that started less long ago is not taken back for others; None = as the unit above, at the top the pool."""
    preempt_min_runtime_seconds = models.PositiveIntegerField(null=True)
    """The same for being displaced inside the project."""
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "pool"], name="quota_once"),
            models.CheckConstraint(
                condition=Q(gpu_milli__gte=0)
                & (Q(cpu_millicores=None) | Q(cpu_millicores__gte=0))
                & (Q(memory_bytes=None) | Q(memory_bytes__gte=0)),
                name="quota_not_negative",
            ),
            models.CheckConstraint(
                condition=_limit_covers_quota("gpu_milli")
                & _limit_covers_quota("cpu_millicores")
                & _limit_covers_quota("memory_bytes"),
                name="quota_within_limit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} in {self.pool}"

    @property
    def blocked(self) -> bool:
        """Nothing of the unit runs there, work without GPU included."""
        return not (self.over_quota or self.gpu_milli or self.cpu_millicores or self.memory_bytes)
