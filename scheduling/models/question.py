from django.db import models
from django.db.models import Q

from quotas.models import Pool


class Question(models.Model):
    """What pages ask the loop of a pool, which holds the snapshot, and what it last answered. Equal questions are one
    row, so that a loop answers them once. Kept an hour after it was asked."""

    class Kind(models.IntegerChoices):
        WHY = 1, "why a workload waits"
        SHAPES = 2, "what a project could start"

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="+")
    kind = models.PositiveSmallIntegerField(choices=Kind)
    about = models.BigIntegerField()
    """Id of the workload or project; without a constraint: it may go before the answer comes."""
    asked_at = models.DateTimeField()
    is_open = models.BooleanField(default=True)
    """A new answer is asked for. The last one stays until then."""
    answer = models.JSONField(null=True)
    """As `scheduling.loops.answering` writes it; None = never answered."""
    cycle = models.PositiveBigIntegerField(default=0)
    """Of the pool: the answer is true of what this cycle left."""
    as_of = models.DateTimeField(null=True)
    """When the snapshot of that cycle was taken."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "kind", "about"], name="question_once")]
        indexes = [
            models.Index(fields=["pool", "asked_at"], condition=Q(is_open=True), name="question_open"),
            models.Index(fields=["asked_at"], name="question_old"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.about}"
