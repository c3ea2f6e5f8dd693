from django.urls import path

from orgs.views import organization, rule, scopes, settings, unit

urlpatterns = [
    path("organization/", organization.OrganizationPage.as_view(), name="organization"),
    path("organization/<int:pk>/departments/new/", unit.DepartmentCreate.as_view(), name="department_create"),
    path("organization/<int:pk>/projects/new/", unit.ProjectCreate.as_view(), name="project_create"),
    path("organization/<int:pk>/rename/", unit.UnitRename.as_view(), name="unit_rename"),
    path("organization/<int:pk>/move/", unit.UnitMove.as_view(), name="unit_move"),
    path("organization/<int:pk>/delete/", unit.UnitDelete.as_view(), name="unit_delete"),
    path("organization/<int:pk>/rules/new/", rule.RuleCreate.as_view(), name="rule_create"),
    path("organization/rules/<int:pk>/delete/", rule.RuleDelete.as_view(), name="rule_delete"),
    path("scopes/", scopes.ScopeRows.as_view(), name="scopes"),
    path("scopes/choices/", scopes.ScopeChoiceRows.as_view(), name="scope_choices"),
    path("settings/", settings.SettingsPage.as_view(), name="settings"),
    path("settings/clusters/connect/", settings.ClusterConnect.as_view(), name="cluster_connect"),
    path("settings/clusters/simulate/", settings.ClusterSimulate.as_view(), name="cluster_simulate"),
    path("settings/clusters/<int:pk>/disconnect/", unit.ClusterDisconnect.as_view(), name="cluster_disconnect"),
    path("settings/people/new/", settings.UserCreate.as_view(), name="user_create"),
    path("settings/people/<int:pk>/deactivate/", settings.UserDeactivate.as_view(), name="user_deactivate"),
    path("settings/people/<int:pk>/activate/", settings.UserActivate.as_view(), name="user_activate"),
]
