"""Rolls hours of use up into days, and days into months.

A day of a pool is rolled up once, when nothing can be added to its hours any more: every level has been counted up to a
later moment. Its rows and the mark that it is done are one transaction, so a task that dies, runs twice or runs
beside another changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min, Q, QuerySet, Sum
from django.utils import timezone

from orgs.models import OrgUnit, UnitKind
from quotas.models import (
    CapacityHour,
    LendingDay,
    Pool,
    PoolSummary,
    RolledUp,
    UnitUsage,
    UsageDay,
    UsageHour,
    UsageMonth,
)
from scheduling.lending import UNASSIGNED, flows, lent_by
from scheduling.loops.usage import COUNTED

DAY = timedelta(days=1)
Sums = dict[int, int]


def roll_up(now: datetime | None = None) -> int:
    """How many days of pools were rolled up."""
    done = 0
    for pool in Pool.objects.order_by("pk"):
        until = _counted_until(pool, now or timezone.now())
        mark = _mark(pool, until)
        while mark.until < until:
            done += _roll_day(pool, mark.until)
            mark = RolledUp.objects.get(pk=pool.pk)
        while next_month(mark.months_until) <= mark.until:
            _roll_month(pool, mark.months_until)
            mark = RolledUp.objects.get(pk=pool.pk)
    return done


def next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def hours_of(day: date) -> Q:
    begin = datetime.combine(day, time(), UTC)
    return Q(at__gte=begin, at__lt=begin + DAY)


def _mark(pool: Pool, until: date) -> RolledUp:
    found = RolledUp.objects.filter(pk=pool.pk).first()
    if found is None:
        first = UsageHour.objects.filter(pool=pool).aggregate(first=Min("at"))["first"]
        day = min(first.astimezone(UTC).date(), until) if first else until
        found, _ = RolledUp.objects.get_or_create(
            pool=pool, defaults={"until": day, "months_until": day.replace(day=1)}
        )
    return found


def _counted_until(pool: Pool, now: datetime) -> date:
    """The first day to which something may still be added."""
    counts = Q(gpu_milli__gt=0) | Q(cpu_millicores__gt=0) | Q(memory_bytes__gt=0)
    wants = Q(idle_gpu_milli__gt=0) | Q(requested_gpu_milli__gt=0)
    units = UnitUsage.objects.filter(counts | wants, pool=pool).aggregate(first=Min("since"))["first"]
    capacity = PoolSummary.objects.filter(counts, pool=pool).aggregate(first=Min("since"))["first"]
    return min(at for at in (units, capacity, now) if at).astimezone(UTC).date()


def _roll_day(pool: Pool, day: date) -> int:
    """1, or 0 where somebody else was quicker."""
    rows = _summed(UsageHour.objects.filter(hours_of(day), pool=pool), COUNTED)
    units = {unit.pk: unit for unit in OrgUnit.objects.filter(pk__in=rows)}
    lent, between = _lending(pool, day, units)
    days = [
        UsageDay(
            unit_id=pk,
            kind=units[pk].kind,
            unit_name=units[pk].name,
            path=units[pk].path,
            pool=pool,
            pool_name=pool.name,
            at=day,
            lent_gpu_milli_seconds=lent[pk],
            **row,
        )
        for pk, row in rows.items()
        if pk in units
    ]
    with transaction.atomic():
        if not RolledUp.objects.filter(pk=pool.pk, until=day).update(until=day + DAY):
            return 0
        UsageDay.objects.bulk_create(days)
        LendingDay.objects.bulk_create(_between(pool, day, between))
    return 1


def _summed(rows: QuerySet[Any], columns: Sequence[str]) -> dict[int, dict[str, int]]:
    """By unit, in the order of their ids."""
    sums = rows.order_by("unit").values("unit").annotate(**{f"sum_{name}": Sum(name) for name in columns})
    found = sums.values_list("unit", *(f"sum_{name}" for name in columns))
    return {unit: dict(zip(columns, values, strict=True)) for unit, *values in found}


def _lending(pool: Pool, day: date, units: dict[int, OrgUnit]) -> tuple[Counter[int], Counter[tuple[int, int]]]:
    """What each unit lent, those above projects with what is below them; and what departments lent to each other."""
    capacity = dict(CapacityHour.objects.filter(hours_of(day), pool=pool).values_list("at", "gpu_milli_seconds"))
    lent: Counter[int] = Counter()
    between: Counter[tuple[int, int]] = Counter()
    for hour, over, idle, guaranteed in _hours(pool, day):
        part = lent_by(sum(over.values()), idle, capacity.get(hour, 0) - guaranteed)
        for project, amount in part.items():
            for unit in _line(units.get(project)):
                lent[unit] += amount
        between.update(flows(_by_department(part, units), _by_department(over, units)))
    return lent, between


def _hours(pool: Pool, day: date) -> Iterator[tuple[datetime, Sums, Sums, int]]:
    """By hour what projects had over quota, what they had idle, and what they were guaranteed together."""
    rows = UsageHour.objects.filter(hours_of(day), pool=pool, unit__kind=UnitKind.PROJECT).values_list(
        "at", "unit_id", "gpu_milli_seconds", "over_gpu_milli_seconds", "idle_gpu_milli_seconds"
    )
    over: dict[datetime, Sums] = defaultdict(dict)
    idle: dict[datetime, Sums] = defaultdict(dict)
    guaranteed: Counter[datetime] = Counter()
    for at, unit, gpu, above, left in rows:
        over[at][unit], idle[at][unit] = above, left
        guaranteed[at] += gpu - above + left
    for at in sorted(over):
        yield at, over[at], idle[at], guaranteed[at]


def _line(unit: OrgUnit | None) -> list[int]:
    """A project and everything above it."""
    return [int(part) for part in unit.path.split("/") if part] if unit else []


def _by_department(amounts: Sums, units: dict[int, OrgUnit]) -> Sums:
    found: Counter[int] = Counter()
    for project, amount in amounts.items():
        unit = units.get(project)
        found[unit.parent_id or UNASSIGNED if unit else UNASSIGNED] += amount
    return {key: amount for key, amount in found.items() if amount}


def _between(pool: Pool, day: date, amounts: Counter[tuple[int, int]]) -> list[LendingDay]:
    ids = {unit for pair in amounts for unit in pair}
    places = {
        pk: (name, path) for pk, name, path in OrgUnit.objects.filter(pk__in=ids).values_list("pk", "name", "path")
    }
    rows = []
    for (lender, borrower), amount in sorted(amounts.items()):
        (lender_name, lender_path), (name, path) = places.get(lender, ("", "")), places.get(borrower, ("", ""))
        rows.append(
            LendingDay(
                pool=pool,
                at=day,
                lender=lender,
                lender_name=lender_name,
                lender_path=lender_path,
                borrower=borrower,
                borrower_name=name,
                borrower_path=path,
                gpu_milli_seconds=amount,
            )
        )
    return rows


def _roll_month(pool: Pool, first: date) -> None:
    days = UsageDay.objects.filter(pool=pool, at__gte=first, at__lt=next_month(first))
    rows = _summed(days, (*COUNTED, "lent_gpu_milli_seconds"))
    last = {day.unit_id: day for day in days.order_by("at")}
    months = [
        UsageMonth(
            unit_id=pk,
            kind=last[pk].kind,
            unit_name=last[pk].unit_name,
            path=last[pk].path,
            pool=pool,
            pool_name=last[pk].pool_name,
            at=first,
            **row,
        )
        for pk, row in rows.items()
    ]
    with transaction.atomic():
        if RolledUp.objects.filter(pk=pool.pk, months_until=first).update(months_until=next_month(first)):
            UsageMonth.objects.bulk_create(months)
