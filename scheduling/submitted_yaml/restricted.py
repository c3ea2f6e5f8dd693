"""What a namespace of the Pod Security level `restricted` asks for beyond `baseline`, which is checked always."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .checks import Wrong
from .groups import templates_of

WHY = "The namespace of this project is of the Pod Security level restricted."
Problem = tuple[str, str]


def check_restricted(manifest: Mapping[str, Any]) -> None:
    """Of pods that are taken otherwise: so their volumes and profiles are of kinds that it lets in. Raises Wrong."""
    problems = [
        problem for path, template in templates_of(manifest) for problem in _of_pod(f"{path}.spec", template["spec"])
    ]
    if problems:
        raise Wrong(*problems)


def _of_pod(path: str, spec: Mapping[str, Any]) -> Iterator[Problem]:
    containers = [
        (f"{path}.{field}[{number}].securityContext", one.get("securityContext", {}))
        for field in ("containers", "initContainers")
        for number, one in enumerate(spec.get(field, ()))
    ]
    yield from _of_both(f"{path}.securityContext", spec.get("securityContext", {}), [own for _, own in containers])
    for where, own in containers:
        yield from _user(where, own)
        yield from _rights(where, own)


def _of_both(path: str, pod: Mapping[str, Any], containers: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """What the pod says for all containers that do not say it themselves."""
    yield from _user(path, pod)
    if "runAsNonRoot" not in pod and not all("runAsNonRoot" in own for own in containers):
        yield f"{path}.runAsNonRoot", f"{WHY} Write true, and use an image that does not run as root."
    if "seccompProfile" not in pod and not all("seccompProfile" in own for own in containers):
        yield f"{path}.seccompProfile.type", f"{WHY} Write RuntimeDefault."


def _user(path: str, own: Mapping[str, Any]) -> Iterator[Problem]:
    if own.get("runAsNonRoot") is False:
        yield f"{path}.runAsNonRoot", f"{WHY} Write true, and use an image that does not run as root."
    if own.get("runAsUser") == 0:
        yield f"{path}.runAsUser", f"{WHY} Write another number than 0, which is root."


def _rights(path: str, own: Mapping[str, Any]) -> Iterator[Problem]:
    if "allowPrivilegeEscalation" not in own:
        yield f"{path}.allowPrivilegeEscalation", f"{WHY} Write false."
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield f"{path}.capabilities.drop", f"{WHY} Write [ALL]."
    for number, name in enumerate(capabilities.get("add", ())):
        if name != "NET_BIND_SERVICE":
            yield f"{path}.capabilities.add[{number}]", f"{WHY} Only NET_BIND_SERVICE may be added. Remove it."
