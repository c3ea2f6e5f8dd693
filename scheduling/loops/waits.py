"""Why workloads wait: one reason for those that are alike, and who shares it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduling.models import SubGroup, WaitClass, Waiting

from .cycle import Cycle
from .rows import update_rows

Key = tuple[int, int, str]
"""Project, request class and code."""


@dataclass(frozen=True, slots=True)
class WaitChange:
    """What differs from the rows of the pool."""

    pool: int
    at: datetime
    new: dict[Key, dict[str, Any]]
    """Numbers of reasons without a row."""
    changed: dict[int, dict[str, Any]]
    """Numbers of reasons by their ids."""
    unused: list[int]
    known: dict[Key, int]
    waiting: dict[int, Key]
    """Workloads that begin to wait, or for another reason."""
    done: list[int]
    """Workloads that wait no longer."""

    @classmethod
    def of(cls, cycle: Cycle) -> WaitChange | None:
        waits = cycle.decisions.waits
        workloads = cycle.workloads()
        shapes: dict[int, int] = {}
        groups = SubGroup.objects.filter(workload__in=[wait.workload for wait in waits]).order_by("-pk")
        for workload, shape in groups.values_list("workload_id", "request_class"):
            shapes[workload] = shape
        numbers: dict[Key, dict[str, Any]] = {}
        keys: dict[int, Key] = {}
        for wait in waits:
            if wait.workload in shapes:
                key = keys[wait.workload] = (workloads[wait.workload].unit, shapes[wait.workload], str(wait.code))
                numbers.setdefault(key, wait.numbers)
        known: dict[Key, int] = {}
        changed: dict[int, dict[str, Any]] = {}
        rows = WaitClass.objects.filter(pool=cycle.pool)
        for pk, project, shape, code, old in rows.values_list("pk", "project_id", "request_class", "code", "numbers"):
            key = (project, shape, code)
            known[key] = pk
            if key in numbers and numbers[key] != old:
                changed[pk] = numbers[key]
        before = dict(Waiting.objects.filter(wait_class__pool=cycle.pool).values_list("pk", "wait_class_id"))
        waiting = {pk: key for pk, key in keys.items() if pk not in before or before[pk] != known.get(key)}
        change = cls(
            pool=cycle.pool,
            at=cycle.at,
            new={key: value for key, value in numbers.items() if key not in known},
            changed=changed,
            unused=[pk for key, pk in known.items() if key not in numbers],
            known=known,
            waiting=waiting,
            done=[pk for pk in before if pk not in keys],
        )
        return change if change.new or changed or change.unused or waiting or change.done else None

    def write(self) -> None:
        update_rows(WaitClass, ("numbers", "as_of"), [(pk, value, self.at) for pk, value in self.changed.items()])
        created = WaitClass.objects.bulk_create(
            WaitClass(
                pool_id=self.pool, project_id=project, request_class=shape, code=code, numbers=value, as_of=self.at
            )
            for (project, shape, code), value in self.new.items()
        )
        ids = self.known | {(row.project_id, row.request_class, row.code): row.pk for row in created}
        Waiting.objects.bulk_create(
            (
                Waiting(workload_id=pk, wait_class_id=ids[key], since=self.at)
                for pk, key in sorted(self.waiting.items())
            ),
            update_conflicts=True,
            unique_fields=["workload"],
            update_fields=["wait_class"],
        )
        # Who was moved may have a reason of its new pool by now.
        Waiting.objects.filter(pk__in=self.done, wait_class__pool=self.pool).delete()
        WaitClass.objects.filter(pk__in=self.unused).delete()
