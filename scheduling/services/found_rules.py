"""What can be done here with workloads that were found in a cluster: no more than their kind allows."""

from __future__ import annotations

from portal.errors import Refused
from scheduling.clusters.found import POD, STOPPABLE
from scheduling.models import Workload


def may_stop(workload: Workload) -> bool:
    return not workload.origin or workload.origin_kind in STOPPABLE


def may_delete(workload: Workload) -> bool:
    """What was found leaves the lists when it is gone from the cluster; only an administrator there deletes it."""
    return not workload.origin or not (workload.is_active or workload.applied)


def where(workload: Workload) -> str:
    """Where it came from, in words: "Deployment web"."""
    return f"{workload.origin_kind} {workload.origin_name}"


def check_stop(workload: Workload) -> None:
    if not may_stop(workload):
        raise Refused(
            f"{where(workload)} was found in the cluster: its kind cannot be stopped from here. {_by_hand(workload)}"
        )


def check_delete(workload: Workload) -> None:
    if not may_delete(workload):
        raise Refused(f"{where(workload)} was found in the cluster, and is still there. {_by_hand(workload)}")


def has_ended(workload: Workload) -> str:
    """Why it cannot run again."""
    return f"{where(workload)} was found in the cluster, and has ended there. Create it there again, or submit another."


def check_submitted(workload: Workload) -> None:
    if workload.origin:
        raise Refused(f"{where(workload)} was found in the cluster: what it runs is not known here. Submit it anew.")


def _by_hand(workload: Workload) -> str:
    namespace = workload.project.project_info.namespace
    kind = "pod" if workload.origin_kind == POD else workload.origin_kind.lower()
    return f"Delete it where it came from: kubectl -n {namespace} delete {kind} {workload.origin_name}"
