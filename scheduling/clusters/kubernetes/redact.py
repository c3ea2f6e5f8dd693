"""Objects as people may see them: what may be a secret is left out."""

from __future__ import annotations

from typing import Any

import yaml

from .text import printable

HIDDEN = "(hidden)"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""A copy of the whole object, as somebody once wrote it."""
VALUES = ("data", "stringData", "binaryData")
"""Where Secrets and ConfigMaps have theirs."""
MAX_CHARACTERS = 200_000


def manifest_text(found: dict[str, Any]) -> str:
    """As YAML."""
    text = yaml.safe_dump(redacted(found), sort_keys=False, allow_unicode=True, width=120)
    return "\n".join(printable(line) for line in text[:MAX_CHARACTERS].splitlines())


def redacted(found: Any) -> Any:
    """Without values of environment variables, of Secrets and ConfigMaps, and without what only servers read."""
    if isinstance(found, list):
        return [redacted(item) for item in found]
    if not isinstance(found, dict):
        return found
    return {key: _value(key, value) for key, value in found.items() if key not in ("managedFields", LAST_APPLIED)}


def _value(key: str, value: Any) -> Any:
    if key == "env" and isinstance(value, list):
        return [_variable(variable) for variable in value]
    if key in VALUES and isinstance(value, dict):
        return dict.fromkeys(value, HIDDEN)
    return redacted(value)


def _variable(variable: Any) -> Any:
    if isinstance(variable, dict) and "value" in variable:
        return variable | {"value": HIDDEN}
    return redacted(variable)
