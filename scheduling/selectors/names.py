"""Names of units and workloads as far as a reader may know them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from orgs.models import OrgUnit
from portal.formats import gpus_counted
from scheduling.models import Workload

from .visible import visible_workloads

UnitName = Callable[[int], str]


def unit_namer(numbers: Iterable[Mapping[str, Any]]) -> UnitName:
    """The names of the units that the `numbers` of reasons mention.

    They lie on the path of the workload the reason is about: give it only reasons of workloads in the reader's sight.
    """
    ids = {int(found["unit"]) for found in numbers if "unit" in found}
    names = dict(OrgUnit.objects.filter(id__in=ids).values_list("id", "name")) if ids else {}
    return lambda unit: names.get(unit, "a unit that is gone")


def workload_words(user: Any, ids: Collection[int], own: OrgUnit | None = None) -> dict[int, str]:
    """What the reader may call these workloads; those out of sight by what they ask for and how far they are.

    `own`: the project one looks from; what lies in the same department is told apart from the rest.
    """
    if not ids:
        return {}
    words = dict(visible_workloads(user).filter(id__in=ids).values_list("id", "name"))
    hidden = Workload.objects.filter(id__in=set(ids) - set(words)).values_list(
        "id", "requested_gpu_milli", "project__parent_id"
    )
    for workload, gpu_milli, department in hidden:
        whose = "project" if own is not None and department == own.parent_id else "department"
        words[workload] = f"a workload of another {whose}, {gpus_counted(gpu_milli)}"
    return words
