"""Writes down what a cluster shows, and reconciles it with what people want."""

from __future__ import annotations

import threading
import time
from typing import Any

import structlog
from django.db.models.functions import Now

from orgs.models import ClusterInfo
from portal.points import point
from scheduling.clusters.gateway import Gateway, GatewayError, RightsMissingError
from scheduling.clusters.registry import gateway_for
from scheduling.clusters.seen import Health, Seen

from .access_sync import AccessSync
from .missing_pods import MissingPods
from .observed import Observed
from .reconcile import Reconciler, has_to_do
from .rows import clean
from .tenure import Tenure
from .thread import Gone

SEEN_SECONDS = 5.0
"""How often `last_seen` is written while nothing changes."""
LONGEST_PAUSE_SECONDS = 3.0
"""Between two tries to reach a cluster: when it is back, that is all that is lost."""
NAMING_SECONDS = 2.0
"""Waited for the names of rights that may be missing."""
log = structlog.get_logger()


class Rights:
    """Whether the cluster grants what Bursar needs, asked beside the work of the observer."""

    def __init__(self, gateway: Gateway) -> None:
        self._problem: Exception | None = None
        self._asking = threading.Thread(target=self._ask, args=[gateway], name="rights", daemon=True)
        self._asking.start()

    def _ask(self, gateway: Gateway) -> None:
        try:
            gateway.require_rights()
        except Exception as problem:
            self._problem = problem

    @property
    def are_known(self) -> bool:
        return not self._asking.is_alive()

    def require(self, seconds: float | None = None) -> None:
        """Waits for the answer, no longer than that. Raises RightsMissingError, or why there was none."""
        self._asking.join(seconds)
        if self._problem:
            raise self._problem


class Observer:
    """Observes one cluster, and wakes this worker's loops when something changed there.

    A step is one watch, from its first listing until it breaks.
    """

    def __init__(self, cluster: int, tell: threading.Event, wake: threading.Event) -> None:
        """`tell` is set when something changed there; who sets `wake` has something to be done there."""
        self.cluster = cluster
        self.tell = tell
        self.wake = wake
        self._pause = 1.0
        self._missing_pods = MissingPods(cluster)

    def step(self, tenure: Tenure, stop: threading.Event) -> None:
        tenure.keep()
        try:
            gateway = gateway_for(self.cluster)
            version = gateway.check()
            rights = Rights(gateway)
            if not self._was_connected():
                rights.require()
            try:
                self._recognize(gateway.identity(), tenure)
                self._watch(gateway, version, rights, tenure, stop)
            except GatewayError:
                # It may be for want of rights: then these are named.
                rights.require(NAMING_SECONDS)
                raise
        except ClusterInfo.DoesNotExist:
            raise Gone from None
        except GatewayError as problem:
            log.warning("cluster_out_of_reach", cluster=self.cluster, problem=str(problem))
            self._disconnected(tenure, problem)
            # The lease is kept meanwhile: the cluster would not answer another either.
            tenure.wait(self._pause, stop)
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _recognize(self, identity: str, tenure: Tenure) -> None:
        """Another cluster under the same name would end all work here: nothing of it would be there. The same one under
        two names would be told two things."""
        known = ClusterInfo.objects.values_list("identity", flat=True).get(pk=self.cluster)
        if known and identity != known:
            raise GatewayError(
                "This is another cluster than the one that was connected: its namespace kube-system is another. Give "
                "credentials of the former one, or disconnect this one and connect the other."
            )
        if identity != known:
            with tenure.recording():
                if ClusterInfo.objects.filter(identity=identity).exists():
                    raise GatewayError(
                        "This cluster is connected already, under another name and address. Disconnect one of the two."
                    )
                ClusterInfo.objects.filter(pk=self.cluster).update(identity=identity)

    def _was_connected(self) -> bool:
        """Whoever observed it last had all rights: who takes over goes on, and asks meanwhile."""
        state = ClusterInfo.State.CONNECTED
        return ClusterInfo.objects.filter(pk=self.cluster, state=state).exists()

    def _watch(self, gateway: Gateway, version: str, rights: Rights, tenure: Tenure, stop: threading.Event) -> None:
        observed = Observed(self.cluster)
        reconciler = Reconciler(self.cluster, gateway, observed)
        access = AccessSync(self.cluster, gateway)
        connected = 0.0
        lag: float | None = None
        for seen in gateway.watch(stop):
            self._pause = 1.0
            if seen != Seen() or observed.is_due():
                with tenure.recording():
                    observed.write(seen)
                    if seen.pods:
                        point("observing")
                access.see(seen)
                self.tell.set()
            now = time.monotonic()
            if seen.told_at is not None:
                lag = max(lag or 0.0, now - seen.told_at)
            if rights.are_known and now - connected > SEEN_SECONDS:
                rights.require()
                connected = now
                if gateway_for(self.cluster) is not gateway:
                    # Somebody gave other credentials.
                    return
                self._connected(tenure, version, gateway.health(), lag)
                lag = None
            if observed.listed:
                is_woken = self.wake.is_set()
                self.wake.clear()
                reconciler.look(tenure, has_seen=has_to_do(seen), is_woken=is_woken)
                access.tick(tenure)
                self._missing_pods.tick(gateway, tenure)
            tenure.keep()

    def _connected(self, tenure: Tenure, version: str, health: Health, lag: float | None) -> None:
        values: dict[str, Any] = {
            "state_message": "",
            "server_version": clean(version, 60),
            "last_seen": Now(),
            "missing_rights": [],
            "latency_ms": health.latency_ms,
            "watched": health.watched,
        }
        if lag is not None:
            values["lag_ms"] = int(lag * 1000)
        state = ClusterInfo.State.CONNECTED
        row = ClusterInfo.objects.filter(pk=self.cluster)
        with tenure.recording():
            if not row.filter(state=state).update(**values) and not row.update(
                state=state, state_since=Now(), **values
            ):
                raise Gone

    def _disconnected(self, tenure: Tenure, problem: GatewayError) -> None:
        state, message = ClusterInfo.State.DISCONNECTED, clean(str(problem), 500)
        rights = list(problem.rights) if isinstance(problem, RightsMissingError) else []
        row = ClusterInfo.objects.filter(pk=self.cluster)
        with tenure.recording():
            row.exclude(state=state).update(state=state, state_since=Now(), lag_ms=None, latency_ms=None)
            row.exclude(state_message=message, missing_rights=rights).update(
                state_message=message, missing_rights=rights
            )
