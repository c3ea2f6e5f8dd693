"""A submitted document: what it asks for, in the words of the service, and what the cluster is given of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from scheduling.clusters.kubernetes import decode
from scheduling.clusters.kubernetes.finding import GPU
from scheduling.clusters.kubernetes.guarded_yaml import Guarded, GuardedYamlError, load
from scheduling.clusters.kubernetes.seeing import requested

from .checks import Wrong
from .kinds import KINDS, OTHERS, kind_of_work
from .restricted import check_restricted

MAX_CHARACTERS = 64 * 1024
RETRIES = 6
"""Of a Job that does not say, as in Kubernetes."""


@dataclass(frozen=True, slots=True)
class Submitted:
    asked: dict[str, Any]
    """Arguments of `workload_submit`, `manifest` among them."""
    paths: dict[str, str]
    """Where in the document each of them comes from."""


class _Loader(Guarded, yaml.SafeLoader):
    max_depth = 24


def read(document: object, namespace: str, *, restricted: bool = False) -> Submitted:
    """Of text or of what JSON holds. `restricted`: the namespace is, so pods have to satisfy that. Raises Wrong, which
    never quotes a value: it may be a secret."""
    if isinstance(document, str):
        document = _loaded(document)
    if not isinstance(document, Mapping):
        raise Wrong(("", "It is no object of Kubernetes: apiVersion, kind, metadata and spec are missing."))
    name = document.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        raise Wrong(("kind", OTHERS))
    kind = KINDS[name]
    kept = kind.document(name)(document, "")
    if len(json.dumps(kept)) > MAX_CHARACTERS:
        raise Wrong(("", "It is larger than 64 KiB. Put what is large into a ConfigMap or the image."))
    metadata, spec = kept["metadata"], kept["spec"]
    if metadata.pop("namespace", namespace) != namespace:
        raise Wrong(("metadata.namespace", f"Work of this project runs in {namespace}. Write that, or remove it."))
    pods = spec.get(kind.pods, 1)
    template = spec["template"]
    if restricted:
        check_restricted(template)
    pod = msgspec.convert(template["spec"], decode.PodSpec)
    asked = {
        "kind": kind_of_work(name, pods),
        "name": metadata.pop("name"),
        "pods": pods,
        "image": template["spec"]["containers"][0]["image"],
        "devices": requested(pod, GPU),
        "cpu_millicores": requested(pod, "cpu"),
        "memory_bytes": requested(pod, "memory"),
        "node_labels": template["spec"].pop("nodeSelector", {}),
        "tolerations": template["spec"].pop("tolerations", []),
        "retries": spec.get("backoffLimit", RETRIES) if name == "Job" else 0,
        "manifest": {
            "metadata": metadata,
            "spec": {field: spec[field] for field in kind.kept if field in spec},
            "template": template,
        },
    }
    return Submitted(asked, _paths(kind.pods))


def _loaded(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise Wrong(("", "It is larger than 64 KiB. Put what is large into a ConfigMap or the image."))
    try:
        return load(text, _Loader)
    except GuardedYamlError as error:
        raise Wrong(("", str(error))) from None


def _paths(pods: str) -> dict[str, str]:
    pod = "spec.template.spec"
    return {
        "name": "metadata.name",
        "kind": "kind",
        "pods": f"spec.{pods}",
        "image": f"{pod}.containers[0].image",
        "node_labels": f"{pod}.nodeSelector",
        "tolerations": f"{pod}.tolerations",
        "retries": "spec.backoffLimit",
        **dict.fromkeys(("devices", "cpu_millicores", "memory_bytes"), f"{pod}.containers"),
    }


def without_values(manifest: dict[str, Any]) -> dict[str, Any]:
    """Without variables of the environment that stand in it: they may be secrets of who submitted it."""
    template = manifest["template"]
    spec = dict(template["spec"])
    for name in spec.keys() & {"containers", "initContainers"}:
        spec[name] = [
            container | {"env": [variable for variable in container.get("env", ()) if "value" not in variable]}
            for container in spec[name]
        ]
    return manifest | {"template": template | {"spec": spec}}
