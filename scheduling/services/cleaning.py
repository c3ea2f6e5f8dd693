"""Taking out of a cluster what Bursar wrote there, once nobody here knows it any more."""

from __future__ import annotations

from django.db.models import Q

from orgs.models import ClusterInfo
from orgs.services.account import OPERATOR
from portal.errors import Refused
from portal.services.audit import audit_record
from scheduling.clusters.kubernetes.cleaning import Cleaner, Traces


def cluster_clean(*, cleaner: Cleaner, traces: Traces, with_namespaces: bool) -> list[str]:
    """An operator's, by the cluster's own administrator. What could not be removed, and why. Refused where the cluster
    is connected, GatewayError where it cannot be asked."""
    refuse_connected(cleaner)
    problems = cleaner.remove(traces, with_namespaces=with_namespaces)
    deleted = sum(trace.goes(with_namespaces=with_namespaces) for trace in traces.found)
    audit_record(
        actor=OPERATOR,
        action="clean",
        entity="cluster",
        unit=None,
        name=cleaner.address,
        after={"objects": deleted, "labels_of": len(traces.found) - deleted, "failed": len(problems)},
    )
    return problems


def refuse_connected(cleaner: Cleaner) -> None:
    """What is taken away there would be written anew. By its uid, for it may have several addresses."""
    same = Q(identity=cleaner.identity()) | Q(address=cleaner.address)
    known = ClusterInfo.objects.filter(same).select_related("unit").first()
    if known is not None:
        raise Refused(f"This is {known.unit.name}, which is connected. Disconnect it first: that takes a few seconds.")
