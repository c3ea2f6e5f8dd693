"""Scheduling's rows in Django's admin, for looking at."""

from __future__ import annotations

from django.contrib import admin

from portal.read_only import ReadOnlyAdmin
from scheduling.models import (
    Allocation,
    Assignment,
    CycleReport,
    Decision,
    Event,
    Pod,
    PoolChoice,
    PoolSample,
    PoolTry,
    PromiseRecord,
    Question,
    SavedCycle,
    SimObject,
    SubGroup,
    TourClosed,
    UntakenPod,
    WaitClass,
    Waiting,
    Workload,
    WorkloadSpec,
)


@admin.register(Workload)
class WorkloadAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "kind", "state", "desired", "pool", "created_at", "is_active")
    list_filter = ("kind", "state", "desired", "is_active")
    list_select_related = ("project", "pool")
    search_fields = ("name__startswith",)
    ordering = ("-created_at", "-id")


@admin.register(WorkloadSpec)
class WorkloadSpecAdmin(ReadOnlyAdmin):
    """Variables of the environment may be secrets of people: what was asked for shows in the workload's own page."""

    list_display = ("workload",)
    list_select_related = ("workload",)
    hidden = ("spec",)


@admin.register(SubGroup)
class SubGroupAdmin(ReadOnlyAdmin):
    list_display = ("workload", "name", "min_members", "wanted", "devices", "device_milli", "gpu_memory_mib")
    list_select_related = ("workload",)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("workload", "pool", "epoch", "at", "moves")
    list_select_related = ("workload", "pool")


@admin.register(Pod)
class PodAdmin(ReadOnlyAdmin):
    list_display = ("name", "workload", "phase", "node", "charged_pool", "devices", "bound_at")
    list_filter = ("phase",)
    list_select_related = ("workload", "node", "charged_pool")
    search_fields = ("name__startswith", "uid__exact")


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("id", "pool", "epoch", "cycle", "kind", "state", "workload", "pod", "node", "code", "at")
    list_filter = ("kind", "state")
    ordering = ("-id",)


@admin.register(WaitClass)
class WaitClassAdmin(ReadOnlyAdmin):
    list_display = ("pool", "project", "code", "request_class", "as_of")
    list_filter = ("code",)
    list_select_related = ("pool", "project")


@admin.register(Waiting)
class WaitingAdmin(ReadOnlyAdmin):
    list_display = ("workload", "wait_class", "since")
    list_select_related = ("workload", "wait_class")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("at", "workload", "code")
    list_select_related = ("workload",)
    ordering = ("-id",)


@admin.register(CycleReport)
class CycleReportAdmin(ReadOnlyAdmin):
    list_display = ("pool", "epoch", "cycle", "at", "timings", "counts")
    list_select_related = ("pool",)
    ordering = ("-id",)


@admin.register(SavedCycle)
class SavedCycleAdmin(ReadOnlyAdmin):
    """What it looked at is for who may see the whole pool, and is given as a file by the Scheduler page."""

    list_display = ("pool", "cycle", "cause", "state", "asked_by", "asked_at", "size", "expires_at")
    list_filter = ("cause", "state")
    list_select_related = ("pool", "asked_by")
    hidden = ("content",)
    ordering = ("-id",)


@admin.register(PoolSample)
class PoolSampleAdmin(ReadOnlyAdmin):
    list_display = ("pool", "at", "gpu_milli", "guaranteed_gpu_milli", "over_gpu_milli", "pending", "cycles")
    list_select_related = ("pool",)
    ordering = ("-at",)


@admin.register(SimObject)
class SimObjectAdmin(ReadOnlyAdmin):
    """A job's spec holds the variables of its workload."""

    list_display = ("cluster", "kind", "name", "resource_version", "deleted")
    list_filter = ("kind", "deleted")
    list_select_related = ("cluster",)
    hidden = ("spec",)


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    list_display = ("pool", "kind", "about", "asked_at", "is_open", "cycle", "as_of")
    list_filter = ("kind", "is_open")
    list_select_related = ("pool",)


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ("workload_id", "project_id", "pool_id", "node", "gpu_milli", "started_at", "ended_at", "end_code")
    ordering = ("-id",)


@admin.register(PromiseRecord)
class PromiseRecordAdmin(ReadOnlyAdmin):
    list_display = ("project", "pool", "asked_at", "ended_at", "got", "owed_gpu_milli", "cause")
    list_select_related = ("project", "pool")
    ordering = ("-id",)


@admin.register(TourClosed)
class TourClosedAdmin(ReadOnlyAdmin):
    list_display = ("user", "at")
    list_select_related = ("user",)


@admin.register(UntakenPod)
class UntakenPodAdmin(ReadOnlyAdmin):
    list_display = ("name", "namespace", "cluster", "reason", "message", "created_at")
    list_filter = ("reason",)
    list_select_related = ("cluster",)


@admin.register(PoolTry)
class PoolTryAdmin(ReadOnlyAdmin):
    list_display = ("workload", "pool", "code", "at")
    list_filter = ("code",)
    list_select_related = ("workload", "pool")


@admin.register(PoolChoice)
class PoolChoiceAdmin(ReadOnlyAdmin):
    list_display = ("account", "wait_seconds", "most_moves")
    list_select_related = ("account",)
