"""My work: what can I have now, and what do I have?"""

from __future__ import annotations

from typing import Any

from orgs.views.base import Page
from portal.formats import cores, gpus, gpus_counted
from scheduling.models import Workload
from scheduling.selectors.my_work import PoolOffer, ProjectOffer, my_workloads, project_offers
from scheduling.selectors.visible import CREATE_WORK
from scheduling.selectors.workloads import WorkloadRow


class MyWorkPage(Page):
    permission = CREATE_WORK
    template_name = "scheduling/my_work.html"
    fragment_template = "scheduling/my_work_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        offers, more = project_offers(self.actor, self.scope)
        rows, total = my_workloads(self.actor, self.scope)
        return super().get_context_data(
            answer=answer(offers),
            waits=first_waiting(rows),
            offers=offers,
            more=more,
            rows=rows,
            total=total,
            **kwargs,
        )


def answer(offers: list[ProjectOffer]) -> str:
    """The best that can be started now: what is guaranteed, else what is free, else nothing."""
    best = [(offer, pool) for offer in offers for pool in offer.pools]
    if not best:
        return "You have no project to submit to yet."
    offer, pool = max(best, key=lambda found: (_gpus(found[1], "guaranteed"), _gpus(found[1], "over")))
    whose = f" for {offer.project.name}" if len(offers) > 1 else ""
    if guaranteed := _gpus(pool, "guaranteed"):
        return f"You can start {gpus_counted(guaranteed)} in {pool.pool.name} now{whose}, guaranteed."
    if over := _gpus(pool, "over"):
        return f"No guaranteed GPUs are left; up to {gpus(over)} over quota in {pool.pool.name}{whose}."
    free_cores = max((found.guaranteed + found.over for _, found in best if found.resource == "cpu"), default=0)
    if free_cores:
        return f"No GPUs are free for you now; {cores(free_cores)} cores are."
    return "No GPUs are free for you now."


def _gpus(pool: PoolOffer, part: str) -> int:
    return int(getattr(pool, part)) if pool.resource == "gpu" else 0


def first_waiting(rows: list[WorkloadRow]) -> WorkloadRow | None:
    """The one that waits longest of those shown."""
    waiting = [row for row in rows if row.workload.state == Workload.State.WAITING]
    return min(waiting, key=lambda row: row.workload.state_since, default=None)
