"""The schema of the API, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from drf_spectacular.renderers import OpenApiJsonRenderer
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .reference import schema
from .throttling import Limited


@cache
def _document() -> bytes:
    """Made once a process: it takes half a second, and does not change."""
    found: bytes = OpenApiJsonRenderer().render(schema())
    return found


class _Rendered(OpenApiJsonRenderer):
    def render(
        self, data: Any, media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        rendered: bytes = data if isinstance(data, bytes) else super().render(data, media_type, renderer_context)
        return rendered


class SchemaView(Limited):
    """OpenAPI 3.1, the same for everybody who is signed in."""

    schema = None
    permission_classes = [IsAuthenticated]
    renderer_classes = [_Rendered]

    def get(self, request: Request) -> Response:
        return Response(_document())
