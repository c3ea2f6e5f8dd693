"""Saying on a pod why it waits, where kubectl shows it: a condition like kube-scheduler's, and an event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ..orders import PodReason
from . import decode
from .calls import CONFLICT, NOT_FOUND, UNPROCESSABLE, decoded, pod_path
from .errors import ApiError
from .manifests import FIELD_MANAGER, Manifest
from .request import STRATEGIC

CONDITION = "PodScheduled"
EVENT = "FailedScheduling"


class _Conditions(decode.Fields, frozen=True):
    conditions: tuple[decode.Condition, ...] = ()


class _Pod(decode.Followed, frozen=True):
    spec: decode.PodSpec = decode.PodSpec()
    status: _Conditions = _Conditions()


def explain(call: Callable[..., bytes], why: PodReason) -> bool:
    """Whether it stands there now, or need not: the pod is bound or gone. False: it changed in between."""
    path = pod_path(why.namespace, why.pod)
    try:
        pod = decoded(call("GET", path), _Pod)
        if pod.metadata.uid != why.uid or pod.spec.node_name or pod.metadata.deletion_timestamp or _tells(pod, why):
            return True
        # With the version as precondition: a pod that is bound meanwhile keeps what the server says of it.
        query = {"fieldManager": FIELD_MANAGER}
        call("PATCH", f"{path}/status", _condition(pod.metadata, why), query=query, content_type=STRATEGIC)
        call("POST", f"/api/v1/namespaces/{why.namespace}/events", _event(why))
    except ApiError as error:
        # Gone, or its namespace is: nobody reads it there.
        if error.status in (NOT_FOUND, UNPROCESSABLE):
            return True
        if error.status == CONFLICT:
            return False
        raise
    return True


def _tells(pod: _Pod, why: PodReason) -> bool:
    return any(
        (found.type, found.status, found.reason, found.message) == (CONDITION, "False", why.reason, why.message)
        for found in pod.status.conditions
    )


def _condition(pod: decode.Metadata, why: PodReason) -> Manifest:
    condition = {
        "type": CONDITION,
        "status": "False",
        "reason": why.reason,
        "message": why.message,
        "lastTransitionTime": _time(why.since_ms),
    }
    return {
        "metadata": {"uid": pod.uid, "resourceVersion": pod.resource_version},
        "status": {"conditions": [condition]},
    }


def _event(why: PodReason) -> Manifest:
    at = _time(why.at_ms)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{why.pod[:230]}.{why.at_ms:x}", "namespace": why.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": why.namespace,
            "name": why.pod,
            "uid": why.uid,
        },
        "type": "Warning",
        "reason": EVENT,
        "message": why.message,
        "source": {"component": FIELD_MANAGER},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
