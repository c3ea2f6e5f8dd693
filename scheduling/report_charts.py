"""The charts of the reports, each with its finding in words and the same numbers as a table."""

from __future__ import annotations

from typing import Any

from portal import charts
from portal.formats import gpu_hours, gpus
from quotas.models import Pool
from scheduling.selectors.lending import lending_here, lending_words
from scheduling.selectors.reports import Report, lending_by_department
from scheduling.selectors.use import Use, ready_over_time, use_over_time

HEADS = {"hour": "Hour (UTC)", "day": "Day", "month": "Month"}
TIMES = {"hour": "%a %d %b, %H:%M", "day": "%a %d %b %Y", "month": "%b %Y"}
MOST_ROWS = 62


def use(report: Report) -> dict[str, Any] | None:
    """GPUs in use on the average of each step."""
    period = report.period
    sums, ready = use_over_time(report.parts, report.whole()), ready_over_time(report.parts) if report.covers else {}
    steps = [(at, seconds, sums.get(at, Use()), ready.get(at)) for at, seconds in period.steps()]
    first = next((place for place, (at, _, found, _) in enumerate(steps) if not found.empty), None)
    if first is None:
        return None
    known = steps[first:]
    named = report.scope is not None and report.scope.kind <= 2 and not period.by_month
    rows = [
        (
            at,
            round(found.guaranteed / seconds),
            round(found.over / seconds),
            round(found.idle / seconds),
            round(there / seconds) if there and named else None,
        )
        for at, seconds, found, there in known
    ]
    # Each value holds until the next: the last one until the end.
    drawn = [*rows, (period.end, *rows[-1][1:])]
    figure = charts.use_over_time(
        [at.isoformat() for at, *_ in drawn],
        [used / 1000 for _, used, _, _, _ in drawn],
        [over / 1000 for _, _, over, _, _ in drawn],
        [there / 1000 if there is not None else None for *_, there in drawn],
    )
    held = [used + over for _, used, over, _, _ in rows]
    label = f"By {period.step} between {gpus(min(held))} and {gpus(max(held))} GPUs were in use on the average."
    table = [[HEADS[period.step], "Guaranteed, used", "Over quota", "Guaranteed, idle"]]
    every = -(-len(rows) // MOST_ROWS)
    table += [
        [f"{at:{TIMES[period.step]}}", gpus(used), gpus(over), gpus(idle)] for at, used, over, idle, _ in rows[::every]
    ]
    return {"figure": figure, "label": label, "table": table}


def lending(report: Report, whole: bool) -> dict[str, Any]:
    """Now between projects, and over the time between departments."""
    rows = lending_by_department(report)
    pools = list(Pool.objects.filter(pk__in=report.pools))
    now = lending_here(report.request, pools, whole=whole and report.scope is not None and report.scope.kind <= 2)
    return {
        "now": now.flow,
        "now_words": lending_words(now),
        "lent_rows": [(giver, taker, gpu_hours(amount)) for giver, taker, amount in rows],
        "lent_total": gpu_hours(sum(amount for *_, amount in rows)),
    }
