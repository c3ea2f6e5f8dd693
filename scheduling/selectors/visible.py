"""Which workloads a person may see: by the right to read their kind in their project."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import Q, QuerySet

from orgs.access import NotVisible, scopes_with, within
from orgs.models import OrgUnit
from scheduling.models import Workload
from scheduling.services.workload_access import ENTITIES

READ_WORK = "training:read workspace:read inference:read found_workload:read"
"""What opens pages of workloads: one of these; so `CREATE_WORK` those that submit."""
CREATE_WORK = "training:create workspace:create inference:create"


def visible_workloads(user: Any) -> QuerySet[Workload]:
    """Kinds that are readable in the same scopes share one condition, so there is nearly always just one."""
    kinds: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for kind, entity in ENTITIES.items():
        kinds[scopes_with(user, f"{entity}:read")].append(kind)
    if len(kinds) == 1:
        return within(Workload.objects.all(), user, "training:read", "project")
    seen = Q(pk__in=[])
    for scopes, members in kinds.items():
        if scopes:
            units = within(OrgUnit.objects.all(), user, f"{ENTITIES[Workload.Kind(members[0])]}:read")
            seen |= Q(kind__in=members, project__in=units.values("pk"))
    return Workload.objects.filter(seen)


def workload_for(user: Any, pk: int) -> Workload:
    """The workload with its project, pool and submitter. NotVisible where it may not be seen."""
    rows = visible_workloads(user).select_related("project__project_info", "pool", "submitted_by__user", "spec")
    found = rows.filter(pk=pk).first()
    if found is None or (found.desired == Workload.Desired.DELETED and not found.is_active):
        raise NotVisible("There is no such workload, or you may not see it.")
    return found
