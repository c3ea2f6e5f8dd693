"""Words for what the audit log holds: acts, things, fields and their values with their units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist

from portal import formats
from portal.models import AuditEvent

ACTS = {
    "create": "created",
    "update": "changed",
    "delete": "deleted",
    "remove": "removed",
    "move": "moved",
    "submit": "submitted",
    "stop": "stopped",
    "ask": "asked for",
    "export": "downloaded",
    "refuse": "was refused",
    "purge": "purged",
    "reclaim": "took back",
    "preempt": "stopped for others",
    "consolidate": "moved to make room",
    "gang_incomplete": "gave up, incomplete,",
    "fail": "let fail",
    "vanish": "let vanish",
    "return": "let return",
    "cordon": "cordoned",
    "uncordon": "uncordoned",
    "hang": "let hang",
    "release": "let go on",
    "sign in": "signed in",
    "sign in failed": "failed to sign in",
    "sign out": "signed out",
    "lock out": "was locked out",
    "change password": "changed the password of",
    "reset password": "reset the password of",
    "replace credentials": "gave other credentials for",
    "renew encryption": "encrypted anew what is kept of",
    "clean": "took what Bursar wrote out of",
    "end sessions": "ended sessions of",
    "rotate": "rotated",
    "revoke": "revoked",
    "test": "tested",
    "send again": "sent once more by",
    "link": "linked",
    "unlink": "unlinked",
}
"""By action; others are said as they are written."""
OF_ONESELF = ("sign in", "sign out")
THINGS = {
    "accesskey": "access key",
    "accessrule": "access rule",
    "user": "person",
    "auditseal": "events up to",
    "page": "page",
    "usersession": "session",
}
"""Kinds whose model's name is not the word for people."""
FIELDS = {
    "gpu_milli": "GPUs",
    "cpu_millicores": "CPU",
    "memory_bytes": "memory",
    "device_milli": "share of each GPU",
    "devices": "GPUs a pod",
    "is_active": "may sign in",
    "min_pods": "pods at least",
    "for_workload": "for workload no.",
    "with": "together with",
    "asked": "asked at",
}
QUOTA_FIELDS = {
    "gpu_milli": "guaranteed",
    "cpu_millicores": "guaranteed CPU",
    "memory_bytes": "guaranteed memory",
    "limit_gpu_milli": "limit",
    "limit_cpu_millicores": "CPU limit",
    "limit_memory_bytes": "memory limit",
}
UNIT_FIELDS = ("parent", "scope", "unit", "with")
"""Fields that may name another unit than the event's own; its id stands beside it, under the same name with `_id`."""
MEASURED = ("allocated", "fair_share", "quota", "requested", "limit", "free", "short")
"""Amounts whose unit is that of the column named by `resource` beside them."""
NOTHING = ("not set", "no limit", "none", "empty", "no", "0", None)
HIDDEN = "one that you may not see"


@dataclass(frozen=True, slots=True)
class Change:
    """A field with its value before and after; None where there is none on that side."""

    field: str
    before: str | None
    after: str | None

    @property
    def telling(self) -> bool:
        """Whether a line with little room shows it: not what something new has not."""
        return self.before is not None or self.after not in NOTHING

    @property
    def short(self) -> str:
        if self.before is None:
            return f"{self.field} {self.after}"
        return f"{self.field} {self.before}" if self.after is None else f"{self.field} {self.before} → {self.after}"


def act_word(action: str) -> str:
    return ACTS.get(action, action.replace("_", " "))


def thing_word(entity: str) -> str:
    """What people call the kind of thing."""
    if entity in THINGS:
        return THINGS[entity]
    model = _models().get(entity)
    return str(model._meta.verbose_name) if model else entity.replace("_", " ")


def sentence(event: AuditEvent) -> str:
    """Who did what to which thing, in one line."""
    act, name = act_word(event.action), event.entity_name
    if event.action in OF_ONESELF:
        return f"{event.actor_name} {act}"
    if event.action in ("sign in failed", "lock out"):
        return f"{event.actor_name} {act} as {name}"
    if event.action == "refuse":
        return f"{event.actor_name} {act} a change of {thing_word(event.entity)} {name}"
    return f"{event.actor_name} {act} {thing_word(event.entity)} {name}"


