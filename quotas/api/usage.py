"""What units have of pools now."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import serializers

from orgs.api.base import SCOPE, Scoped
from orgs.models import UnitKind, UnitState
from orgs.scope import limited
from portal.api.endpoint import Gets, Lists
from portal.api.fields import Given, Reference, Word
from portal.api.listing import Filter, Listing
from quotas.models import UnitUsage


class UnitSerializer(Reference):
    """A unit, by id and name."""

    kind = Word(UnitKind, read_only=True)


class UsageSerializer(Given):
    """How a unit stands in a pool, all below it included, as the pool's loop last saw it."""

    unit = UnitSerializer(read_only=True)
    pool = Reference(read_only=True)
    gpu_milli = serializers.IntegerField(read_only=True, help_text="Allocated; so CPU and memory.")
    cpu_millicores = serializers.IntegerField(read_only=True)
    memory_bytes = serializers.IntegerField(read_only=True)
    requested_gpu_milli = serializers.IntegerField(read_only=True, help_text="Allocated and waiting.")
    requested_cpu_millicores = serializers.IntegerField(read_only=True)
    requested_memory_bytes = serializers.IntegerField(read_only=True)
    fair_gpu_milli = serializers.IntegerField(read_only=True, help_text="Its fair share.")
    fair_cpu_millicores = serializers.IntegerField(read_only=True)
    fair_memory_bytes = serializers.IntegerField(read_only=True)
    over_gpu_milli = serializers.IntegerField(read_only=True, help_text="Over quota.")
    idle_gpu_milli = serializers.IntegerField(read_only=True, help_text="Guaranteed and not used.")
    running = serializers.IntegerField(read_only=True, help_text="Workloads.")
    pending = serializers.IntegerField(read_only=True)
    position = serializers.IntegerField(read_only=True, help_text="In the order in which units are served next.")
    starving_since = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Since when it is below its quota with work waiting."
    )


def _busy(rows: QuerySet[UnitUsage], wanted: bool) -> QuerySet[UnitUsage]:
    idle = {"running": 0, "pending": 0}
    return rows.exclude(**idle) if wanted else rows.filter(**idle)


class Usage(Lists, Gets, Scoped):
    """What units have, ask for and are entitled to, where you may see all of a unit."""

    permission = "reports:read"
    serializer_class = UsageSerializer
    listing = Listing(
        {"id": (), "gpu_milli": ("gpu_milli",), "position": ("position",)},
        {
            "unit": Filter("The id of a unit.", "unit"),
            "parent": Filter("The id of a unit: those right below it.", "unit__parent"),
            "kind": Filter("The kind of unit.", "unit__kind", "choice", {one.label: one.value for one in UnitKind}),
            "pool": Filter("The id of a pool.", "pool"),
            "busy": Filter("Whether it has work that runs or waits.", kind="flag", apply=_busy),
            "scope": SCOPE,
        },
        ("unit__name", "pool__name"),
    )

    def rows(self) -> QuerySet[UnitUsage]:
        rows = UnitUsage.objects.filter(unit__state=UnitState.ACTIVE)
        return limited(rows, self.request._request, self.permission, "unit").select_related("unit", "pool")
