"""The REST API: who is let in, how answers look, and how many a caller may ask for."""

from typing import Any

API: dict[str, Any] = {
    "REST_FRAMEWORK": {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "orgs.api.authentication.KeyAuthentication",
            "orgs.api.authentication.BrowserAuthentication",
        ],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "DEFAULT_THROTTLE_RATES": {"read": "1200/min", "write": "300/min"},
        "EXCEPTION_HANDLER": "portal.api.problems.problem_answer",
        "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
        "DATETIME_FORMAT": "iso-8601",
    },
    "KNOX_TOKEN_MODEL": "orgs.AccessKey",
    # Its migrations would make the table that ours stands for.
    "MIGRATION_MODULES": {"knox": None},
    "REST_KNOX": {"TOKEN_PREFIX": "bursar_", "AUTH_HEADER_PREFIX": "Bearer"},
    "SPECTACULAR_SETTINGS": {
        "TITLE": "Bursar",
        "VERSION": "1",
        "DESCRIPTION": "Everything the pages can do, by program.",
        "OAS_VERSION": "3.1.0",
        "SCHEMA_PATH_PREFIX": "/api/v1",
        "SERVE_INCLUDE_SCHEMA": False,
        "COMPONENT_NO_READ_ONLY_REQUIRED": True,
        "POSTPROCESSING_HOOKS": [],
        "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    },
}
