"""Lays out the panel beside the matrix: the effect of what is unsaved, and what is refused of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orgs.access import Forbidden
from portal.errors import Refused
from portal.formats import clock, day
from portal.quota_bar import QuotaBar
from quotas import effect_words
from quotas.edits import SWITCHES, Edit, Planned
from quotas.models import QuotaVersion
from quotas.selectors.effect import Effect, Line
from quotas.services.quota_versions import Cell

MOST_LINES = 8
MOST_SHARES = 8
MOST_WORK = 5


@dataclass(frozen=True, slots=True)
class DrawnLine:
    of: Line
    tone: str
    remark: str
    note: str
    now: QuotaBar
    then: QuotaBar
    """On one scale."""


@dataclass(frozen=True, slots=True)
class RefusedEdit:
    key: str
    cell: str
    name: str
    words: str
    mine: str
    conflict: bool = False
    """Somebody else changed the cell meanwhile."""
    theirs: str = ""
    version: int = 0
    """Of what is there now."""


def panel(
    found: Effect | None, refused: list[RefusedEdit], unsaved: int, warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """What the template shows. Without `found`: nothing can be read, so nothing is known of an effect. `warnings`: the
    guard's, which say more of what does not add up than its totals."""
    context: dict[str, Any] = {"unsaved": unsaved, "refused": refused, "effect": found}
    if found is None:
        return context
    return context | {
        "sentence": effect_words.sentence(found),
        "lines": [_drawn(line) for line in found.lines[:MOST_LINES]],
        "more_lines": max(len(found.lines) - MOST_LINES, 0),
        "several_pools": len({line.pool.pk for line in found.lines}) > 1,
        "moved": found.moved[:MOST_WORK],
        "more_moved": max(len(found.moved) - MOST_WORK, 0),
        "fair": [
            (
                pool,
                resource,
                [
                    (
                        share.unit.name,
                        resource.words(share.now),
                        resource.words(share.then),
                        effect_words.signed(resource, share),
                        share.change < 0,
                    )
                    for share in shares[:MOST_SHARES]
                ],
                max(len(shares) - MOST_SHARES, 0),
            )
            for pool, resource, shares in found.fair
        ],
        "totals": [(True, words) for words in warnings]
        + [
            (total.after > total.available, effect_words.total_words(total))
            for total in found.totals
            if total.after <= total.available or not warnings
        ],
    }


def _drawn(line: Line) -> DrawnLine:
    scale = max(line.before, line.after, line.used, 1)
    tone, remark = effect_words.remark(line)
    return DrawnLine(
        of=line,
        tone=tone,
        remark=remark,
        note=effect_words.note(line),
        now=QuotaBar.of(line.used, line.before, scale, resource=line.resource.key),
        then=QuotaBar.of(line.used, line.after, scale, resource=line.resource.key),
    )


def refused_edits(plan: Planned, edits: list[Edit], refused: dict[Cell, Refused | Forbidden]) -> list[RefusedEdit]:
    """Each edit that cannot be saved, with its own words; of a cell that somebody else changed, both values."""
    found = []
    authors = _authors([cell for cell, refusal in refused.items() if _is_conflict(refusal)])
    for edit in edits:
        cell = f"{edit.cell[0]}-{edit.cell[1]}"
        name, mine = plan.names.get(edit.cell, "This cell"), edit.text or "the default"
        if edit.key in plan.refused:
            found.append(RefusedEdit(edit.key, cell, name, plan.refused[edit.key], mine))
        elif edit.cell in refused:
            refusal = refused[edit.cell]
            if _is_conflict(refusal):
                found.append(_conflict(plan, edit, cell, name, authors.get(edit.cell, "")))
            else:
                words = refusal.messages[0] if isinstance(refusal, Refused) else str(refusal)
                found.append(RefusedEdit(edit.key, cell, name, words, mine))
    return found


def _is_conflict(refusal: Refused | Forbidden) -> bool:
    return isinstance(refusal, Refused) and "expected_version" in getattr(refusal, "error_dict", {})


def _conflict(plan: Planned, edit: Edit, cell: str, name: str, author: str) -> RefusedEdit:
    quota = plan.now.get(edit.cell)
    theirs = _shown(edit, plan) or "the default"
    return RefusedEdit(
        key=edit.key,
        cell=cell,
        name=name,
        words=f"It is {theirs} now{author}. You typed {edit.text or 'the default'}.",
        mine=edit.text or "the default",
        conflict=True,
        theirs=theirs,
        version=quota.version if quota else 0,
    )


def _shown(edit: Edit, plan: Planned) -> str:
    """What the cell shows now of the side that was edited."""
    quota = plan.now.get(edit.cell)
    if edit.show not in SWITCHES:
        return edit.lens.words(quota or plan.unset)
    column, words = SWITCHES[edit.show]
    return next((word for word, value in words.items() if quota and value == getattr(quota, column)), "")


def _authors(cells: list[Cell]) -> dict[Cell, str]:
    """Who changed these cells last, and when."""
    versions = QuotaVersion.objects.filter(
        unit__in=[unit for unit, _ in cells], pool__in=[pool for _, pool in cells], until=None
    )
    return {
        (version.unit_id, version.pool_id): f", by {version.actor_name} {day(version.since)} {clock(version.since)} UTC"
        for version in versions
    }
