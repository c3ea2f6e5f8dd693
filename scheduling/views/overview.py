"""Overview: are the clusters well used, and is anyone starving?"""

from __future__ import annotations

from typing import Any

from orgs.scope import below
from orgs.views.base import Page
from portal import charts
from portal.formats import clock, counted, exact, gpus, gpus_counted, percent
from quotas.selectors.pools import pools_in_scope
from scheduling.selectors.lending import lending_here, lending_words
from scheduling.selectors.loops import loop_rows
from scheduling.selectors.overview import (
    PoolLine,
    Sample,
    clusters,
    longest_waiting,
    pool_lines,
    samples,
    sees_whole,
    starving,
)
from scheduling.selectors.promises import breach_words, promises
from scheduling.selectors.tour import tour_closed, tour_offered, tour_steps
from scheduling.selectors.workloads import active_counts

SHOWN_LOOPS = 12
"""Those that are not on time first."""


class OverviewPage(Page):
    permission = "overview:read"
    template_name = "scheduling/overview.html"
    fragment_template = "scheduling/overview_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        pools = list(pools_in_scope(self.request))
        lines = pool_lines(self.request, pools, self.scope)
        whole = sees_whole(self.scope)
        starved, starving_total = starving(self.request)
        scale = max((line.bar().full() for line in lines if line.resource == "gpu"), default=1)
        total = summed(lines)
        used = samples(pools) if whole else []
        active = active_counts(self.request)
        loops = sorted(loop_rows(pools), key=lambda loop: loop.state == "on time")
        offered = tour_offered(self.request)
        tour = tour_steps(self.request) if offered and not tour_closed(self.request.user) else []
        lending = lending_here(self.request, pools, whole=whole)
        waits = promises(self.request.user, below(self.scope, "project"))
        return super().get_context_data(
            tour_offered=offered,
            tour=tour,
            shown=sum(1 for step in tour if step.url),
            whole=whole,
            answer=answer(total, starving_total),
            line=second_line(total),
            total=total,
            hero=total.bar() if total else None,
            lines=[(line, line.bar(scale if line.resource == "gpu" else None)) for line in lines],
            active=active,
            waiting_words=f"in {counted(active.waiting, 'workload')}",
            many_clusters=len({pool.cluster_id for pool in pools}) > 1,
            starving=starved,
            starving_total=starving_total,
            longest=longest_waiting(self.request),
            lending=lending,
            lending_words=lending_words(lending),
            promises=waits,
            breaches=[breach_words(breach) for breach in waits.worst],
            clusters=clusters(pools),
            loops=loops[:SHOWN_LOOPS],
            more_loops=max(0, len(loops) - SHOWN_LOOPS),
            chart=use_chart(used) if len(used) > 1 else None,
            **kwargs,
        )


def summed(lines: list[PoolLine]) -> PoolLine | None:
    """The GPUs of all pools together."""
    if not lines:
        return None
    parts = ("inside", "over", "rest", "lost", "waiting", "guaranteed")
    sums = {part: sum(getattr(line, part) for line in lines if line.resource == "gpu") for part in parts}
    return PoolLine(lines[0].pool, "gpu", lines[0].whole, **sums)


def answer(total: PoolLine | None, below: int) -> str:
    if total is None:
        return "There is no pool here yet, so nothing can run."
    if total.whole:
        first = (
            f"{percent(total.used, total.total)} of {gpus(total.total)} ready GPUs are in use."
            if total.total
            else "No ready GPU is here."
        )
    else:
        first = f"{gpus(total.inside)} of {gpus_counted(total.guaranteed)} guaranteed are in use."
    if not below:
        return f"{first} Nobody waits below their guarantee."
    if below == 1:
        return f"{first} 1 project waits below its guarantee."
    return f"{first} {below:,} projects wait below their guarantee."


def second_line(total: PoolLine | None) -> str:
    if total is None:
        return "Connect a cluster, or simulate one."
    parts = [f"{gpus(total.over)} are over quota"] if total.over else []
    parts += [f"{gpus(total.waiting)} are waited for"] if total.waiting else []
    parts += [f"{gpus_counted(total.lost)} {'is' if total.lost == 1000 else 'are'} not ready"] if total.lost else []
    if not parts:
        return "Nothing is over quota, and nobody waits for a GPU."
    return f"{', '.join(parts[:-1])}{' and ' if len(parts) > 1 else ''}{parts[-1]}."


def use_chart(used: list[Sample]) -> dict[str, Any]:
    """The chart, its finding in words, and the same numbers as a table."""
    figure = charts.use_over_time(
        [sample.at.isoformat() for sample in used],
        [sample.guaranteed / 1000 for sample in used],
        [sample.over / 1000 for sample in used],
        [sample.ready / 1000 for sample in used],
    )
    held = [sample.guaranteed + sample.over for sample in used]
    finding = (
        f"Since {clock(used[0].at)} UTC between {gpus(min(held))} and {gpus(max(held))} GPUs were in use, "
        f"of {gpus(max(sample.ready for sample in used))} ready."
    )
    head = ["Time", "Guaranteed, used", "Over quota", "Ready"]
    step = max(1, len(used) // 24)
    rows = [[exact(s.at), gpus(s.guaranteed), gpus(s.over), gpus(s.ready)] for s in used[::step]]
    return {"figure": figure, "label": finding, "table": [head, *rows]}
