"""What a person typed into the matrix and has not saved: as the page sends it, and what it means for quotas.

The page sends JSON: `{"edits": [{"cell": "7-3", "version": "2", "resource": "gpu", "show": "quota", "text": "8"}],
"reason": "", "scales": {"3": 12000}}`. Scales: by pool, what its bars show at full width. Beside the sides that a lens
shows there are two that are switched: `over` (on, off) and `rank`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orgs.access import within
from orgs.models import OrgUnit, UnitState
from portal.errors import Refused
from quotas.lens import Lens
from quotas.models import Pool, Quota, Rank
from quotas.selectors.access import no_row
from quotas.services.quota import MOST_CHANGES, QuotaChange
from quotas.services.quota_rules import values_of
from quotas.services.quota_versions import Cell

STALE = "The page is out of date. Load it again."
LONGEST_TYPED = 40
_CELL = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_VERSION = re.compile(r"[0-9]{1,9}")
SWITCHES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "over": ("over_quota", {"on": True, "off": False}),
    "rank": ("rank", {rank.label: rank.value for rank in Rank}),
}
"""Sides that are switched: their column, and what their words mean."""


@dataclass(frozen=True, slots=True)
class Edit:
    cell: Cell
    version: int
    lens: Lens
    show: str
    text: str

    @property
    def key(self) -> str:
        """Names the edit to the page: the cell, and which side of it."""
        return f"{self.cell[0]}-{self.cell[1]}:{self.lens.resource.key}:{self.show}"

    def applied(self, quota: Quota) -> dict[str, Any] | None:
        """The whole row with this edit; None: no row any more. Raises Refused for what cannot be read."""
        if self.show not in SWITCHES:
            return self.lens.typed(quota, self.text)
        column, words = SWITCHES[self.show]
        if self.text not in words:
            raise Refused(f"Choose one of {', '.join(words)}.")
        return values_of(quota) | {column: words[self.text]}


@dataclass(frozen=True, slots=True)
class Sent:
    """What the page sent."""

    edits: list[Edit]
    reason: str
    scales: dict[int, int]


@dataclass(slots=True)
class Planned:
    """What the edits come to."""

    changes: list[QuotaChange] = field(default_factory=list)
    now: dict[Cell, Quota] = field(default_factory=dict)
    """The rows as they are, where there are any."""
    unset: Quota = field(default_factory=no_row)
    """What counts where there is none."""
    names: dict[Cell, str] = field(default_factory=dict)
    edits: dict[Cell, list[Edit]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, str] = field(default_factory=dict)
    """By key of an edit: why it cannot be read, or is not this person's to make."""


def read(body: bytes) -> Sent:
    """Refused where no page of ours could have sent it."""
    try:
        sent = json.loads(body)
        edits = [_edit(one) for one in sent["edits"]]
        reason = sent.get("reason", "")
        scales = {int(pool): max(int(scale), 1) for pool, scale in sent.get("scales", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Refused(STALE) from None
    if not isinstance(reason, str):
        raise Refused(STALE)
    if len(edits) > MOST_CHANGES:
        raise Refused(f"{len(edits):,} changes are too many. Save at most {MOST_CHANGES:,} at once.")
    return Sent(edits, reason, scales)


def _edit(sent: dict[str, Any]) -> Edit:
    cell, version = _CELL.fullmatch(sent["cell"]), _VERSION.fullmatch(sent["version"])
    if cell is None or version is None or not isinstance(sent["text"], str):
        raise ValueError
    lens, show = Lens.of({"resource": sent["resource"], "show": sent["show"]}), sent["show"]
    if lens.show != show and show not in SWITCHES:
        raise ValueError
    return Edit((int(cell[1]), int(cell[2])), int(version[0]), lens, show, sent["text"].strip())


def planned(user: Any, edits: list[Edit]) -> Planned:
    """The edits of each cell put together on top of what the cell is now; a fixed number of queries."""
    plan = Planned()
    seen = within(OrgUnit.objects.filter(state=UnitState.ACTIVE), user, "quota:read").select_related("parent")
    units = seen.in_bulk({edit.cell[0] for edit in edits})
    pools = Pool.objects.in_bulk({edit.cell[1] for edit in edits})
    rows = Quota.objects.filter(unit__in=units, pool__in=pools)
    plan.now = {(quota.unit_id, quota.pool_id): quota for quota in rows}
    for edit in edits:
        unit, pool = units.get(edit.cell[0]), pools.get(edit.cell[1])
        if unit is None or pool is None or pool.cluster_id != unit.cluster_id:
            plan.refused[edit.key] = "This department, project or pool is gone, or not yours to see."
        else:
            plan.edits[edit.cell].append(edit)
            plan.names[edit.cell] = f"{unit.name} in {pool.name}"
    for cell, own in plan.edits.items():
        own.sort(key=lambda edit: edit.show != "quota")  # taking a quota away takes the row with it
        values = _together(plan, cell, own)
        version = min(edit.version for edit in own)
        if not any(edit.key in plan.refused for edit in own):
            plan.changes.append(QuotaChange(units[cell[0]], pools[cell[1]], values, version))
    return plan


def _together(plan: Planned, cell: Cell, edits: list[Edit]) -> dict[str, Any] | None:
    quota = plan.now.get(cell)
    values = values_of(quota) if quota is not None else None
    for edit in edits:
        try:
            if len(edit.text) > LONGEST_TYPED:
                raise Refused(f"That is longer than {LONGEST_TYPED} characters. Type a number.")
            values = edit.applied(plan.unset if values is None else Quota(**values))
        except Refused as refusal:
            plan.refused[edit.key] = refusal.messages[0]
    return values
