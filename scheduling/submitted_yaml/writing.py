"""The document of a workload that came as one, as somebody could submit it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from .kinds import KINDS, kind_of_work


def written(same: Mapping[str, Any]) -> str:
    """`same`: the arguments with which it was submitted."""
    manifest, pods = same["manifest"], same["pods"]
    name = next(name for name in KINDS if kind_of_work(name, pods) == same["kind"])
    kind, template = KINDS[name], manifest["template"]
    wishes = {"nodeSelector": dict(same["node_labels"]), "tolerations": list(same["tolerations"])}
    document = {
        "apiVersion": kind.api,
        "kind": name,
        "metadata": {"name": same["name"], **manifest["metadata"]},
        "spec": {
            kind.pods: pods,
            **({"backoffLimit": same["retries"]} if name == "Job" else {}),
            **manifest["spec"],
            "template": template | {"spec": {key: value for key, value in wishes.items() if value} | template["spec"]},
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
