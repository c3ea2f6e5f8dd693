"""Rows of quotas in Django's admin, for looking at."""

from __future__ import annotations

from django.contrib import admin

from portal.read_only import ReadOnlyAdmin
from quotas.models import (
    CapacityHour,
    DefaultAccess,
    GuardFinding,
    GuardSetting,
    LendingDay,
    Node,
    Pool,
    PoolPreference,
    PoolSummary,
    Quota,
    QuotaVersion,
    RolledUp,
    Topology,
    UnitUsage,
    UsageDay,
    UsageHour,
    UsageMonth,
)


@admin.register(Pool)
class PoolAdmin(ReadOnlyAdmin):
    list_display = ("id", "cluster", "name", "is_default", "label_key", "label_value", "gpu_placement", "version")
    list_select_related = ("cluster",)
    search_fields = ("name", "label_value")


@admin.register(Node)
class NodeAdmin(ReadOnlyAdmin):
    list_display = ("name", "cluster", "pool", "state", "schedulable", "gpu_count", "gpu_type", "removed_at")
    list_select_related = ("cluster", "pool")
    list_filter = ("state", "schedulable")
    search_fields = ("name",)


@admin.register(Quota)
class QuotaAdmin(ReadOnlyAdmin):
    list_display = ("unit", "pool", "gpu_milli", "cpu_millicores", "memory_bytes", "over_quota", "rank", "version")
    list_select_related = ("unit", "pool")
    search_fields = ("unit__name",)


@admin.register(DefaultAccess)
class DefaultAccessAdmin(ReadOnlyAdmin):
    list_display = ("account", "closed")


@admin.register(QuotaVersion)
class QuotaVersionAdmin(ReadOnlyAdmin):
    list_display = ("id", "unit_id", "pool_id", "number", "since", "until", "actor_name", "reason")
    ordering = ("-id",)


@admin.register(PoolPreference)
class PoolPreferenceAdmin(ReadOnlyAdmin):
    list_display = ("unit", "place", "pool")
    list_select_related = ("unit", "pool")
    search_fields = ("unit__name",)


@admin.register(UnitUsage)
class UnitUsageAdmin(ReadOnlyAdmin):
    list_display = ("unit", "pool", "gpu_milli", "over_gpu_milli", "requested_gpu_milli", "running", "pending")
    list_select_related = ("unit", "pool")
    search_fields = ("unit__name",)


@admin.register(PoolSummary)
class PoolSummaryAdmin(ReadOnlyAdmin):
    list_display = ("pool", "nodes", "ready", "gpu_milli", "allocated_gpu_milli", "cycle", "as_of")
    list_select_related = ("pool",)


@admin.register(Topology)
class TopologyAdmin(ReadOnlyAdmin):
    list_display = ("id", "cluster", "name", "levels", "version")
    list_select_related = ("cluster",)
    search_fields = ("name",)


@admin.register(UsageHour)
class UsageHourAdmin(ReadOnlyAdmin):
    list_display = ("at", "unit", "pool", "gpu_milli_seconds", "cpu_millicore_seconds", "memory_mib_seconds")
    list_select_related = ("unit", "pool")
    ordering = ("-at", "-id")


@admin.register(CapacityHour)
class CapacityHourAdmin(ReadOnlyAdmin):
    list_display = ("at", "pool", "gpu_milli_seconds", "cpu_millicore_seconds", "memory_mib_seconds")
    list_select_related = ("pool",)
    ordering = ("-at", "-id")


@admin.register(GuardSetting)
class GuardSettingAdmin(ReadOnlyAdmin):
    list_display = ("scope", "level", "mode", "resources", "version")
    list_select_related = ("scope",)


@admin.register(GuardFinding)
class GuardFindingAdmin(ReadOnlyAdmin):
    list_display = ("unit", "pool", "resource", "level", "sum", "ceiling", "since", "resolved_at")
    list_select_related = ("unit", "pool")
    list_filter = ("level", "resource")


@admin.register(UsageDay, UsageMonth)
class RolledAdmin(ReadOnlyAdmin):
    list_display = ("at", "pool_name", "kind", "unit_name", "gpu_milli_seconds", "over_gpu_milli_seconds")
    ordering = ("-at", "pool_name", "path")


@admin.register(LendingDay)
class LendingDayAdmin(ReadOnlyAdmin):
    list_display = ("at", "pool_id", "lender_name", "borrower_name", "gpu_milli_seconds")
    ordering = ("-at",)


@admin.register(RolledUp)
class RolledUpAdmin(ReadOnlyAdmin):
    list_display = ("pool", "until", "months_until")
    list_select_related = ("pool",)
