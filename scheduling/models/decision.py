from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.fields import AsciiField


class Decision(models.Model):
    """One thing a loop decided, up to what came of it. Ids without constraints: it outlives what it names."""

    class Kind(models.IntegerChoices):
        PLACE = 1, "place"
        EVICT = 2, "evict"
        RESERVE = 3, "reserve"

    class State(models.IntegerChoices):
        RECORDED = 1, "recorded"
        SENT = 2, "sent"
        CONFIRMED = 3, "confirmed"
        UNKNOWN = 4, "unknown"
        OBSERVED = 5, "observed"
        FAILED = 6, "failed"
        VOID = 7, "void"

    GANG_INCOMPLETE = "gang_incomplete"
    """`code` of an eviction for nobody else's sake: the gang did not come together."""

    pool = models.BigIntegerField()
    epoch = models.PositiveBigIntegerField()
    cycle = models.PositiveBigIntegerField()
    kind = models.PositiveSmallIntegerField(choices=Kind)
    state = models.PositiveSmallIntegerField(choices=State, default=State.RECORDED)
    batch = models.BigIntegerField()
    """The workload whose start this belongs to: what stands or falls together in a cycle."""
    workload = models.BigIntegerField()
    pod = models.BigIntegerField()
    pod_uid = AsciiField(max_length=64)
    sub_group = models.BigIntegerField(null=True)
    """Of a reserve: the room of a pod that is moved goes to the next pending pod of its sub-group."""
    node = models.BigIntegerField(null=True)
    devices = AsciiField(max_length=80, blank=True)
    for_workload = models.BigIntegerField(null=True)
    """The workload a victim is stopped for; none where its own gang did not come together."""
    code = AsciiField(max_length=40, blank=True)
    numbers = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["workload", "id"], name="decision_workload"),
            models.Index(fields=["pool", "cycle", "id"], name="decision_cycle"),
            models.Index(fields=["pool", "id"], condition=Q(state__lte=4), name="decision_open"),
            models.Index(fields=["pool", "at"], condition=Q(state=6), name="decision_failed"),
        ]
        constraints = [
            # Two starts of one pod are refused by the database, whoever tries.
            models.UniqueConstraint(fields=["pod"], condition=Q(kind=1, state__lte=4), name="decision_one_start")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} pod {self.pod}, {self.get_state_display()}"


OPEN_STATES = (
    Decision.State.RECORDED,
    Decision.State.SENT,
    Decision.State.CONFIRMED,
    Decision.State.UNKNOWN,
)
