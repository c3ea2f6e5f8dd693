"""What the matrix shows of quotas, and what typing into one of its cells means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.formats import gpus
from quotas import parsing
from quotas.models import Quota, Rank
from quotas.resources import RESOURCES, Resource
from quotas.services.quota_rules import values_of

SHOWN = {
    "quota": "Quota",
    "limit": "Limit",
    "weight": "Weight and rank",
    "reclaim": "Reclaim after",
    "preempt": "Preempt after",
}
BLOCKED = "blocked"
ACCESS = {BLOCKED: False, "best effort": True}
"""Access to a pool without guarantee -> over quota."""
NO_QUOTA = {"gpu_milli": 0, "cpu_millicores": None, "memory_bytes": None}
RUNTIMES = {"reclaim": "reclaim_min_runtime_seconds", "preempt": "preempt_min_runtime_seconds"}
"""Sides that are times: so long after its start a workload is not stopped for others."""


@dataclass(frozen=True, slots=True)
class Lens:
    """One resource, and one side of its quotas."""

    resource: Resource
    show: str
    """A key of SHOWN."""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Lens:
        """From an address; what it does not know is GPU quotas."""
        resource = RESOURCES.get(parameters.get("resource", ""), RESOURCES["gpu"])
        show = parameters.get("show", "")
        return cls(resource, show if show in SHOWN else "quota")

    @property
    def field(self) -> str:
        """The column that a cell shows."""
        sides = {"quota": self.resource.field, "limit": self.resource.limit_field, "weight": "weight_milli"}
        return (sides | RUNTIMES)[self.show]

    @property
    def is_runtime(self) -> bool:
        return self.show in RUNTIMES

    @property
    def has_bars(self) -> bool:
        """Whether its values are amounts, which a bar can show beside what is used."""
        return self.show in ("quota", "limit")

    @property
    def label(self) -> str:
        """What its cells hold: "GPU quota", "reclaim after"."""
        return SHOWN[self.show].lower() if self.is_runtime else f"{self.resource.label} {self.show}"

    def typed(self, quota: Quota, text: str) -> dict[str, Any] | None:
        """The whole row with `text` in this lens's column; None: no row any more. Raises Refused for what is no number.

        Nothing typed goes back to the default: no quota at all for GPUs, not set for CPU and memory, no limit, medium.
        A quota may also be the word for an access without guarantee.
        """
        if self.show == "quota" and text.casefold() in ACCESS:
            return values_of(quota) | NO_QUOTA | {"over_quota": ACCESS[text.casefold()]}
        if text:
            parse = {"weight": parsing.weight}.get(self.show, self.resource.parse)
            parse = parsing.runtime if self.is_runtime else parse
            return values_of(quota) | {self.field: parse(text)}
        if self.show == "quota" and self.resource.key == "gpu":
            return None
        return values_of(quota) | self._cleared()

    def words(self, quota: Quota) -> str:
        """What a cell of the row shows, as it may be typed; empty where nothing is set."""
        if self.show == "quota" and quota.blocked:
            return BLOCKED
        value = getattr(quota, self.field)
        if value is None:
            return ""
        if self.show == "weight":
            return gpus(value)
        return parsing.runtime_words(value) if self.is_runtime else self.resource.words(value)

    def _cleared(self) -> dict[str, Any]:
        if self.show == "weight":
            return {"weight_milli": Quota().weight_milli, "rank": Rank.MEDIUM}
        return {self.field: None}
