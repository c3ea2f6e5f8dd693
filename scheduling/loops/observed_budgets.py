"""How many pods of each workload the disruption budgets of its cluster let be stopped, into the workload's row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from scheduling.clusters.seen import PodPhase, Seen, SeenBudget, SeenPod
from scheduling.models import Pod, Workload

from .rows import update_rows

ENDED = (PodPhase.SUCCEEDED, PodPhase.FAILED)


class BudgetWriter:
    """One watch's. Remembers budgets, and labels of our pods, which have no rows."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self._budgets: dict[str, SeenBudget] = {}
        self._pods: dict[str, dict[str, Mapping[str, str]]] = defaultdict(dict)
        """Labels by namespace and uid."""
        self._namespaces: dict[str, str] = {}
        """Of the pods, by uid."""

    def write(self, seen: Seen) -> set[int]:
        """Ids of the workloads of which it differs. Pods of the same batch have been written before."""
        concerned = self._keep_pods(seen) & {budget.namespace for budget in self._budgets.values()}
        concerned |= self._keep_budgets(seen)
        if "budgets" in seen.complete:
            return self._write(None)
        return self._write(concerned) if concerned else set()

    def _keep_pods(self, seen: Seen) -> set[str]:
        """Namespaces in which a pod is new or gone, or has other labels."""
        concerned: set[str] = set()
        gone = set(seen.gone_pods)
        if "pods" in seen.complete:
            gone |= self._namespaces.keys() - {pod.uid for pod in seen.pods}
        gone |= {pod.uid for pod in seen.pods if pod.phase in ENDED}
        for uid in gone & self._namespaces.keys():
            namespace = self._namespaces.pop(uid)
            del self._pods[namespace][uid]
            concerned.add(namespace)
        for pod in seen.pods:
            if pod.labels and pod.phase not in ENDED and self._is_new(pod):
                self._namespaces[pod.uid] = pod.namespace
                self._pods[pod.namespace][pod.uid] = pod.labels
                concerned.add(pod.namespace)
        return concerned

    def _is_new(self, pod: SeenPod) -> bool:
        return pod.uid not in self._namespaces or self._pods[pod.namespace][pod.uid] != pod.labels

    def _keep_budgets(self, seen: Seen) -> set[str]:
        """Namespaces in which a budget differs."""
        if "budgets" in seen.complete:
            self._budgets = {}
        gone = [self._budgets.pop(uid) for uid in seen.gone_budgets if uid in self._budgets]
        changed = [budget for budget in seen.budgets if self._budgets.get(budget.uid) != budget]
        self._budgets.update((budget.uid, budget) for budget in changed)
        return {budget.namespace for budget in (*gone, *changed)}

    def _write(self, namespaces: Collection[str] | None) -> set[int]:
        """`namespaces`: only there."""
        rows = Workload.objects.filter(cluster=self.cluster, is_active=True)
        if namespaces is not None:
            rows = rows.filter(project__project_info__namespace__in=namespaces)
        allowed = self._allowed(namespaces)
        covered = Pod.objects.filter(uid__in=list(allowed)).values_list("uid", "workload_id")
        least: dict[int, int] = {}
        for uid, workload in covered:
            least[workload] = min(allowed[uid], least.get(workload, allowed[uid]))
        if namespaces is None and not least:
            rows = rows.filter(disruptions_allowed__isnull=False)
        before = dict(rows.values_list("pk", "disruptions_allowed"))
        differing = {pk: least.get(pk) for pk in before if least.get(pk) != before[pk]}
        update_rows(Workload, ("disruptions_allowed",), sorted(differing.items()))
        return set(differing)

    def _allowed(self, namespaces: Collection[str] | None) -> dict[str, int]:
        """By pod (uid) that a budget covers. The server stops no pod that lies under two."""
        budgets: dict[str, list[SeenBudget]] = defaultdict(list)
        for budget in self._budgets.values():
            if namespaces is None or budget.namespace in namespaces:
                budgets[budget.namespace].append(budget)
        found: dict[str, int] = {}
        for namespace, here in budgets.items():
            for uid, labels in self._pods[namespace].items():
                covering = [budget.allowed for budget in here if budget.covers(labels)]
                if covering:
                    found[uid] = covering[0] if len(covering) == 1 else 0
        return found
