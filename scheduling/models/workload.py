import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from orgs.models import OrgUnit, Subject
from portal.fields import AsciiField
from quotas.models import Pool, Topology


class Priority(models.IntegerChoices):
    """Who goes first inside a project. Has nothing to do with preemptibility."""

    LOW = 25, "low"
    MEDIUM = 50, "medium"
    HIGH = 75, "high"
    VERY_HIGH = 100, "very high"


TO_REMOVE = Q(applied=True) & (Q(desired=3) | Q(desired=2, is_active=True))
"""Workloads whose object is to be deleted, or stopped. It stays with what has been stopped, and may go on."""


class Workload(models.Model):
    """What a researcher submits, or what was found in a cluster. The observer writes the state columns, the assigner
    the pool, services the rest; of what was found all but the pool and what is wanted is the observer's."""

    class Kind(models.IntegerChoices):
        WORKSPACE = 1, "workspace"
        TRAINING = 2, "training"
        DISTRIBUTED = 3, "distributed training"
        INFERENCE = 4, "inference"
        OTHER = 5, "other"
        """Found, and made by an object that becomes none of the others."""

    class Desired(models.IntegerChoices):
        RUNNING = 1, "running"
        STOPPED = 2, "stopped"
        DELETED = 3, "deleted"

    class State(models.IntegerChoices):
        WAITING = 1, "waiting"
        STARTING = 2, "starting"
        RUNNING = 3, "running"
        DEGRADED = 4, "degraded"
        STOPPING = 5, "stopping"
        STOPPED = 6, "stopped"
        COMPLETED = 7, "completed"
        FAILED = 8, "failed"

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    """Of what was found that of its object."""
    project = models.ForeignKey(OrgUnit, models.CASCADE, related_name="workloads")
    cluster = models.ForeignKey(OrgUnit, models.DO_NOTHING, db_constraint=False, related_name="+")
    submitted_by = models.ForeignKey(Subject, models.SET_NULL, null=True, related_name="workloads")
    kind = models.PositiveSmallIntegerField(choices=Kind)
    name = AsciiField(max_length=63)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.MEDIUM)
    preemptible = models.BooleanField(default=True)
    desired = models.PositiveSmallIntegerField(choices=Desired, default=Desired.RUNNING)
    image = models.CharField(max_length=300)
    origin = AsciiField(max_length=320, blank=True)
    """Kind and name of the object that was found in the project's namespace, with a slash between; empty: submitted."""
    pods_wanted = models.PositiveIntegerField()
    requested_gpu_milli = models.BigIntegerField()
    requested_cpu_millicores = models.BigIntegerField()
    requested_memory_bytes = models.BigIntegerField()
    near_topology = models.ForeignKey(Topology, models.SET_NULL, null=True, related_name="workloads")
    near_required = AsciiField(max_length=317, blank=True)
    """Its pods have to be in one domain of this level of that topology; empty = wherever."""
    near_preferred = AsciiField(max_length=317, blank=True)
    """And if possible in one of this level."""
    preemption_delay_seconds = models.PositiveIntegerField(default=0)
    """So long after its creation and after each eviction nobody is stopped for it."""
    created_at = models.DateTimeField(default=timezone.now)

    pool = models.ForeignKey(Pool, models.SET_NULL, null=True, related_name="workloads")

    state = models.PositiveSmallIntegerField(choices=State, default=State.WAITING)
    state_message = models.CharField(max_length=500, blank=True)
    state_since = models.DateTimeField(default=timezone.now)
    is_active = models.BooleanField(default=True)
    applied = models.BooleanField(default=False)
    """Its object exists in the cluster."""
    pods_running = models.PositiveIntegerField(default=0)
    allocated_gpu_milli = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    evicted_at = models.DateTimeField(null=True)
    """When the last of its pods was seen stopping because a loop had decided so."""
    stale_since = models.DateTimeField(null=True)
    """Since when it runs with fewer pods than it needs."""
    disruptions_allowed = models.PositiveIntegerField(null=True)
    """So many of its pods the disruption budgets of the cluster let be stopped now; None = none covers it."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at", "id"], name="workload_newest"),
            models.Index(fields=["project", "created_at", "id"], name="workload_project"),
            models.Index(fields=["submitted_by", "created_at", "id"], name="workload_mine"),
            models.Index(fields=["name", "id"], name="workload_by_name"),
            models.Index(fields=["state_since", "id"], name="workload_by_change"),
            models.Index(fields=["requested_gpu_milli", "id"], name="workload_by_gpus"),
            models.Index(fields=["priority", "id"], name="workload_by_priority"),
            models.Index(fields=["state", "created_at", "id"], name="workload_in_state"),
            # What is active is little beside what has ended: by age it is found without walking through the latter.
            models.Index(fields=["created_at", "id"], condition=Q(is_active=True), name="workload_active"),
            models.Index(fields=["state", "state_since", "id"], condition=Q(is_active=True), name="workload_waits"),
            models.Index(fields=["pool", "id"], condition=Q(is_active=True), name="workload_snapshot"),
            # What the reconciler has to do: nearly always nothing.
            models.Index(
                fields=["cluster", "id"], condition=Q(is_active=True, applied=False), name="workload_to_apply"
            ),
            models.Index(fields=["cluster", "id"], condition=TO_REMOVE, name="workload_to_remove"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], condition=Q(is_active=True, origin=""), name="workload_active_name"
            ),
            models.UniqueConstraint(fields=["uid"], name="workload_uid"),
            models.CheckConstraint(
                condition=Q(is_active=True, ended_at=None) | Q(is_active=False, ended_at__isnull=False),
                name="workload_active_until_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def origin_kind(self) -> str:
        return self.origin.partition("/")[0]

    @property
    def origin_name(self) -> str:
        return self.origin.partition("/")[2]


class WorkloadSpec(models.Model):
    """The wide part of a workload, apart so that lists stay narrow: command, environment, pool order, run time."""

    workload = models.OneToOneField(Workload, models.CASCADE, primary_key=True, related_name="spec")
    spec = models.JSONField(default=dict)
    """`command` list, `env` object, `pools` names in the order to try, `pools_from` where that order comes from in
    words ("": it was given), `retries` how many pods may fail, `run_seconds` of a simulated run or None,
    `fail_after_seconds` for a simulated failure or None. Of what came as YAML also `manifest`: `metadata`, `spec` and
    `template` of its object, checked, without what Bursar lays over them."""

    def __str__(self) -> str:
        return f"spec of {self.workload_id}"
