"""Kubernetes documents as people submit them."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def job(name: str = "train-1", pods: int = 1, **pod: Any) -> Document:
    """With a container of 4 cores, 16 GiB and a GPU; `pod`: fields of the pods' specification."""
    return _made("batch/v1", "Job", name, {"parallelism": pods}, pod)


def stateful_set(name: str = "notebook", **pod: Any) -> Document:
    return _made("apps/v1", "StatefulSet", name, {"serviceName": name, "selector": {"matchLabels": {"app": name}}}, pod)


def deployment(name: str = "serve", pods: int = 1, **pod: Any) -> Document:
    return _made("apps/v1", "Deployment", name, {"replicas": pods, "selector": {"matchLabels": {"app": name}}}, pod)


def job_set(name: str = "train-1", **pods: int) -> Document:
    """`pods`: how many, by the group's name."""
    jobs = [
        {"name": group, "template": {"spec": job(pods=number, containers=[container(image=f"{group}:1")])["spec"]}}
        for group, number in pods.items()
    ]
    spec = {"replicatedJobs": jobs}
    return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": name}, "spec": spec}


def container(**fields: Any) -> Document:
    limits = {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": 1}
    return {"name": "main", "image": "python:3.12", "resources": {"limits": limits}} | fields


def _made(api: str, kind: str, name: str, spec: Document, pod: Document) -> Document:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container()]} | pod}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec | {"template": template}}


RESTRICTED = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [container(securityContext={"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}})],
}
"""Fields of pods as the Pod Security level `restricted` wants them."""