def changes(event: AuditEvent, seen: Mapping[int, bool] | None = None) -> list[Change]:
    """What differs, field by field. `seen`: whether the reader may know the unit of that id; None: knows all."""
    sides = (event.before or {}, event.after or {})
    columns = _columns(event.entity)
    # The columns' own order, as PostgreSQL keeps the names of an object in one of its own.
    names = sorted({*sides[0], *sides[1]}, key=lambda name: (columns.get(name, len(columns)), name))
    found = []
    for name in names:
        if name.removesuffix("_id") in UNIT_FIELDS and name.endswith("_id"):
            continue
        texts: list[str | None] = []
        for side in sides:
            unit = side.get(f"{name}_id") if name in UNIT_FIELDS else None
            hidden = seen is not None and isinstance(unit, int) and not seen.get(unit, False)
            if name not in side:
                texts.append(None)
            elif hidden:
                texts.append(HIDDEN)
            elif name == "resource":
                texts.append(field_word(str(side[name])))
            else:
                measured = f"{name}_{side['resource']}" if name in MEASURED and "resource" in side else name
                texts.append(value_word(event.entity, measured, side[name]))
        found.append(Change(field_word(name, event.entity), *texts))
    return found


def units_named(event: AuditEvent) -> set[int]:
    """Ids of the units that fields of the event name."""
    sides = (event.before or {}, event.after or {})
    named = {side.get(f"{name}_id") for side in sides for name in UNIT_FIELDS}
    return {unit for unit in named if isinstance(unit, int)}


def field_word(name: str, entity: str = "") -> str:
    if entity == "quota" and name in QUOTA_FIELDS:
        return QUOTA_FIELDS[name]
    if name in FIELDS:
        return FIELDS[name]
    if name.startswith("limit_"):
        return f"{field_word(name.removeprefix('limit_'))} at most"
    for suffix in ("_milli", "_millicores", "_bytes", "_seconds", "_mib"):
        name = name.removesuffix(suffix)
    words = " ".join({"gpu": "GPU", "cpu": "CPU", "id": "no."}.get(word, word) for word in name.split("_"))
    return words or "value"


def value_word(entity: str, name: str, value: Any) -> str:
    """A value as people write it, its unit by the name of its field."""
    if value is None:
        return "no limit" if name.startswith("limit_") else "not set"
    if isinstance(value, bool):
        return ("on" if value else "off") if name == "over_quota" else ("yes" if value else "no")
    if isinstance(value, list):
        return ", ".join(value_word(entity, name, part) for part in value) or "none"
    if isinstance(value, dict):
        return "; ".join(f"{field_word(key)}: {value_word(entity, key, part)}" for key, part in value.items()) or "none"
    if isinstance(value, int):
        return _number(entity, name, value)
    return str(value) or "empty"


def _number(entity: str, name: str, value: int) -> str:
    chosen = _choices(entity, name).get(value)
    if chosen is not None:
        return chosen
    if name.endswith(("gpu_milli", "device_milli")):
        return formats.gpus_counted(value)
    if name.endswith("_millicores"):
        return f"{formats.cores(value)} cores"
    if name.endswith("_bytes"):
        return formats.memory(value)
    if name.endswith("_mib"):
        return formats.memory(value * 1024**2)
    if name.endswith("_seconds"):
        return formats.duration(value)
    if name.endswith(("_hours", "_days")):
        return f"{formats.count(value)} {'h' if name.endswith('_hours') else 'd'}"
    if name.endswith("_milli"):
        return formats.gpus(value)
    return formats.count(value)


@cache
def _models() -> dict[str, Any]:
    return {model._meta.model_name: model for model in apps.get_models() if model._meta.model_name}


@cache
def _columns(entity: str) -> dict[str, int]:
    """The place of each column among those of its model."""
    model = _models().get(entity)
    return {field.name: place for place, field in enumerate(model._meta.fields)} if model else {}


@cache
def _choices(entity: str, name: str) -> dict[int, str]:
    """The words of a column with choices."""
    model = _models().get(entity)
    try:
        field = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        return {}
    return {value: str(word) for value, word in getattr(field, "flatchoices", ()) if isinstance(value, int)}
