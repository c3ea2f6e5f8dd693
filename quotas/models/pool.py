from django.db import models
from django.db.models import Q
from django.utils import timezone

from orgs.models import OrgUnit
from portal.fields import AsciiField

from .topology import Topology


class Pool(models.Model):
    """A set of a cluster's nodes, chosen by one label key and value, with a scheduler of its own.

    The default pool has no label and owns every node that no other pool matches.
    """

    class Placement(models.IntegerChoices):
        BINPACK = 1, "bin-pack"
        SPREAD = 2, "spread"
        FRAGMENTATION = 3, "fragmentation-aware"
        """Of GPUs only."""

    cluster = models.ForeignKey(OrgUnit, models.CASCADE, related_name="pools")
    name = AsciiField(max_length=63)
    is_default = models.BooleanField(default=False)
    label_key = AsciiField(max_length=317, blank=True)
    label_value = AsciiField(max_length=63, blank=True)
    gpu_placement = models.PositiveSmallIntegerField(choices=Placement, default=Placement.BINPACK)
    cpu_placement = models.PositiveSmallIntegerField(choices=Placement, default=Placement.BINPACK)
    min_runtime_seconds = models.PositiveIntegerField(default=0)
    topology = models.ForeignKey(Topology, models.RESTRICT, null=True, related_name="pools")
    """How its nodes lie: distributed work is kept as near together as its narrowest level."""
    staleness_grace_seconds = models.PositiveIntegerField(null=True, default=60)
    """So long a workload may run below its minimum; None = for ever."""
    disruptions_per_workload = models.PositiveIntegerField(null=True)
    """So many running pods may be stopped or moved for one workload that reaches for more than its quota; None = as
    many as it takes."""
    disruptions_per_cycle = models.PositiveIntegerField(null=True)
    """Once so many are, the cycle looks for no more."""
    disruption_budget_delay_seconds = models.PositiveIntegerField(null=True, default=600)
    """Work that waits so long inside its guaranteed quota overrides disruption budgets of clusters; None = never."""
    history_weight_milli = models.PositiveIntegerField(default=0)
    """How much past use counts when spare is divided (k); 0 = not at all."""
    history_half_life_hours = models.PositiveSmallIntegerField(null=True)
    """None = everything inside the window counts alike."""
    history_window_days = models.PositiveSmallIntegerField(default=7)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], condition=Q(cluster__gt=0), name="pool_name"),
            models.UniqueConstraint(
                fields=["cluster", "label_key", "label_value"], condition=Q(is_default=False), name="pool_label"
            ),
            models.UniqueConstraint(fields=["cluster"], condition=Q(is_default=True), name="pool_one_default"),
        ]

    def __str__(self) -> str:
        return self.name


CPU_PLACEMENTS = [Pool.Placement.BINPACK, Pool.Placement.SPREAD]
"""For work without GPUs."""
