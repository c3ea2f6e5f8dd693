"""JobSet: its kind, its controller and its checks, as the project ships them."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tests.cluster.control_plane import ControlPlane
from tests.cluster.controllers.controller import Shipped, with_webhooks

KIND = "jobsets.jobset.x-k8s.io"
NAMESPACE, NAME = "jobset-system", "jobset-controller-manager"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{NAME}"


def job_sets_path(namespace: str) -> str:
    return f"/apis/jobset.x-k8s.io/v1alpha2/namespaces/{namespace}/jobsets"


def job_sets(control_plane: ControlPlane) -> AbstractContextManager[None]:
    """The server knows the kind, and its controller works."""
    return with_webhooks(
        Shipped(control_plane, "jobset", NAMESPACE, NAME),
        kind="crd/bases/jobset.x-k8s.io_jobsets.yaml",
        config_version="config.jobset.x-k8s.io/v1alpha1",
        label="jobset.sigs.k8s.io/jobset-name",
    )
