"""Volumes of a pod: of the project's own, and nothing of the node or of others."""

from __future__ import annotations

from .checks import Check, fields, flag, listed, one_of, only, text, whole
from .names import KEY, NAME, PATH, QUANTITY

CLAIM = "Use a persistentVolumeClaim."
TOKEN = "The work of researchers has no business with the API server. Remove it."  # noqa: S105 - words about tokens
MODE = whole(0, 0o777)
ITEMS = listed(fields({"key": KEY, "path": PATH, "mode": MODE}, needed=["key", "path"]))
FIELD = fields({"apiVersion": only("v1"), "fieldPath": text(300)}, needed=["fieldPath"])
RESOURCE_FIELD = fields({"containerName": NAME, "resource": text(100), "divisor": QUANTITY}, needed=["resource"])
DOWNWARD = {
    "items": listed(
        one_of({"fieldRef": FIELD, "resourceFieldRef": RESOURCE_FIELD}, beside={"path": PATH, "mode": MODE})
    ),
}


def _named(name: str) -> dict[str, Check]:
    """A ConfigMap or Secret of the project's namespace."""
    return {name: NAME, "items": ITEMS, "optional": flag}


SOURCE = one_of(
    {
        "configMap": fields(_named("name"), needed=["name"]),
        "secret": fields(_named("name"), needed=["name"]),
        "downwardAPI": fields(DOWNWARD),
    },
    {"serviceAccountToken": TOKEN, "clusterTrustBundle": TOKEN, "podCertificate": TOKEN},
)
VOLUME = one_of(
    {
        "emptyDir": fields({"medium": only("", "Memory"), "sizeLimit": QUANTITY}),
        "persistentVolumeClaim": fields({"claimName": NAME, "readOnly": flag}, needed=["claimName"]),
        "configMap": fields(_named("name") | {"defaultMode": MODE}, needed=["name"]),
        "secret": fields(_named("secretName") | {"defaultMode": MODE}, needed=["secretName"]),
        "downwardAPI": fields(DOWNWARD | {"defaultMode": MODE}),
        "projected": fields({"sources": listed(SOURCE), "defaultMode": MODE}),
    },
    {"hostPath": f"A pod may not reach the files of its node. {CLAIM}"},
    beside={"name": NAME},
    others=f"Bursar takes no such volume. {CLAIM}",
)
MOUNT = fields(
    {
        "name": NAME,
        "mountPath": PATH,
        "subPath": PATH,
        "subPathExpr": PATH,
        "readOnly": flag,
        "mountPropagation": only(
            "None",
            "HostToContainer",
            words="Mounts may not reach other containers or the node. Use HostToContainer, or remove it.",
        ),
    },
    needed=["name", "mountPath"],
)
