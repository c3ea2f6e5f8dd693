"""Which object in the cluster a workload's row is about."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count

from scheduling.clusters.orders import WorkloadKey
from scheduling.models import Workload

KEY = ("uid", "name", "project__project_info__namespace", "kind", "origin", Count("sub_groups"))
"""Columns that `key_of` takes."""


def key_of(uid: UUID, name: str, namespace: str, kind: int, origin: str, groups: int) -> WorkloadKey:
    found, _, owner = origin.partition("/")
    return WorkloadKey(str(uid), owner or name, namespace, Workload.Kind(kind).label, found, groups > 1)
