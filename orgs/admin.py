from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import admin

from orgs.models import (
    AccessKey,
    AccessKeyUse,
    AccessRule,
    Application,
    ClusterInfo,
    Delivery,
    Group,
    GroupMember,
    HappeningCursor,
    Mapping,
    OrgUnit,
    ProjectInfo,
    Role,
    RolePermission,
    RuleSync,
    Subject,
    User,
    Webhook,
)
from portal.read_only import ReadOnlyAdmin


@admin.register(OrgUnit)
class OrgUnitAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "name", "path", "state", "version", "created_at")
    list_filter = ("kind", "state")
    search_fields = ("name",)
    ordering = ("path",)


@admin.register(ClusterInfo)
class ClusterInfoAdmin(ReadOnlyAdmin):
    list_display = ("unit", "mode", "address", "state", "state_message", "last_seen")
    list_select_related = ("unit",)
    hidden = ("credentials",)


@admin.register(ProjectInfo)
class ProjectInfoAdmin(ReadOnlyAdmin):
    list_display = ("unit", "cluster", "namespace", "phase", "phase_message")
    list_select_related = ("unit", "cluster")
    search_fields = ("namespace",)


@admin.register(Mapping)
class MappingAdmin(ReadOnlyAdmin):
    list_display = ("id", "target", "created_by", "created_at", "undone_at")
    list_select_related = ("target", "created_by")


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "name", "is_active", "last_login", "date_joined")
    search_fields = ("email", "name")
    ordering = ("email",)
    hidden = ("password",)


@admin.register(Subject)
class SubjectAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "user", "group")
    list_select_related = ("user", "group")
    search_fields = ("name",)


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    list_display = ("name", "description", "created_at")
    search_fields = ("name",)


@admin.register(GroupMember)
class GroupMemberAdmin(ReadOnlyAdmin):
    list_display = ("group", "user", "source", "since")
    list_select_related = ("group", "user")
    search_fields = ("group__name", "user__email")


@admin.register(Role)
class RoleAdmin(ReadOnlyAdmin):
    list_display = ("name", "built_in", "version")


@admin.register(RolePermission)
class RolePermissionAdmin(ReadOnlyAdmin):
    list_display = ("role", "permission")
    list_select_related = ("role",)
    list_filter = ("role",)
    ordering = ("role", "permission")


@admin.register(AccessRule)
class AccessRuleAdmin(ReadOnlyAdmin):
    list_display = ("subject", "role", "scope", "created_by", "created_at", "expires_at")
    list_select_related = ("subject", "role", "scope", "created_by")
    list_filter = ("role",)


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    list_display = ("name", "client_id", "description", "created_at")
    search_fields = ("name", "client_id")


@admin.register(AccessKey)
class AccessKeyAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "token_key", "limited_to", "scope", "created", "expiry")
    list_select_related = ("user", "scope")
    hidden = ("digest",)


@admin.register(AccessKeyUse)
class AccessKeyUseAdmin(ReadOnlyAdmin):
    list_display = ("key", "at", "address")
    list_select_related = ("key",)


@admin.register(RuleSync)
class RuleSyncAdmin(ReadOnlyAdmin):
    list_display = ("rule", "cluster", "state", "message", "since")
    list_select_related = ("rule__subject", "rule__role", "rule__scope", "cluster")
    list_filter = ("state",)


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "ip", "created_at", "last_seen_at")
    list_select_related = ("user",)
    hidden = ("session_key", "data")


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    hidden = ("data",)


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "provider", "uid", "last_login", "date_joined")
    list_select_related = ("user",)


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    list_display = ("name", "scope", "is_active", "failures", "failing_since", "trouble", "created_at")
    list_select_related = ("scope",)
    hidden = ("address", "secret", "old_secret")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "webhook", "kind", "subject", "state", "attempts", "status", "created_at")
    list_select_related = ("webhook",)


@admin.register(HappeningCursor)
class HappeningCursorAdmin(ReadOnlyAdmin):
    list_display = ("after",)
