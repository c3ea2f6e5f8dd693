"""What an operator or teacher does by hand to the nodes and pods of a simulated cluster."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from django.db import transaction

from orgs.access import require
from orgs.models import ClusterInfo, OrgUnit, UnitKind
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import Act, audit_record, audit_record_all
from quotas import rules
from scheduling.clusters.simulated import acts
from scheduling.clusters.simulated.store import KIND, Change, objects, writing
from scheduling.models import SimObject, Workload

NAME = re.compile(r"[a-z0-9][-a-z0-9./]{0,320}")
Does = Callable[[Change, SimObject, int], str]
NODE_ACTS: dict[str, Does] = {
    "fail": acts.node_fail,
    "vanish": acts.node_vanish,
    "return": acts.node_return,
    "cordon": acts.node_cordon,
    "uncordon": acts.node_uncordon,
}
POD_ACTS: dict[str, Does] = {
    "fail": acts.pod_fail,
    "hang": acts.pod_hang,
    "release": acts.pod_release,
    "delete": acts.pod_delete,
}


@transaction.atomic
def simulated_node_do(*, actor: Actor, cluster: OrgUnit, node: str, act: str) -> None:
    """Does one of NODE_ACTS to the node of that name. Needs `cluster:update`. Refused where it makes no sense."""
    _require(actor, cluster)
    does = _chosen(act, NODE_ACTS)
    with writing(cluster.pk) as change:
        found = _node(change, node)
        _refuse("node", does(change, found, _now_ms()))
    audit_record(actor=actor, action=act, entity="node", unit=cluster.pk, name=found.name)


@transaction.atomic
def simulated_node_label(*, actor: Actor, cluster: OrgUnit, node: str, labels: Mapping[str, str | None]) -> None:
    """Sets labels of a node; None takes one away. Needs `cluster:update`."""
    _require(actor, cluster)
    if not isinstance(labels, Mapping) or not labels:
        raise Refused({"labels": "There is no label to change. Give at least one, as key=value."})
    for key, value in labels.items():
        rules.label_key(key, "labels")
        if value is not None:
            rules.label_value(value, "labels")
    with writing(cluster.pk) as change:
        found = _node(change, node)
        before = {key: found.spec["labels"].get(key) for key in labels}
        _refuse("node", acts.node_label(change, found, labels))
    audit_record(
        actor=actor, action="update", entity="node", unit=cluster.pk, before=before, after=labels, name=found.name
    )


@transaction.atomic
def simulated_pods_do(*, actor: Actor, cluster: OrgUnit, pods: str, act: str) -> list[str]:
    """Does one of POD_ACTS to a pod by its name, or to all pods of an active workload ("project/name"); their names.

    Needs `cluster:update`. Raises Refused, with nothing done, where it makes no sense for one of them.
    """
    _require(actor, cluster)
    does = _chosen(act, POD_ACTS)
    with writing(cluster.pk) as change:
        found = _pods(change, pods)
        for pod in found:
            _refuse("pods", does(change, pod, _now_ms()))
    audit_record_all(actor=actor, acts=[Act(act, "pod", cluster.pk, name=pod.name) for pod in found])
    return [pod.name for pod in found]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _require(actor: Actor, cluster: OrgUnit) -> None:
    """Only simulated clusters have somebody who lets things happen to them."""
    if cluster.kind != UnitKind.CLUSTER:
        raise Refused({"cluster": f"{cluster.name} is a {cluster.get_kind_display()}. Choose a simulated cluster."})
    require(actor, "update", "cluster", cluster)
    if not ClusterInfo.objects.filter(pk=cluster.pk, mode=ClusterInfo.Mode.SIMULATED).exists():
        raise Refused({"cluster": f"{cluster.name} is not simulated. What happens there is up to its own tools."})


def _chosen(act: str, offered: Mapping[str, Does]) -> Does:
    if not isinstance(act, str) or act not in offered:
        raise Refused({"act": f"This is nothing that can be let happen. Choose one of {', '.join(offered)}."})
    return offered[act]


def _node(change: Change, name: str) -> SimObject:
    found = acts.find_node(change, name) if _may_be_name(name) else None
    if found is None:
        raise Refused(
            {"node": "There is no node of that name. The list of nodes has them, but for those that vanished."}
        )
    return found


def _pods(change: Change, name: str) -> list[SimObject]:
    found: list[SimObject] = []
    if _may_be_name(name):
        project, slash, workload = name.partition("/")
        pods = objects(change.cluster, KIND.POD)
        named = Workload.objects.filter(cluster=change.cluster, project__name=project, name=workload, is_active=True)
        owners = [str(uid) for uid in named.values_list("uid", flat=True)] if slash else []
        found = list(pods.filter(owner__in=owners) if slash else pods.filter(name=name))
    if not found:
        raise Refused({"pods": "There is no such pod. Give its name, or project/workload; the Workload page has both."})
    return found


def _may_be_name(value: object) -> bool:
    """Others no object has; a database may refuse to look for them."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _refuse(field: str, why_not: str) -> None:
    if why_not:
        raise Refused({field: why_not})
