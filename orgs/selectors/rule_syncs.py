"""How far access rules hold in the clusters themselves, for people who work there with kubectl."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from orgs.models import AccessRule, ClusterInfo, RuleSync, UnitState

WITHDRAWN = "being withdrawn"
MOST_NAMED = 3
"""Clusters of one rule; of more, only those where it is not in force."""


@dataclass(frozen=True, slots=True)
class HoldsIn:
    """A rule in one cluster, or in several where it is in force."""

    state: str
    words: str
    message: str = ""


def kubernetes_clusters() -> list[ClusterInfo]:
    """With their units, by name."""
    found = ClusterInfo.objects.filter(mode=ClusterInfo.Mode.KUBERNETES, unit__state=UnitState.ACTIVE)
    return list(found.select_related("unit").order_by("unit__name"))


def rules_in_clusters(rules: Sequence[AccessRule], infos: Sequence[ClusterInfo]) -> dict[int, list[HoldsIn]]:
    """By rule, as far as it reaches into these clusters. In one query."""
    if not infos:
        return {}
    clusters = {info.pk: info for info in infos}
    syncs: dict[int, dict[int, RuleSync]] = defaultdict(dict)
    for sync in RuleSync.objects.filter(rule__in=rules):
        syncs[sync.rule_id][sync.cluster_id] = sync
    found = {}
    for rule in rules:
        reached = clusters.values() if rule.scope.cluster_id is None else [clusters.get(rule.scope.cluster_id)]
        lines = [_in_cluster(rule, info, syncs[rule.pk].get(info.pk)) for info in reached if info is not None]
        found[rule.pk] = _joined([line for line in lines if line is not None])
    return found


def _in_cluster(rule: AccessRule, info: ClusterInfo, sync: RuleSync | None) -> tuple[str, HoldsIn] | None:
    name = info.unit.name
    if rule.ended:
        return (name, HoldsIn(WITHDRAWN, f"{WITHDRAWN.capitalize()} in {name}")) if sync else None
    state = RuleSync.State.PENDING if sync is None else RuleSync.State(sync.state)
    message = sync.message if sync else ""
    if info.state != ClusterInfo.State.CONNECTED:
        message = "the cluster is not connected" if sync is None else f"as last seen {message}".strip()
    return name, HoldsIn(state.label, f"{state.label.capitalize()} in {name}", message)


def _joined(lines: list[tuple[str, HoldsIn]]) -> list[HoldsIn]:
    if len(lines) <= MOST_NAMED:
        return [line for _, line in lines]
    good = RuleSync.State.IN_FORCE.label
    others = [line for _, line in lines if line.state != good]
    number = len(lines) - len(others)
    return others + ([HoldsIn(good, f"In force in {number} of {len(lines)} clusters")] if number else [])
