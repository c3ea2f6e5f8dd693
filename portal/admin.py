from django.contrib import admin

from portal.models import AuditEvent, Lease
from portal.read_only import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_name", "action", "entity", "entity_name", "unit", "address")
    list_filter = ("action", "entity")
    ordering = ("-at", "-id")


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "holder", "epoch", "expires_at", "cycle", "stop_wanted")
