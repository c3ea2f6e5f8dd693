"""The gateway of each connected cluster, one a process."""

from __future__ import annotations

import threading
from importlib import import_module

from orgs.models import ClusterInfo
from orgs.secrets import decrypt

from .gateway import Gateway, GatewayError
from .simulated import SimulatedGateway

_lock = threading.Lock()
_gateways: dict[int, tuple[tuple[int, str], Gateway]] = {}


def gateway_for(cluster: int) -> Gateway:
    """The gateway of the cluster with this id; a new one when its credentials have changed.

    Raises GatewayError when it cannot be made, ClusterInfo.DoesNotExist when the cluster is gone.
    """
    mode, credentials = ClusterInfo.objects.values_list("mode", "credentials").get(pk=cluster)
    with _lock:
        known = _gateways.get(cluster)
        if known and known[0] == (mode, credentials):
            return known[1]
        gateway = _connect(cluster, mode, credentials)
        _gateways[cluster] = ((mode, credentials), gateway)
    if known:
        known[1].close()
    return gateway


def make_ready() -> None:
    """Imports Kubernetes' own client, where there are such clusters: half a second, which who takes over from a dead
    worker had better spend before."""
    if ClusterInfo.objects.filter(mode=ClusterInfo.Mode.KUBERNETES).exists():
        import_module("kubernetes.client")


def _connect(cluster: int, mode: int, credentials: str) -> Gateway:
    if mode == ClusterInfo.Mode.SIMULATED:
        return SimulatedGateway(cluster)
    # The Kubernetes side takes a while to import, and an installation may have simulated clusters only.
    from scheduling.clusters import kubernetes

    try:
        return kubernetes.connect(decrypt(credentials))
    except ValueError as problem:
        raise GatewayError(str(problem)) from problem
