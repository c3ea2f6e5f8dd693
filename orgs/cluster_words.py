"""Sentences about a cluster: how it is, and since when."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from orgs.models import ClusterInfo
from orgs.words import Answer
from portal.formats import count, duration

WATCHED = {
    "nodes": "Nodes",
    "pods": "Pods",
    "namespaces": "Namespaces of projects",
    "jobs": "Jobs",
    "stateful sets": "StatefulSets",
    "deployments": "Deployments",
    "job sets": "JobSets",
    "pytorch jobs": "PyTorchJobs",
    "mpi jobs": "MPIJobs",
    "leader worker sets": "LeaderWorkerSets",
    "replica sets": "ReplicaSets",
    "bindings": "Bindings of people",
    "budgets": "Disruption budgets",
}


def watched_words(watched: dict[str, int]) -> list[tuple[str, int]]:
    """What is followed in a cluster, and how much of it."""
    return [(WATCHED.get(name, name.capitalize()), number) for name, number in watched.items() if number]


def cluster_answer(info: ClusterInfo) -> Answer:
    """Whether a cluster is connected, and since when."""
    name, lasts = info.unit.name, _lasts(info.state_since)
    if info.state == ClusterInfo.State.WAITING:
        return Answer(f"Cluster {name} is connecting.", "Its observer looks at it within seconds.")
    if info.state == ClusterInfo.State.DISCONNECTED:
        line = f"{info.state_message} What runs there goes on; nothing is started or stopped there meanwhile."
        return Answer(f"Cluster {name} has not been connected{lasts}.", line.strip())
    if info.mode == ClusterInfo.Mode.SIMULATED:
        return Answer(f"Cluster {name} is simulated.", "It is kept in Bursar's own database.")
    text = f"Cluster {name} has been connected{lasts}." if lasts else f"Cluster {name} is connected."
    line = f"It answers within {count(info.latency_ms)} ms" if info.latency_ms is not None else "It answers"
    line += f"; changes are written {count(info.lag_ms)} ms later." if info.lag_ms is not None else "."
    return Answer(text, line)


def _lasts(since: datetime | None) -> str:
    """For how long: not to the second, so that the page does not say another thing each time it is renewed."""
    if since is None:
        return ""
    seconds = int((timezone.now() - since).total_seconds())
    return f" for {duration(seconds // 60 * 60)}" if seconds >= 60 else " for less than a minute"
