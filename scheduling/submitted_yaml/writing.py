"""The document of a workload that came as one, as somebody could submit it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from scheduling.clusters.kubernetes.forms import OF_GROUPS

from .kinds import KINDS, Kind, kind_of_work


def written(same: Mapping[str, Any]) -> str:
    """`same`: the arguments with which it was submitted."""
    manifest = same["manifest"]
    name = _kind_of(same)
    kind = KINDS[name]
    document = {
        "apiVersion": kind.api,
        "kind": name,
        "metadata": {"name": same["name"], **manifest["metadata"]},
        "spec": _of_groups(kind, same) if "groups" in manifest else _spec(kind, same, same["pods"], manifest),
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _kind_of(same: Mapping[str, Any]) -> str:
    if "groups" in same["manifest"]:
        return OF_GROUPS.kind
    return next(name for name in KINDS if kind_of_work(name, same["pods"]) == same["kind"])


def _of_groups(kind: Kind, same: Mapping[str, Any]) -> dict[str, Any]:
    pods = [same["pods"], *(more.pods for more in same["more_groups"])]
    parts = [
        {"name": group["name"], "template": {"metadata": group["metadata"], "spec": _spec(kind, same, number, group)}}
        for number, group in zip(pods, same["manifest"]["groups"], strict=True)
    ]
    return {"replicatedJobs": parts}


def _spec(kind: Kind, same: Mapping[str, Any], pods: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Of the object that makes the pods of a group."""
    wishes = {"nodeSelector": dict(same["node_labels"]), "tolerations": list(same["tolerations"])}
    template = given["template"]
    return {
        kind.pods: pods,
        **({"backoffLimit": same["retries"]} if kind.is_retried else {}),
        **given["spec"],
        "template": template | {"spec": {key: value for key, value in wishes.items() if value} | template["spec"]},
    }
