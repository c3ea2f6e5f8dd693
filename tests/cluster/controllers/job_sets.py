"""JobSet: its kind, its controller and its checks, as the project ships them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.control_plane import ControlPlane
from tests.cluster.controllers.controller import Shipped

KIND = "jobsets.jobset.x-k8s.io"
NAMESPACE, NAME = "jobset-system", "jobset-controller-manager"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{NAME}"
OF_JOB_SETS = {"matchExpressions": [{"key": "jobset.sigs.k8s.io/jobset-name", "operator": "Exists"}]}


def job_sets_path(namespace: str) -> str:
    return f"/apis/jobset.x-k8s.io/v1alpha2/namespaces/{namespace}/jobsets"


@contextmanager
def job_sets(control_plane: ControlPlane) -> Iterator[None]:
    """The server knows the kind, and its controller works."""
    shipped = Shipped(control_plane, "jobset", NAMESPACE, NAME)
    try:
        shipped.make_kind("crd/bases/jobset.x-k8s.io_jobsets.yaml")
        kubeconfig = shipped.give_account("rbac/role.yaml")
        certificates, bundle = shipped.make_certificates()
        config = shipped.write_config("config.jobset.x-k8s.io/v1alpha1", certificates)
        with shipped.running(f"--kubeconfig={kubeconfig}", f"--config={config}"):
            of_pods = dict.fromkeys(("mpod.kb.io", "vpod.kb.io"), OF_JOB_SETS)
            shipped.make_checks("webhook/manifests.yaml", bundle, of_pods)
            yield
    finally:
        shipped.remove()
