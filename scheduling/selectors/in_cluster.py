"""What a workload's cluster itself says of it, asked while the page is made. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from orgs.access import may
from orgs.models import ClusterInfo
from scheduling.clusters.gateway import Gateway, GatewayError
from scheduling.clusters.orders import WorkloadKey
from scheduling.clusters.registry import gateway_for
from scheduling.models import Pod, Workload
from scheduling.workload_keys import KEY, key_of


@dataclass(frozen=True, slots=True)
class Answer:
    """What the cluster said, or why it did not."""

    found: Any = None
    """Lines, events, or text."""
    problem: str = ""


USUAL_LINES = 500
NO_LOGS = "Your roles here do not let you read logs of workloads."


def may_read_logs(user: Any, workload: Workload) -> bool:
    return may(user, "read", "logs", workload.project)


def chosen_pod(pods: Sequence[Pod], wanted: str) -> Pod | None:
    """The one of that id; else one that failed, else one that runs, else the first."""
    phases = (Pod.Phase.FAILED, Pod.Phase.RUNNING)
    liked = [next((pod for pod in pods if pod.phase == phase), None) for phase in phases]
    named = next((pod for pod in pods if str(pod.pk) == wanted), None)
    return next((pod for pod in (named, *liked, *pods) if pod is not None), None)


def log_of(workload: Workload, pod: Pod, lines: int = USUAL_LINES, after_ns: int = 0) -> Answer:
    """The last lines, of those after that moment. The reader has to be one of those who `may_read_logs`."""
    namespace = workload.project.project_info.namespace
    return _ask(workload, lambda gateway: gateway.read_log(namespace, pod.name, lines, after_ns))


def events_of(workload: Workload) -> Answer:
    key = _key(workload)
    return _ask(workload, lambda gateway: gateway.read_events(key))


def manifest_of(workload: Workload) -> Answer:
    key = _key(workload)
    return _ask(workload, lambda gateway: gateway.read_manifest(key))


def _key(workload: Workload) -> WorkloadKey:
    return key_of(*Workload.objects.values_list(*KEY).get(pk=workload.pk))


def _ask(workload: Workload, read: Callable[[Gateway], Any]) -> Answer:
    info = ClusterInfo.objects.get(pk=workload.cluster_id)
    if info.state != ClusterInfo.State.CONNECTED:
        return Answer(problem="The cluster cannot be reached now. Look again when it is back.")
    try:
        return Answer(read(gateway_for(info.pk)))
    except GatewayError as problem:
        return Answer(problem=str(problem))
