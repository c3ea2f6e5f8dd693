"""Names and amounts, as Kubernetes spells them."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from quotas.rules import label_key, label_value
from scheduling.clusters.kubernetes.finding import SHARES
from scheduling.clusters.kubernetes.manifests import MANAGED_BY
from scheduling.clusters.kubernetes.quantities import units
from scheduling.services.workload_rules import IMAGE as IMAGE_FORM
from scheduling.services.workload_rules import VARIABLE as VARIABLE_FORM

from .checks import Wrong, by, either, fields, text, texts, whole

NO_ADDRESS = "This is no IP address. Write it as 10.0.0.1 or fd00::1."
OWNER = "Bursar makes the object and owns it. Remove it."
RESERVED = re.compile(r"([^/]*\.)?(bursar\.dev|kubernetes\.io|k8s\.io)/.*|io\.kubernetes\..*")
OPEN = re.compile(r"app\.kubernetes\.io/.*|kubectl\.kubernetes\.io/default-container")
"""Of these, what everybody may use."""

NAME = text(253, r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
KEY = text(253, r"[-._a-zA-Z0-9]+")
PATH = text(1000)
VARIABLE = text(253, VARIABLE_FORM.pattern, "A variable's name has letters, digits and underscores. Respell it.")
IMAGE = text(300, IMAGE_FORM.pattern, "Write an image as python:3.12 is written.")
PORT = either(whole(1, 65535), text(15, r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"), words="Give a port's number or name.")
OPTION = text(100, r"[-_.:a-zA-Z0-9]+")


def ADDRESS(value: Any, path: str) -> str:  # noqa: N802 - as below
    """Of a host, by number."""
    address: str = text(45, r"[.:0-9a-fA-F]+", NO_ADDRESS)(value, path)
    try:
        ip_address(address)
    except ValueError:
        raise Wrong((path, NO_ADDRESS)) from None
    return address


def QUANTITY(value: Any, path: str) -> str:  # noqa: N802 - stands beside the checks that are made
    """Kept as text."""
    amount = str(value) if type(value) in (int, float, str) else ""
    try:
        units(amount)
    except ValueError:
        amount = ""
    if not amount or amount.startswith("-"):
        raise Wrong((path, "This is no amount. Write it as 2, 500m or 16Gi."))
    return amount


def _own_key(value: Any, path: str) -> str:
    key: str = by(label_key)(value, path)
    if (RESERVED.fullmatch(key) and not OPEN.fullmatch(key)) or key == MANAGED_BY:
        raise Wrong(
            (path, "Labels and annotations of bursar.dev and kubernetes.io are not for people to set. Remove it.")
        )
    if key in SHARES:
        raise Wrong((path, "Clusters hand out whole GPUs, no shares. Ask for nvidia.com/gpu, and remove it."))
    return key


METADATA = {"labels": texts(_own_key, by(label_value)), "annotations": texts(_own_key, text(4000))}
"""Of objects and pods."""
NOT_METADATA = {
    "ownerReferences": OWNER,
    "finalizers": OWNER,
    "generateName": "Give it a name of its own, as metadata.name.",
    **dict.fromkeys(
        ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"),
        "The cluster writes it. Remove it.",
    ),
}
TEMPLATE_METADATA = fields(METADATA, NOT_METADATA)
