"""Namespaces of projects, and who may do what in them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from orgs.names import SYSTEM_NAMESPACE

from ..access import CLUSTER_ROLES, POLICIES
from ..gateway import GatewayError
from ..seen import SeenNamespace
from . import decode, manifests
from .calls import NOT_FOUND, QUESTIONS_IN_FLIGHT, UNPROCESSABLE, Calls, decoded
from .errors import ApiError
from .seeing import seen_namespace


class Namespaces(Calls):
    def apply_namespace(self, name: str, project: str, *, adopted: bool = False) -> SeenNamespace:
        if SYSTEM_NAMESPACE.fullmatch(name):
            raise GatewayError(f"The namespace {name} belongs to the cluster itself: choose another.")
        path = f"/api/v1/namespaces/{name}"
        give = f"kubectl label namespace {name} {manifests.PROJECT}={project}"
        level = manifests.BASELINE
        try:
            found = decoded(self.call("GET", path), decode.Labelled)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
            if adopted:
                raise GatewayError(
                    f"There is no namespace {name}: whoever administers the cluster creates it, then runs: {give}"
                ) from error
        else:
            if found.metadata.deletion_timestamp is not None:
                raise GatewayError(f"The namespace {name} is being deleted: try again when it is gone.")
            owner = found.metadata.labels.get(manifests.PROJECT)
            if owner is None:
                # People of the project get rights in it: that is for others than the project's to allow.
                raise GatewayError(
                    f"The namespace {name} is there already: whoever administers the cluster gives it to the project "
                    f"by: {give}"
                )
            if owner != project:
                raise GatewayError(f"The namespace {name} belongs to the project {owner}: choose another.")
            if adopted:
                return seen_namespace(found)
            level = found.metadata.labels.get(manifests.POD_SECURITY, level)
        return seen_namespace(decoded(self.apply(path, manifests.namespace(name, project, level)), decode.Labelled))

    def access_missing(self) -> tuple[str, ...]:
        admission = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
        paths = {name: [f"{manifests.RBAC}/clusterroles/{name}"] for name in CLUSTER_ROLES}
        paths |= {name: [f"{admission}ies/{name}", f"{admission}ybindings/{name}"] for name in POLICIES}
        needed = [path for some in paths.values() for path in some]
        with ThreadPoolExecutor(QUESTIONS_IN_FLIGHT) as executor:
            there = dict(zip(needed, executor.map(self.is_there, needed), strict=True))
        return tuple(name for name, some in paths.items() if not all(there[path] for path in some))

    def apply_binding(self, namespace: str, role: str, people: Sequence[str]) -> None:
        path = _binding_path(namespace, role)
        manifest = manifests.role_binding(namespace=namespace, role=role, people=people)
        try:
            self.apply(path, manifest)
        except ApiError as error:
            if error.status != UNPROCESSABLE:
                raise
            # Somebody put one to another role in its place, and that of a binding cannot be changed.
            self.delete_binding(namespace, role)
            self.apply(path, manifest)

    def delete_binding(self, namespace: str, role: str) -> None:
        try:
            self.call("DELETE", _binding_path(namespace, role))
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise


def _binding_path(namespace: str, role: str) -> str:
    return f"{manifests.RBAC}/namespaces/{namespace}/rolebindings/{role}"
