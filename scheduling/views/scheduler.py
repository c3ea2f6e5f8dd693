"""Scheduler: what did the loops decide, and how fast?"""

from __future__ import annotations

from typing import Any

from orgs.views.base import Page
from portal.formats import ago, counted, duration
from quotas.models import Pool
from quotas.selectors.pools import pools_in_scope
from scheduling.selectors.loops import LoopRow, loop_rows
from scheduling.selectors.scheduler import decisions, last_cycle, left_waiting, queue, resource_of


class SchedulerPage(Page):
    permission = "scheduler:read"
    template_name = "scheduling/scheduler.html"
    fragment_template = "scheduling/scheduler_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        pools = list(pools_in_scope(self.request))
        loops = loop_rows(pools)
        context: dict[str, Any] = {
            "loops": loops,
            "answer": answer(loops),
            "line": line(loops),
            "clusters": len({pool.cluster_id for pool in pools}),
        }
        if pool := chosen(pools, self.request.GET.get("pool", "")):
            rows, more = queue(self.request, pool)
            context |= {
                "pool": pool,
                "resource": resource_of(pool),
                "queue": rows,
                "more": more,
                "decisions": decisions(pool, self.request.user),
                "left": left_waiting(pool, self.request.user),
                "cycle": last_cycle(pool),
            }
        return super().get_context_data(**context, **kwargs)


def chosen(pools: list[Pool], wanted: str) -> Pool | None:
    """The pool of the address, else the one that leaves most waiting."""
    named = next((pool for pool in pools if str(pool.pk) == wanted), None)
    return named or max(pools, key=_pending, default=None)


def _pending(pool: Pool) -> int:
    summary = getattr(pool, "summary", None)
    return summary.pending if summary else 0


def answer(loops: list[LoopRow]) -> str:
    if not loops:
        return "No loop runs yet: there is no pool here."
    late = [loop.pool.name for loop in loops if loop.state != "on time"]
    waiting = [loop for loop in loops if _pending(loop.pool)]
    if not late:
        first = "The loop runs on time." if len(loops) == 1 else f"All {len(loops)} loops run on time."
    elif len(late) == 1:
        first = f"The loop of {late[0]} does not run on time."
    else:
        first = f"{len(late)} of {len(loops)} loops do not run on time."
    if not waiting:
        return f"{first} Nothing waits."
    most = max(waiting, key=lambda loop: _pending(loop.pool)).pool
    return f"{first} {most.name} leaves {counted(_pending(most), 'workload')} waiting."


def line(loops: list[LoopRow]) -> str:
    """The slowest of the window, and when a loop last got another worker."""
    taken = max((loop.lease.taken_at for loop in loops if loop.lease and loop.lease.taken_at), default=None)
    held = f" The last lease changed hands {ago(taken)}." if taken else ""
    timed = [(loop.most, loop.pool.name) for loop in loops if loop.most is not None]
    if not timed:
        return f"No cycle decided anything in the last 10 minutes.{held}"
    slowest, name = max(timed)
    return f"Of the cycles of the last 10 minutes 95 in 100 took at most {duration(slowest)} ({name}).{held}"
