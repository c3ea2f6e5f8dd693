"""Writes down what a cluster shows, and reconciles it with what people want."""

from __future__ import annotations

import threading
import time

import structlog
from django.db.models import Q
from django.db.models.functions import Now

from orgs.models import ClusterInfo
from portal.points import point
from scheduling.clusters.gateway import Gateway, GatewayError
from scheduling.clusters.registry import gateway_for
from scheduling.clusters.seen import Seen

from .access_sync import AccessSync
from .observed import Observed
from .reconcile import Reconciler
from .rows import clean
from .tenure import Tenure
from .thread import Gone

RECONCILE_SECONDS = 0.15
"""Apart at least; a watch yields five times a second."""
LONGEST_PAUSE_SECONDS = 3.0
"""Between two tries to reach a cluster: when it is back, that is all that is lost."""
SEEN_SECONDS = 5.0
"""How often `last_seen` is written while nothing changes."""
log = structlog.get_logger()


class Observer:
    """Observes one cluster, and wakes this worker's loops when something changed there.

    A step is one watch, from its first listing until it breaks.
    """

    def __init__(self, cluster: int, wake: threading.Event) -> None:
        self.cluster = cluster
        self.wake = wake
        self._pause = 1.0

    def step(self, tenure: Tenure, stop: threading.Event) -> None:
        tenure.keep()
        try:
            gateway = gateway_for(self.cluster)
            self._watch(gateway, gateway.check(), tenure, stop)
        except ClusterInfo.DoesNotExist:
            raise Gone from None
        except GatewayError as problem:
            log.warning("cluster_out_of_reach", cluster=self.cluster, problem=str(problem))
            self._disconnected(tenure, str(problem))
            # The lease is kept meanwhile: the cluster would not answer another either.
            tenure.wait(self._pause, stop)
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _watch(self, gateway: Gateway, version: str, tenure: Tenure, stop: threading.Event) -> None:
        observed = Observed(self.cluster)
        reconciler = Reconciler(self.cluster, gateway, observed)
        access = AccessSync(self.cluster, gateway)
        reconciled = connected = 0.0
        for seen in gateway.watch(stop):
            self._pause = 1.0
            if seen != Seen():
                with tenure.recording():
                    observed.write(seen)
                    if seen.pods:
                        point("observing")
                access.see(seen)
                self.wake.set()
            now = time.monotonic()
            if now - connected > SEEN_SECONDS:
                connected = now
                self._connected(tenure, version)
            if observed.listed and now - reconciled > RECONCILE_SECONDS:
                reconciled = now
                reconciler.tick(tenure)
                access.tick(tenure)
            tenure.keep()

    def _connected(self, tenure: Tenure, version: str) -> None:
        with tenure.recording():
            found = ClusterInfo.objects.filter(pk=self.cluster).update(
                state=ClusterInfo.State.CONNECTED, state_message="", server_version=clean(version, 60), last_seen=Now()
            )
        if not found:
            raise Gone

    def _disconnected(self, tenure: Tenure, problem: str) -> None:
        state, message = ClusterInfo.State.DISCONNECTED, clean(problem, 500)
        with tenure.recording():
            ClusterInfo.objects.filter(~Q(state=state, state_message=message), pk=self.cluster).update(
                state=state, state_message=message
            )
