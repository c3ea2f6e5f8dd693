"""Who holds what in a pool: kept by its loop in step with the rows of `Allocation`.

A loop writes them with the hours of use, in one transaction, from one cycle, by one clock of whole seconds: so the
rows of a project and its hours add up to the same, whoever dies between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Max

from quotas.models import UnitUsage
from scheduling.engine.types import PodState, Workload
from scheduling.models import Allocation
from scheduling.models import Workload as WorkloadRow
from scheduling.quantities import device_share_milli

from .cycle import Cycle
from .rows import update_rows

WEEK = timedelta(days=7)


class Held(NamedTuple):
    """What the pods of a workload hold on a node: its columns of these names."""

    gpu_milli: int
    cpu_millicores: int
    memory_bytes: int
    pods: int


NOTHING = Held(0, 0, 0, 0)
Place = tuple[int, int]
"""A workload and a node (ids)."""


@dataclass(slots=True)
class Span:
    """A row: new as long as it has no key."""

    project: int
    held: Held
    started_at: datetime
    pk: int | None = None
    ended_at: datetime | None = None
    end_code: str = ""


def week_of(at: datetime) -> date:
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def next_week(at: datetime) -> datetime:
    """When the next week begins."""
    monday = week_of(at) + WEEK
    return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)


class Holdings:
    """One pool's. Forget it when its changes were not written."""

    def __init__(self, pool: int) -> None:
        self.pool = pool
        rows = Allocation.objects.filter(pool=pool, ended_at=None).values_list(
            "pk", "workload_id", "node", "project_id", "started_at", *Held._fields
        )
        self._open: dict[int, dict[int, Span]] = {}
        """By workload and node."""
        for pk, workload, node, project, started_at, *held in rows:
            self._open.setdefault(workload, {})[node] = Span(project, Held(*held), started_at, pk)
        self._moment: datetime | None = UnitUsage.objects.filter(pool=pool).aggregate(latest=Max("since"))["latest"]
        self._seen: dict[int, Workload] = {}
        self._decided: set[int] = set()
        """Workloads whose pods the last cycle placed or stopped."""
        self._gpu_memory: dict[int, int] = {}
        self._week: date | None = None
        """Up to which all rows have been cut."""

    def moment(self, at: datetime) -> datetime:
        """As which second a cycle counts. It never goes back, whatever the clock of another machine says."""
        second = at.replace(microsecond=0)
        self._moment = latest = max(second, self._moment or second)
        return latest

    def change(self, cycle: Cycle, at: datetime) -> AllocationChange | None:
        """What differs from the rows after the cycle, which counts as the second `at`."""
        spans = list(self._cut(at))
        codes = {item.workload: str(item.code) for item in cycle.decisions.evicts}
        for workload, project, now in self._news(cycle):
            spans += self._become(workload, project, now, at, codes.get(workload, ""))
        once = {id(span): (place, span) for place, span in spans}
        return AllocationChange(self.pool, list(once.values())) if once else None

    def _news(self, cycle: Cycle) -> Iterator[tuple[int, int, Mapping[int, Held]]]:
        """Workloads that may hold something else than before, their projects, and what they hold by node."""
        made = cycle.decisions
        decided = {item.workload for item in made.places} | {item.workload for item in made.evicts}
        touched, self._decided = decided | self._decided, decided
        places = {item.pod: item.node for item in made.places}
        stopped = {item.pod for item in made.evicts}
        gpu_memory = {node.id: node.device_memory_mib for node in cycle.snapshot.nodes}
        same_nodes, self._gpu_memory = gpu_memory == self._gpu_memory, gpu_memory
        before, self._seen = self._seen, cycle.workloads()
        for pk, workload in self._seen.items():
            if pk in touched or not same_nodes or before.get(pk) is not workload:
                yield pk, workload.unit, held_by(workload, places, stopped, gpu_memory)
        for pk in self._open.keys() - self._seen.keys():
            yield pk, 0, {}

    def _become(
        self, workload: int, project: int, now: Mapping[int, Held], at: datetime, code: str
    ) -> Iterator[tuple[Place, Span]]:
        rows = self._open.get(workload, {})
        for node in sorted(rows.keys() | now.keys()):
            span, held = rows.get(node), now.get(node)
            if span and held == span.held:
                continue
            if span:
                span.ended_at, span.end_code = at, "" if held else code
                del rows[node]
                yield (workload, node), span
            if held:
                span = Span(project, held, at)
                self._open.setdefault(workload, {})[node] = span
                yield (workload, node), span
        if not self._open.get(workload):
            self._open.pop(workload, None)

    def _cut(self, at: datetime) -> Iterator[tuple[Place, Span]]:
        """What began in an earlier week ends with it, and goes on in the next."""
        week = week_of(at)
        if week == self._week:
            return
        self._week = week
        for workload, rows in self._open.items():
            for node, span in rows.items():
                while week_of(span.started_at) < week:
                    span.ended_at = next_week(span.started_at)
                    yield (workload, node), span
                    span = rows[node] = Span(span.project, span.held, span.ended_at)
                    yield (workload, node), span


@dataclass(frozen=True, slots=True)
class AllocationChange:
    pool: int
    spans: list[tuple[Place, Span]]

    def write(self) -> None:
        """What ended before what begins: a workload holds a node in one open row."""
        empty = [span.pk for _, span in self.spans if span.pk and span.ended_at == span.started_at]
        if empty:
            Allocation.objects.filter(pk__in=empty).delete()
        ended = [
            (span.pk, span.ended_at, span.end_code)
            for _, span in self.spans
            if span.pk and span.ended_at and span.ended_at > span.started_at
        ]
        update_rows(Allocation, ("ended_at", "end_code"), ended)
        new = [(place, span) for place, span in self.spans if not span.pk and span.ended_at != span.started_at]
        if not new:
            return
        found = WorkloadRow.objects.filter(pk__in={workload for (workload, _), _ in new})
        people = dict(found.values_list("pk", "submitted_by_id"))
        rows = [
            Allocation(
                pool_id=self.pool,
                workload_id=workload,
                node=node,
                project_id=span.project,
                submitted_by_id=people.get(workload),
                week=week_of(span.started_at),
                started_at=span.started_at,
                ended_at=span.ended_at,
                end_code=span.end_code,
                **span.held._asdict(),
            )
            for (workload, node), span in new
        ]
        for (_, span), row in zip(new, Allocation.objects.bulk_create(rows), strict=True):
            span.pk = row.pk


def held_by(
    workload: Workload, places: Mapping[int, int], stopped: Collection[int], gpu_memory: Mapping[int, int]
) -> dict[int, Held]:
    """By node: what counts in the account of its project after the cycle; pods that are being stopped do not.

    `places`: the nodes of pods that start now; `stopped`: pods that are stopped now; `gpu_memory`: MiB by node.
    """
    found: dict[int, Held] = {}
    for group in workload.sub_groups:
        for pod in group.pods:
            node = places.get(pod.id, (pod.node or 0) if pod.state is PodState.BOUND else None)
            if node is None or pod.id in stopped:
                continue
            request = pod.request or group.request
            gpu, cpu, memory = request.amounts
            if request.device_memory_mib:
                gpu = request.devices * device_share_milli(request.device_memory_mib, gpu_memory.get(node, 0))
            have = found.get(node, NOTHING)
            found[node] = Held(*(a + b for a, b in zip(have, (gpu, cpu, memory, 1), strict=True)))
    return found
