"""Containers of a pod."""

from __future__ import annotations

from functools import partial
from typing import Any

from scheduling.clusters.kubernetes.finding import GPU
from scheduling.clusters.kubernetes.quantities import thousandths, units

from .checks import Wrong, below, collected, fields, flag, listed, one_of, only, text, texts, whole
from .names import IMAGE, KEY, NAME, PATH, PORT, QUANTITY, VARIABLE
from .security import SECURITY_CONTEXT
from .volumes import FIELD, MOUNT, RESOURCE_FIELD

HOST = "Probes and hooks ask the pod itself. Remove it."
NODE_PORT = "A pod may not take ports of its node. Remove it."
SECONDS = whole(0, 10**6)
COUNT = whole(1, 10**4)
WORDS = listed(text())

HANDLERS = {
    "exec": fields({"command": WORDS}),
    "httpGet": fields(
        {
            "path": text(1000),
            "port": PORT,
            "scheme": only("HTTP", "HTTPS"),
            "httpHeaders": listed(fields({"name": text(100), "value": text(1000)}, needed=["name", "value"])),
        },
        {"host": HOST},
        needed=["port"],
    ),
    "tcpSocket": fields({"port": PORT}, {"host": HOST}, needed=["port"]),
}
PROBE = one_of(
    HANDLERS | {"grpc": fields({"port": whole(1, 65535), "service": text(253)}, needed=["port"])},
    beside={
        "initialDelaySeconds": SECONDS,
        **dict.fromkeys(
            (
                "timeoutSeconds",
                "periodSeconds",
                "successThreshold",
                "failureThreshold",
                "terminationGracePeriodSeconds",
            ),
            COUNT,
        ),
    },
)
HOOK = one_of(HANDLERS | {"sleep": fields({"seconds": SECONDS}, needed=["seconds"])})

SELECTED = fields({"name": NAME, "key": KEY, "optional": flag}, needed=["name", "key"])
ENV = fields(
    {
        "name": VARIABLE,
        "value": text(),
        "valueFrom": one_of(
            {
                "fieldRef": FIELD,
                "resourceFieldRef": RESOURCE_FIELD,
                "secretKeyRef": SELECTED,
                "configMapKeyRef": SELECTED,
            }
        ),
    },
    needed=["name"],
)
WHOLE_SET = fields({"name": NAME, "optional": flag}, needed=["name"])
ENV_FROM = one_of({"configMapRef": WHOLE_SET, "secretRef": WHOLE_SET}, beside={"prefix": VARIABLE})


def _resource(value: Any, path: str) -> str:
    if value in ("cpu", "memory", "ephemeral-storage", GPU):
        return str(value)
    if str(value).startswith("nvidia.com/"):
        raise Wrong((path, f"Clusters hand out whole GPUs. Ask for {GPU} instead."))
    raise Wrong((path, f"Bursar counts cpu, memory, ephemeral-storage and {GPU} only. Remove it."))


AMOUNTS = texts(_resource, QUANTITY)
RESOURCES = fields(
    {"requests": AMOUNTS, "limits": AMOUNTS}, {"claims": f"Bursar does not know resource claims. Ask for {GPU}."}
)
CONTAINER = {
    "name": NAME,
    "image": IMAGE,
    "imagePullPolicy": only("Always", "IfNotPresent", "Never"),
    "command": WORDS,
    "args": WORDS,
    "workingDir": PATH,
    "env": listed(ENV),
    "envFrom": listed(ENV_FROM),
    "ports": listed(
        fields(
            {"name": NAME, "containerPort": whole(1, 65535), "protocol": only("TCP", "UDP", "SCTP")},
            {"hostPort": NODE_PORT, "hostIP": NODE_PORT},
            needed=["containerPort"],
        )
    ),
    "volumeMounts": listed(MOUNT),
    "livenessProbe": PROBE,
    "readinessProbe": PROBE,
    "startupProbe": PROBE,
    "lifecycle": fields({"postStart": HOOK, "preStop": HOOK}),
    "securityContext": SECURITY_CONTEXT,
    "terminationMessagePath": PATH,
    "terminationMessagePolicy": only("File", "FallbackToLogsOnError"),
    "stdin": flag,
    "stdinOnce": flag,
    "tty": flag,
}


def container(value: Any, path: str, *, starts: bool = False) -> dict[str, Any]:
    """`starts`: it runs before the others, which it may go on beside. What it is limited to counts as requested where
    it requests nothing, as in Kubernetes."""
    more = {"restartPolicy": only("Always"), "resources": RESOURCES} if starts else {"resources": RESOURCES}
    kept: dict[str, Any] = fields(CONTAINER | more, needed=["name", "image"])(value, path)
    where = f"{path}.resources"
    limits = kept.get("resources", {}).get("limits", {})
    requests = limits | kept.get("resources", {}).get("requests", {})
    needed = () if starts and "restartPolicy" not in kept else ("cpu", "memory")
    collected(partial(_is_given, requests, name, where) for name in needed)
    collected(partial(_is_within, requests, limits, name, where) for name in requests)
    return kept | {"resources": {"requests": requests, "limits": limits}}


def first(value: Any, path: str) -> dict[str, Any]:
    """An init container."""
    return container(value, path, starts=True)


def _is_given(requests: dict[str, str], name: str, path: str) -> None:
    if name not in requests:
        example = "4" if name == "cpu" else "16Gi"
        raise Wrong((f"{path}.requests.{name}", f"It is missing, and counts in the quota. Say how much, as {example}."))


def _is_within(requests: dict[str, str], limits: dict[str, str], name: str, path: str) -> None:
    read = thousandths if name in ("cpu", GPU) else units
    requested = read(requests[name])
    limit = read(limits[name]) if name in limits else None
    if name == GPU and requested % 1000:
        raise Wrong((below(f"{path}.limits", name), "Clusters hand out whole GPUs, no shares. Ask for whole ones."))
    if name == GPU and requested != limit:
        raise Wrong((below(f"{path}.limits", name), "GPUs are limited to what is requested. Give limits alone."))
    if limit is not None and requested > limit:
        raise Wrong((below(f"{path}.requests", name), "It is more than its limit. Raise the limit, or ask for less."))
