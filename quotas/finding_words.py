"""Findings as their page draws and tells them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from orgs.words import Answer
from portal.formats import counted
from portal.quota_bar import QuotaBar
from quotas.guard import Level
from quotas.models import GuardFinding
from quotas.resources import RESOURCES
from quotas.selectors.finding import FindingLine


@dataclass(frozen=True, slots=True)
class DrawnFinding:
    """A finding as its page shows it."""

    finding: GuardFinding
    text: str
    sum: str
    ceiling: str
    ceiling_note: str
    over: str
    concerned: list[tuple[str, str]]
    """Names, with what they are guaranteed."""
    others: int
    repair: str
    """The address of the quotas that it is about."""
    nodes: str
    """That of the pools with their nodes, where the hardware is short."""
    bar: QuotaBar


def drawn(line: FindingLine) -> DrawnFinding:
    finding = line.finding
    resource = list(RESOURCES.values())[finding.resource]
    cluster = finding.unit.cluster or finding.unit
    query = {"cluster": cluster.pk, "scope": finding.unit_id, "resource": resource.key}
    short = finding.level == Level.HARDWARE
    note = "ready" if short else "the department's own"
    return DrawnFinding(
        finding=finding,
        text=finding_words(finding),
        sum=resource.words(finding.sum),
        ceiling=resource.words(finding.ceiling),
        ceiling_note=f"{note}, {resource.words(line.lost)} not ready" if line.lost else note,
        over=resource.words(finding.over),
        concerned=[(unit.name, resource.words(amount)) for unit, amount in line.concerned],
        others=line.others,
        repair=f"{reverse('quotas')}?{urlencode(query)}",
        nodes=f"{reverse('node_pools')}?{urlencode({'scope': cluster.pk})}" if short else "",
        bar=QuotaBar(
            inside=min(finding.sum, finding.ceiling),
            guaranteed=finding.sum,
            lost=line.lost,
            scale=max(finding.sum, finding.ceiling + line.lost, 1),
            resource=resource.key,
        ),
    )


def finding_words(finding: GuardFinding) -> str:
    resource = list(RESOURCES.values())[finding.resource]
    unit, sums, ceiling = finding.unit.name, resource.counted(finding.sum), resource.words(finding.ceiling)
    if finding.pool is None:
        return f"The pools of {unit} that are over guarantee {sums} together, {ceiling} are ready."
    if finding.level == Level.HARDWARE:
        return f"{finding.pool.name} of {unit} guarantees {sums}, {ceiling} are ready."
    return f"{unit} has given out {sums} in {finding.pool.name} and has {ceiling}."


def findings_answer(lines: list[DrawnFinding], total: int, *, resolved: bool, narrowed: bool) -> Answer:
    """`narrowed`: by filters, so that what is not listed may still be wrong."""
    if narrowed:
        return Answer(
            f"{counted(total, 'finding')} match." if total != 1 else "1 finding matches.", "Of those you see."
        )
    if resolved:
        text = f"{counted(total, 'finding')} {'was' if total == 1 else 'were'} resolved." if total else "Nothing yet."
        return Answer(text, "Resolved ones are kept for 90 days.")
    if not total:
        return Answer("All that is guaranteed adds up.", "As far as it is guarded, and as far as you see.")
    text = "One guarantee does not add up." if total == 1 else f"{total} guarantees do not add up."
    if total == 1:
        return Answer(lines[0].text, "Nothing was changed or stopped. It resolves by itself once it adds up again.")
    return Answer(text, "Nothing was changed or stopped. They resolve by themselves once it adds up again.")
