"""The schema of the API, for programs."""

from __future__ import annotations

from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import IsAuthenticated


class SchemaView(SpectacularAPIView):
    """OpenAPI 3.1, the same for everybody who is signed in."""

    schema = None
    permission_classes = [IsAuthenticated]
    renderer_classes = [OpenApiJsonRenderer]
