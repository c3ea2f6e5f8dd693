"""Keeps the label of a workload's object and pods a copy of the pool it is assigned to."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection

import structlog
from django.db.models import F, Q

from portal.selectors.feed import Missed, feed_read, feed_seq
from scheduling.clusters.gateway import Gateway, GatewayError
from scheduling.clusters.orders import PoolLabel
from scheduling.models import Pod, Workload
from scheduling.workload_keys import KEY, key_of

from .tenure import Tenure

AGAIN_SECONDS = 5.0
BATCH = 50
log = structlog.get_logger()


class Labels:
    """One cluster's. Looks at everything once, then at the workloads that the change feed names."""

    def __init__(self, cluster: int, gateway: Gateway) -> None:
        self.cluster = cluster
        self.gateway = gateway
        self._seq: int | None = None
        self._due: set[int] = set()
        """Workloads whose label could not be written, to be tried again."""
        self._again_at = 0.0

    @property
    def has_more(self) -> bool:
        """Some labels are still to be written, and may be tried now."""
        return bool(self._due) and time.monotonic() >= self._again_at

    def tick(self, tenure: Tenure) -> None:
        """Writes the labels that differ; of what waits only, for what runs stays where it is. One query when nothing
        has changed."""
        named = self._news()
        if named is None:
            self._due.clear()
        else:
            if time.monotonic() >= self._again_at:
                named |= self._due
            if not named:
                return
            self._due -= named
        labels = _differing(self.cluster, named)
        for number, (pk, label) in enumerate(labels):
            if number == BATCH or not tenure.may_call():
                self._due.update(pk for pk, _ in labels[number:])
                return
            try:
                self.gateway.label_pool(label)
            except GatewayError as problem:
                log.warning("pool_not_labelled", workload=pk, problem=str(problem))
                self._due.add(pk)
                self._again_at = time.monotonic() + AGAIN_SECONDS

    def _news(self) -> set[int] | None:
        """Workloads that have changed; None: any of them."""
        try:
            if self._seq is None:
                raise Missed
            news = feed_read(self.cluster, self._seq)
            self._seq = news.seq
        except Missed:
            self._seq = feed_seq(self.cluster)
            return None
        return None if news.workloads is None else set(news.workloads)


def _differing(cluster: int, only: Collection[int] | None) -> list[tuple[int, PoolLabel]]:
    """Workloads of which pods that wait have another pool's label. `only`: these (ids). What was found keeps its label:
    it says which pool its maker wants."""
    label = Q(pool__isnull=True) | ~Q(pool=F("workload__assignment__pool"))
    rows = Pod.objects.filter(
        label,
        phase=Pod.Phase.PENDING,
        node__isnull=True,
        workload__cluster=cluster,
        workload__origin="",
        workload__is_active=True,
        workload__desired=Workload.Desired.RUNNING,
        workload__assignment__isnull=False,
    )
    if only is not None:
        rows = rows.filter(workload__in=only)
    pods: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for workload, name, uid in rows.order_by("workload", "pk").values_list("workload_id", "name", "uid"):
        pods[workload].append((name, uid))
    if not pods:
        return []
    found = Workload.objects.filter(pk__in=pods).order_by("pk").values_list("pk", *KEY, "assignment__pool__name")
    return [(pk, PoolLabel(key_of(*key), pool, tuple(pods[pk]))) for pk, *key, pool in found]
