"""A submitted document: what it asks for, in the words of the service, and what the cluster is given of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import getitem
from typing import Any

import msgspec
import yaml

from scheduling.clusters.kubernetes import decode
from scheduling.clusters.kubernetes.finding import GPU
from scheduling.clusters.kubernetes.guarded_yaml import Guarded, GuardedYamlError, load
from scheduling.clusters.kubernetes.seeing import requested
from scheduling.services.workload_rules import PodGroup

from .checks import Wrong, collected
from .groups import Group, groups_of, templates_of
from .kinds import KINDS, OTHERS, Kind, kind_of_work
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
    metadata, groups = kept["metadata"], groups_of(kept["spec"])
    if metadata.pop("namespace", namespace) != namespace:
        raise Wrong(("metadata.namespace", f"Work of this project runs in {namespace}. Write that, or remove it."))
    first, *others = groups
    shape, *shapes = [_shape(kind, group) for group in groups]
    once = {"template.spec.nodeSelector": {}, "template.spec.tolerations": [], "backoffLimit": RETRIES}
    labels, tolerations, retries = collected(partial(_of_all, groups, path, usual) for path, usual in once.items())
    asked = {
        "kind": kind_of_work(name, shape["pods"]),
        "name": metadata.pop("name"),
        "image": first.spec["template"]["spec"]["containers"][0]["image"],
        **shape,
        "node_labels": labels,
        "tolerations": tolerations,
        "retries": retries if kind.is_retried else 0,
    }
    if others:
        more = [PodGroup(name=group.name, **own) for group, own in zip(others, shapes, strict=True)]
        kept_of = [{"name": group.name, "metadata": group.metadata} | _kept(kind, group) for group in groups]
        asked |= {"group": first.name, "more_groups": more, "manifest": {"metadata": metadata, "groups": kept_of}}
    else:
        asked["manifest"] = {"metadata": metadata} | _kept(kind, first)
    if restricted:
        check_restricted(asked["manifest"])
    return Submitted(asked, _paths(kind, first))


def _shape(kind: Kind, group: Group) -> dict[str, int]:
    pod = msgspec.convert(group.spec["template"]["spec"], decode.PodSpec)
    return {
        "pods": group.spec.get(kind.pods, 1),
        "devices": requested(pod, GPU),
        "cpu_millicores": requested(pod, "cpu"),
        "memory_bytes": requested(pod, "memory"),
    }


def _of_all(groups: Sequence[Group], path: str, usual: Any) -> Any:
    """What a workload has once, taken out of each of its groups, which have to say the same."""
    *way, last = path.split(".")
    found = [reduce(getitem, way, group.spec).pop(last, usual) for group in groups]
    differing = [group for group, own in zip(groups, found, strict=True) if own != found[0]]
    if differing:
        words = "It is one for all groups of a workload. Write what the first has."
        raise Wrong(*((f"{group.path}.{path}", words) for group in differing))
    return found[0]


def _kept(kind: Kind, group: Group) -> dict[str, Any]:
    kept = {field: group.spec[field] for field in kind.kept if field in group.spec}
    return {"spec": kept, "template": group.spec["template"]}


def _loaded(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise Wrong(("", "It is larger than 64 KiB. Put what is large into a ConfigMap or the image."))
    try:
        return load(text, _Loader)
    except GuardedYamlError as error:
        raise Wrong(("", str(error))) from None


def _paths(kind: Kind, first: Group) -> dict[str, str]:
    pod = f"{first.path}.template.spec"
    return {
        "name": "metadata.name",
        "kind": "kind",
        "pods": f"{first.path}.{kind.pods}",
        "image": f"{pod}.containers[0].image",
        "node_labels": f"{pod}.nodeSelector",
        "tolerations": f"{pod}.tolerations",
        "retries": f"{first.path}.backoffLimit",
        **dict.fromkeys(("devices", "cpu_millicores", "memory_bytes"), f"{pod}.containers"),
        **dict.fromkeys(("group", "more_groups"), "spec.replicatedJobs"),
    }


def without_values(manifest: dict[str, Any]) -> dict[str, Any]:
    """Without variables of the environment that stand in it: they may be secrets of who submitted it."""
    found = copy.deepcopy(manifest)
    for _, template in templates_of(found):
        for name in template["spec"].keys() & {"containers", "initContainers"}:
            for container in template["spec"][name]:
                container["env"] = [variable for variable in container.get("env", ()) if "value" not in variable]
    return found
