"""Clusters that are Kubernetes: connecting to one, and looking over the kubeconfig that a person gives for it."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from orgs.hooks import ClusterAccess
from portal.errors import Refused

from .cleaning import Cleaner
from .credentials import Credentials
from .gateway import KubernetesGateway
from .in_cluster import IN_CLUSTER, in_cluster
from .kubeconfig import KubeconfigError, parse_kubeconfig
from .transport import Transport

CLEANING_SECONDS = 30.0
"""Of a call."""


def vet_kubeconfig(kubeconfig: str) -> ClusterAccess:
    """Of a kubeconfig, or of the word that stands for the cluster that this runs in.

    Answers `orgs.hooks.cluster_credentials_vetted`.
    """
    try:
        if kubeconfig.strip() == IN_CLUSTER:
            credentials = in_cluster(Path(settings.SERVICE_ACCOUNT_FOLDER))
        else:
            credentials = parse_kubeconfig(kubeconfig, allow_local=settings.ALLOW_LOCAL_CLUSTERS)
    except KubeconfigError as error:
        raise Refused({"kubeconfig": str(error)}) from error
    return ClusterAccess(address=credentials.server, credentials=credentials.dump())


def connect(credentials: str) -> KubernetesGateway:
    """The gateway to the cluster of these credentials, decrypted. Raises ValueError when they cannot be read."""
    return KubernetesGateway(
        Credentials.load(credentials),
        call_timeout_seconds=settings.CALL_TIMEOUT_SECONDS,
        allow_local=settings.ALLOW_LOCAL_CLUSTERS,
    )


def cleaner(kubeconfig: str) -> Cleaner:
    """Of a cluster that an operator names, also on this host. Raises KubeconfigError."""
    transport = Transport(parse_kubeconfig(kubeconfig, allow_local=True), connections=1, allow_local=True)
    return Cleaner(transport, timeout_seconds=CLEANING_SECONDS)
