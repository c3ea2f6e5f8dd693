"""What waits in a cluster and may be tried in several pools: read once, then what the change feed names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from portal.selectors.feed import Missed, feed_read, feed_seq
from quotas.models import Pool
from scheduling.choosing import Candidate
from scheduling.models import OPEN_STATES, Decision, PoolTry, SubGroup, Workload
from scheduling.selectors.asks import ask_of

MOST_UNSEEN = 2000
"""Of more workloads that no loop has looked at yet, those that came first are counted."""
MOST_TOUCHED = 5000
FIELDS = (
    "pk",
    "project_id",
    "priority",
    "preemptible",
    "near_required",
    "created_at",
    "state_since",
    "assignment__pool_id",
    "assignment__epoch",
    "assignment__at",
    "assignment__moves",
)


class WaitingList:
    """One cluster's."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self.candidates: dict[int, Candidate] = {}
        self.tries: dict[tuple[int, int], str] = {}
        """Codes of the rows of `PoolTry`, by workload and pool."""
        self.pools: dict[int, str] = {}
        """Names of the cluster's pools."""
        self._default: tuple[int, ...] = ()
        self._seq: int | None = None

    def look(self) -> bool:
        """Reads what has changed; whether anything has. One query when nothing did."""
        if self._seq is None:
            return self._read_all()
        try:
            news = feed_read(self.cluster, self._seq)
        except Missed:
            return self._read_all()
        if news.seq == self._seq:
            return False
        if news.config or news.workloads is None or len(news.workloads) > MOST_TOUCHED:
            return self._read_all()
        if news.workloads:
            self._read(news.workloads)
        self._seq = news.seq
        return True

    def _read_all(self) -> bool:
        seq = feed_seq(self.cluster)
        rows = Pool.objects.filter(cluster=self.cluster).order_by("pk").values_list("pk", "name", "is_default")
        found = list(rows)
        self.pools = {pk: name for pk, name, _ in found}
        self._default = tuple(pk for pk, _, is_default in found if is_default)
        self.candidates, self.tries = {}, {}
        self._read(None)
        self._seq = seq
        return True

    def _read(self, only: Collection[int] | None) -> None:
        """`only`: these workloads (ids)."""
        rows = waiting(self.cluster).order_by("pk")
        tries = PoolTry.objects.filter(workload__in=rows.values("pk"))
        if only is not None:
            rows, tries = rows.filter(pk__in=only), tries.filter(workload__in=only)
            for pk in only:
                self.candidates.pop(pk, None)
            self.tries = {key: code for key, code in self.tries.items() if key[0] not in set(only)}
        ids = {name: pk for pk, name in self.pools.items()}
        orders: dict[int, tuple[int, ...]] = {}
        found = []
        for *fields, spec in rows.values_list(*FIELDS, "spec__spec"):
            pk, pool = fields[0], fields[7]
            names = (spec or {}).get("pools", ())
            order = tuple(ids[name] for name in names if name in ids) or self._default
            if pool is None or set(order) - {pool}:
                orders[pk] = order
                found.append(fields)
        if not found:
            return
        groups = groups_of(orders)
        self.candidates.update(
            (row[0], _candidate(row, groups[row[0]], orders[row[0]])) for row in found if row[0] in groups
        )
        for workload, pool, code in tries.values_list("workload_id", "pool_id", "code"):
            self.tries[workload, pool] = code


def unseen(cluster: int) -> list[Candidate]:
    """What waits in a pool whose loop has not looked at it yet: it is about to take room there. Two queries."""
    decided = Decision.objects.filter(workload=OuterRef("pk"), state__in=OPEN_STATES)
    rows = waiting(cluster).filter(waiting__isnull=True, assignment__isnull=False).exclude(Exists(decided))
    found = list(rows.order_by("pk").values_list(*FIELDS)[:MOST_UNSEEN])
    groups = groups_of([row[0] for row in found]) if found else {}
    return [_candidate(row, groups[row[0]], (row[7],)) for row in found if row[0] in groups]


def _candidate(row: Sequence[Any], groups: Sequence[SubGroup], order: tuple[int, ...]) -> Candidate:
    """`row`: values of FIELDS."""
    pk, project, priority, preemptible, near, created_at, state_since, pool, epoch, at, moves = row
    return Candidate(
        id=pk,
        project=project,
        shape=groups[0].request_class,
        priority=priority,
        created_at=created_at,
        ask=ask_of(preemptible, groups, near),
        order=order,
        pool=pool,
        epoch=epoch or 0,
        since=max(state_since, at or state_since),
        moves=moves or 0,
        is_bound=bool(near),
    )


def waiting(cluster: int) -> QuerySet[Workload]:
    return Workload.objects.filter(
        cluster=cluster, is_active=True, state=Workload.State.WAITING, desired=Workload.Desired.RUNNING
    )


def groups_of(workloads: Iterable[int]) -> dict[int, list[SubGroup]]:
    found: dict[int, list[SubGroup]] = defaultdict(list)
    for group in SubGroup.objects.filter(workload__in=list(workloads)).order_by("pk"):
        found[group.workload_id].append(group)
    return found
