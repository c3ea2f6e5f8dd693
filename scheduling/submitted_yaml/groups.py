"""The groups of pods in a document: most kinds have one, a JobSet has several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Group(NamedTuple):
    path: str
    """Of its specification in the document."""
    spec: dict[str, Any]
    """Of a Job, StatefulSet or Deployment."""
    name: str = ""
    """Of one of several."""
    metadata: Mapping[str, Any] = {}


def groups_of(spec: Mapping[str, Any]) -> list[Group]:
    """`spec`: of a document that was read."""
    if "replicatedJobs" not in spec:
        return [Group("spec", dict(spec))]
    return [
        Group(_path(number), job["template"]["spec"], job["name"], job["template"].get("metadata", {}))
        for number, job in enumerate(spec["replicatedJobs"])
    ]


def templates_of(manifest: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The template of each group in a manifest that is stored, with its path in the document."""
    if "groups" not in manifest:
        return [("spec.template", manifest["template"])]
    return [(f"{_path(number)}.template", group["template"]) for number, group in enumerate(manifest["groups"])]


def _path(number: int) -> str:
    return f"spec.replicatedJobs[{number}].template.spec"
