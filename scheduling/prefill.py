"""The form of Submit, filled in as a workload that is there, with one change: what "Edit" beside a remedy opens."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import QueryDict

from portal.asked import whole_number
from scheduling.engine.remedies import RemedyCode
from scheduling.group_rows import prefix_of
from scheduling.models import SubGroup, Workload
from scheduling.quantities import MEBIBYTE
from scheduling.services.workload_rules import NAME_LENGTH

POOL_FIRST = "pool_first"
"""A change besides those of the engine: another pool at the head of its order."""


def prefilled(
    workload: Workload, groups: Sequence[SubGroup], name: str, *, shows_env: bool, change: str = "", to: str = ""
) -> QueryDict:
    """`name`: of the new one. `change`: a `RemedyCode` about the workload or `POOL_FIRST`; others are passed over.
    `shows_env`: variables of the environment may be secrets of who submitted it."""
    spec = workload.spec.spec
    first, *others = groups
    given = QueryDict(mutable=True)
    given.update(
        {
            "project": str(workload.project_id),
            "kind": str(workload.kind),
            "name": name,
            "priority": str(workload.priority),
            "image": workload.image,
            "group_name": first.name,
            "command": shlex.join(spec.get("command", ())),
            "env": "\n".join(f"{key}={value}" for key, value in spec.get("env", {}).items()) if shows_env else "",
            "tolerations": "\n".join(map(_toleration, first.placement.get("tolerations", ()))),
            "delay": _number(workload.preemption_delay_seconds, 60, "0.1"),
            "retries": str(spec.get("retries") or ""),
            "minutes": _number(spec.get("run_seconds") or 0, 60, "0.1"),
        }
    )
    if workload.preemptible or change == RemedyCode.PREEMPTIBLE:
        given["preemptible"] = "on"
    if change != RemedyCode.WITHOUT_SELECTOR:
        labels = first.placement.get("nodes", {})
        given["node_labels"] = "\n".join(f"{key}={value}" for key, value in labels.items())
    for field, level in _levels(workload, change, to).items():
        given[field] = f"{workload.near_topology_id}:{level}"
    given.setlist("pools", _pools(spec.get("pools", ()), change, to))
    given.setlist("groups", [str(row) for row in range(1, len(others) + 1)])
    for row, group in enumerate(groups):
        prefix = prefix_of(row) if row else ""
        given.update({f"{prefix}{field}": value for field, value in _shape(group, change, to).items()})
        if row:
            given[f"{prefix}name"] = group.name
    return given


def _levels(workload: Workload, change: str, to: str) -> dict[str, str]:
    if workload.near_topology_id is None:
        return {}
    required, preferred = workload.near_required, workload.near_preferred
    if change == RemedyCode.WITHOUT_TOPOLOGY:
        required = ""
    elif change == RemedyCode.WIDER_TOPOLOGY:
        required = to
    return {name: level for name, level in (("near_required", required), ("near_preferred", preferred)) if level}


def _pools(names: Sequence[str], change: str, to: str) -> list[str]:
    return [to, *(name for name in names if name != to)] if change == POOL_FIRST and to else list(names)


def _shape(group: SubGroup, change: str, to: str) -> dict[str, str]:
    least = whole_number(to) or 1
    devices, minimum = group.devices, group.min_members
    if change == RemedyCode.FEWER_DEVICES:
        devices = min(devices, least)
    if change == RemedyCode.SMALLER_MINIMUM:
        minimum = min(minimum, least)
    return {
        "pods": str(group.wanted),
        "minimum": str(minimum) if group.wanted > 1 else "",
        "gpus": _number(devices * group.device_milli, 1000) or "0",
        "gpu_memory": _number(group.gpu_memory_mib, 1024),
        "cores": _number(group.cpu_millicores, 1000),
        "memory": _number(group.memory_bytes // MEBIBYTE, 1024),
    }


def _number(value: int, per_unit: int, step: str = "0.01") -> str:
    """As people type it, to the step that the field takes; nothing for 0."""
    return f"{(Decimal(value) / per_unit).quantize(Decimal(step)).normalize():f}" if value else ""


def _toleration(item: Mapping[str, Any]) -> str:
    text = str(item.get("key", "")) + (f"={item['value']}" if "value" in item else "")
    return f"{text}:{item['effect']}" if item.get("effect") else text


def next_name(name: str, taken: set[str]) -> str:
    """The name itself where no active workload has it, else with a number."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name[: NAME_LENGTH - 4]}-{number}"
    return found
