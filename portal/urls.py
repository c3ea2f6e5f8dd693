"""Root of the URLs. Apps are named by strings: portal imports none of them."""

from django.contrib import admin
from django.urls import include, path

from portal.views import health, home, style_guide

handler404 = "portal.views.errors.page_not_found"
urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", health.AliveView.as_view(), name="healthz"),
    path("readyz", health.ReadyView.as_view(), name="readyz"),
    path("style-guide/", style_guide.StyleGuideView.as_view(), name="style_guide"),
    path("accounts/", include("orgs.account_urls")),
    path("api/v1/", include("portal.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("orgs.urls")),
    path("", include("quotas.urls")),
    path("", include("scheduling.urls")),
]
