"""`/api/v1/`: every app's endpoints, and the schema of all of them."""

from django.urls import include, path

from portal.api.views import SchemaView

urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api_schema"),
    path("", include("orgs.api.urls")),
    path("", include("quotas.api.urls")),
    path("", include("scheduling.api.urls")),
]
