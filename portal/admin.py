from django.contrib import admin

from portal.models import AuditEvent, AuditSeal, Change, Feed, KeptAnswer, Lease, LiveWorker
from portal.read_only import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_name", "action", "entity", "entity_name", "unit", "address")
    list_filter = ("action", "entity")
    ordering = ("-at", "-id")


@admin.register(AuditSeal)
class AuditSealAdmin(ReadOnlyAdmin):
    list_display = ("number", "at", "rows", "first", "last", "digest")
    ordering = ("-number",)


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "holder", "epoch", "expires_at", "cycle", "stop_wanted")


@admin.register(LiveWorker)
class LiveWorkerAdmin(ReadOnlyAdmin):
    list_display = ("holder", "seen_at")


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    list_display = ("stream", "seq")


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = ("stream", "seq", "what", "at")
    list_filter = ("what",)
    ordering = ("-id",)


@admin.register(KeptAnswer)
class KeptAnswerAdmin(ReadOnlyAdmin):
    list_display = ("at", "user", "key", "status", "location")
    hidden = ("body",)
