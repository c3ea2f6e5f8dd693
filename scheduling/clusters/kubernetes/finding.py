"""What pods that others made for Bursar to place say for themselves, and what made them."""

from __future__ import annotations

import re

from ..found import FoundPod, Owner, SeenOwner
from . import decode
from .manifests import MIN_MEMBERS, SCHEDULER_NAME, SUBMITTED_BY, WORKLOAD
from .text import plain

GPU = "nvidia.com/gpu"
COUNTED = frozenset({GPU, "cpu", "memory", "ephemeral-storage"})
SHARES = ("gpu-fraction", "gpu-memory")
"""Annotations by which other schedulers are asked for a share of a GPU."""
EVERYWHERE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Tolerations that the server gives every pod."""
UID = re.compile("[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
KIND = re.compile("[A-Za-z][A-Za-z0-9]{0,62}")
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
GROUP = re.compile(r"[-a-z0-9.]{0,253}")
MAX_MEMBERS = 1000
MAX_ADDRESS = 254
ANOTHER_WAY = "Use nodeSelector and tolerations, which Bursar knows."


def found_pod(pod: decode.Pod) -> FoundPod | None:
    """None of a pod that Bursar made, or that it does not place."""
    metadata, spec = pod.metadata, pod.spec
    if spec.scheduler_name != SCHEDULER_NAME or WORKLOAD in metadata.labels:
        return None
    minimum = metadata.annotations.get(MIN_MEMBERS, "")
    return FoundPod(
        owner=owner_of(metadata),
        priority=spec.priority,
        node_labels=tuple(sorted(spec.node_selector.items())),
        tolerations=tuple(_toleration(item) for item in spec.tolerations if item.key not in EVERYWHERE),
        minimum=min(MAX_MEMBERS, int(minimum)) if minimum.isascii() and minimum.isdigit() and len(minimum) < 9 else 0,
        submitted_by=submitted_by(metadata),
        refused=_refused(pod),
    )


def seen_owner(found: decode.Templated) -> SeenOwner:
    metadata = found.metadata
    return SeenOwner(metadata.uid, metadata.name, metadata.namespace, owner_of(metadata))


def owner_of(metadata: decode.Metadata) -> Owner | None:
    """What the server does not check of a reference is left out: anybody who makes a pod writes it as they like."""
    for reference in metadata.owner_references:
        group = reference.api_version.rpartition("/")[0]
        parts = ((UID, reference.uid), (KIND, reference.kind), (NAME, reference.name), (GROUP, group))
        if reference.controller and all(pattern.fullmatch(part) for pattern, part in parts):
            return Owner(reference.uid, group, reference.kind, reference.name)
    return None


def is_found(metadata: decode.Metadata, template: decode.Template) -> bool:
    """Bursar is to place its pods, and has not made it."""
    return template.spec.scheduler_name == SCHEDULER_NAME and WORKLOAD not in metadata.labels


def submitted_by(metadata: decode.Metadata) -> str:
    return plain(metadata.annotations.get(SUBMITTED_BY, ""), MAX_ADDRESS)


def _toleration(item: decode.Toleration) -> tuple[tuple[str, str], ...]:
    """As pairs, without what is empty."""
    fields = {"key": item.key, "operator": item.operator or "Equal", "value": item.value, "effect": item.effect}
    return tuple((name, value) for name, value in fields.items() if value)


def _refused(pod: decode.Pod) -> str:
    """What Bursar cannot see to, and what to do instead. A pod that is not ready to be placed is not refused."""
    spec = pod.spec
    if any(name in pod.metadata.annotations for name in SHARES):
        return f"Clusters hand out whole GPUs, no shares: ask for {GPU}, without {' and '.join(SHARES)}."
    asked = {name for container in (*spec.init_containers, *spec.containers) for name in container.resources.requests}
    for name in sorted(asked - COUNTED):
        if name.startswith("nvidia.com/"):
            return f"Clusters hand out whole GPUs: ask for {GPU} instead of {plain(name, 100)}."
        return f"Bursar does not count {plain(name, 100)}: leave it out, or use another scheduler."
    if spec.resource_claims:
        return f"Bursar does not know resource claims: ask for {GPU} instead."
    if spec.affinity.node_affinity.required_during_scheduling_ignored_during_execution:
        return f"Bursar does not know required node affinity. {ANOTHER_WAY}"
    pods = (spec.affinity.pod_affinity, spec.affinity.pod_anti_affinity)
    if any(rule.required_during_scheduling_ignored_during_execution for rule in pods):
        return f"Bursar does not know required affinity between pods: make it preferred. {ANOTHER_WAY}"
    if any(rule.when_unsatisfiable != "ScheduleAnyway" for rule in spec.topology_spread_constraints):
        return "Bursar does not know required spreading: set whenUnsatisfiable to ScheduleAnyway."
    return ""
