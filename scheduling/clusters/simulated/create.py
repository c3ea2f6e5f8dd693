"""Gives a simulated cluster its nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec
from django.db import transaction

from orgs.models import OrgUnit
from scheduling.models import SimObject

from .store import KIND, create_clock, writing

NODES = Path(__file__).parent / "nodes"
SMALL = NODES / "small.json"
GIB = 1024**3


class NodeGroup(msgspec.Struct, forbid_unknown_fields=True):
    """Equal nodes of a nodes file, numbered from `first`."""

    name: str
    count: int
    labels: dict[str, str]
    cores: int
    memory_gib: int
    first: int = 1
    gpu_type: str = ""
    gpu_count: int = 0
    gpu_memory_gib: int = 0
    taints: list[dict[str, str]] = []

    def spec(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "taints": self.taints,
            "gpu_type": self.gpu_type,
            "gpu_count": self.gpu_count,
            "gpu_memory_bytes": self.gpu_memory_gib * GIB,
            "cpu_millicores": self.cores * 1000,
            "memory_bytes": self.memory_gib * GIB,
        }


@transaction.atomic
def simulate_cluster(cluster: OrgUnit, nodes_file: Path = SMALL) -> None:
    """Gives a cluster that nobody has looked at yet the nodes that `nodes_file` describes, and no others.

    Raises msgspec.ValidationError for a file that is not one.
    """
    groups = msgspec.json.decode(nodes_file.read_bytes(), type=list[NodeGroup])
    create_clock(cluster.pk)
    SimObject.objects.filter(cluster_id=cluster.pk, kind=KIND.NODE).delete()
    with writing(cluster.pk) as change:
        for group in groups:
            for number in range(group.first, group.first + group.count):
                name = f"{group.name}-{number:02}"
                uid = str(uuid5(NAMESPACE_OID, f"{cluster.pk}/{name}"))
                change.save(
                    SimObject(cluster_id=cluster.pk, kind=KIND.NODE, uid=uid, name=name, spec=group.spec(), status={})
                )
