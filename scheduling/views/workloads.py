"""Workloads: what runs, what waits, and why."""

from __future__ import annotations

from collections import Counter
from typing import Any

from orgs.views.base import Page
from quotas.selectors.pools import pools_in_scope
from scheduling.engine.decisions import WaitCode
from scheduling.models import Workload
from scheduling.selectors.my_work import submit_projects
from scheduling.selectors.visible import READ_WORK
from scheduling.selectors.workloads import WorkloadQuery, active_counts, workload_list

CAUSES = {
    WaitCode.BLOCKED: ("is blocked", "are blocked"),
    WaitCode.OVER_LIMIT: ("would pass its limit", "would pass their limit"),
    WaitCode.OVER_QUOTA_OFF: ("would pass its quota", "would pass their quota"),
    WaitCode.NON_PREEMPTIBLE_OVER_QUOTA: ("is non-preemptible beyond quota", "are non-preemptible beyond quota"),
    WaitCode.NO_READY_NODE: ("has no ready node", "have no ready node"),
    WaitCode.NEVER_FITS: ("never fits", "never fit"),
    WaitCode.SHORT: ("is short of room", "are short of room"),
    WaitCode.FRAGMENTED: ("needs more room on one node", "need more room on one node"),
    WaitCode.ROOM_RESERVED: ("has its room being freed", "have their room being freed"),
    WaitCode.INCOMPLETE: ("is being created", "are being created"),
}
"""Why workloads wait, in the singular and the plural, as the second line of the page counts them."""


KEPT = ("scope", "sort", "size", "project")
"""Parameters of the address that the toolbar does not show and keeps."""


def causes(codes: tuple[tuple[str, int], ...]) -> str:
    """ "3 need more room on one node, 2 are short of room": the three most frequent."""
    parts = [f"{number} {CAUSES[WaitCode(code)][number != 1]}" for code, number in codes if code in set(WaitCode)]
    return ", ".join(parts[:3])


class WorkloadsPage(Page):
    permission = READ_WORK
    template_name = "scheduling/workloads.html"
    fragment_template = "scheduling/workloads_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = WorkloadQuery.of(self.request.GET)
        found = workload_list(self.request, query, self.actor)
        active = active_counts(self.request)
        pools = list(pools_in_scope(self.request))
        names = Counter(pool.name for pool in pools)
        return super().get_context_data(
            query=query,
            found=found,
            active=active,
            causes=causes(active.codes),
            may_submit=submit_projects(self.request.user, self.scope).exists(),
            kept=[(name, value) for name in KEPT for value in self.request.GET.getlist(name)],
            state_options=[(label, label) for label in Workload.State.labels],
            kind_options=[(label, label) for label in Workload.Kind.labels],
            pool_options=[
                (pool.pk, pool.name if names[pool.name] == 1 else f"{pool.name} in {pool.cluster.name}")
                for pool in pools
            ],
            **kwargs,
        )
