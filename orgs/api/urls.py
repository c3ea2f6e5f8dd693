from django.urls import path
from rest_framework.routers import SimpleRouter

from orgs.api import applications, audit, device, people, roles, scopes, units, webhooks, whoami

router = SimpleRouter(use_regex_path=False)
router.register("clusters", units.Clusters, "clusters")
router.register("departments", units.Departments, "departments")
router.register("projects", units.Projects, "projects")
router.register("roles", roles.Roles, "roles")
router.register("access-rules", roles.Rules, "access-rules")
router.register("users", people.Users, "users")
router.register("groups", people.Groups, "groups")
router.register("group-members", people.Members, "group-members")
router.register("applications", applications.Applications, "applications")
router.register("access-keys", applications.Keys, "access-keys")
router.register("webhooks", webhooks.Webhooks, "webhooks")
router.register("webhook-deliveries", webhooks.Deliveries, "webhook-deliveries")
router.register("audit", audit.Audit, "audit")
router.register("places", scopes.Places, "places")
router.register("whoami", whoami.WhoAmI, "whoami")

urlpatterns = [
    path("device/", device.DeviceBegin.as_view(), name="device_begin"),
    path("device/token/", device.DeviceToken.as_view(), name="device_token"),
    *router.urls,
]
