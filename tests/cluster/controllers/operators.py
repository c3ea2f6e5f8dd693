"""Controllers of kinds that Bursar finds: LeaderWorkerSet, MPIJob and PyTorchJob."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.cluster.control_plane import ControlPlane
from tests.cluster.controllers.controller import Shipped, with_webhooks
from tests.cluster.shipped import ADMISSION

TRAINING_CERTIFICATES = Path("/tmp/k8s-webhook-server/serving-certs")
"""It looks there, and nowhere else, whether its certificates have been mounted; it reads them from `$TMPDIR`."""


def leader_worker_sets(control_plane: ControlPlane) -> AbstractContextManager[None]:
    return with_webhooks(
        Shipped(control_plane, "lws", "lws-system", "lws-controller-manager"),
        kind="crd/bases/leaderworkerset.x-k8s.io_leaderworkersets.yaml",
        config_version="config.lws.x-k8s.io/v1alpha1",
        label="leaderworkerset.sigs.k8s.io/name",
    )


@contextmanager
def mpi_jobs(control_plane: ControlPlane) -> Iterator[None]:
    with Shipped(control_plane, "mpi-operator", "mpi-operator", "mpi-operator") as shipped:
        # It listens there, and nowhere else.
        shipped.ready = "http://127.0.0.1:8080/healthz"
        shipped.make_kind("kubeflow.org_mpijobs.yaml")
        kubeconfig = shipped.give_account("cluster-role.yaml")
        with shipped.running(f"--kubeConfig={kubeconfig}", "--lock-namespace=mpi-operator", "--kube-api-qps=100"):
            yield


@contextmanager
def pytorch_jobs(control_plane: ControlPlane) -> Iterator[None]:
    """Without its webhook, which checks what people write."""
    with Shipped(control_plane, "training-operator", "kubeflow", "training-operator") as shipped:
        shipped.make_kind("crds/kubeflow.org_pytorchjobs.yaml")
        kubeconfig = shipped.give_account("rbac/role.yaml")
        shipped.make_certificates()
        TRAINING_CERTIFICATES.mkdir(parents=True, exist_ok=True)
        (TRAINING_CERTIFICATES / "tls.crt").touch()
        secrets = f"/api/v1/namespaces/{shipped.namespace}/secrets"
        shipped.make(secrets, {"metadata": {"name": "training-operator-webhook-cert"}})
        checks = {"metadata": {"name": "validator.training-operator.kubeflow.org"}}
        shipped.make(f"{ADMISSION}/validatingwebhookconfigurations", checks)
        with shipped.running(
            f"--kubeconfig={kubeconfig}",
            "--enable-scheme=pytorchjob",
            "--metrics-bind-address=0",
            f"--health-probe-bind-address=127.0.0.1:{shipped.health_port}",
            f"--webhook-server-port={shipped.webhook_port}",
            "--kube-api-qps=100",
        ):
            yield
