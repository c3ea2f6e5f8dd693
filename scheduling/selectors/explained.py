"""What the loop of its pool answers about a workload that waits: what was tried, what would help, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from orgs.models import OrgUnit
from portal.actor import Actor
from portal.formats import clock
from quotas.models import Pool
from quotas.selectors.matrix import may_change
from scheduling.engine.remedies import RemedyCode
from scheduling.models import Question, Workload
from scheduling.prefill import POOL_FIRST
from scheduling.remedy_words import OF_UNITS, remedy_title
from scheduling.services.workload_access import may_submit
from scheduling.tried import Tried, tried

from .asked import Asked, asked
from .names import UnitName, unit_namer

GIVES_UP = {
    RemedyCode.PREEMPTIBLE: "",
    RemedyCode.WIDER_TOPOLOGY: "level",
    RemedyCode.WITHOUT_TOPOLOGY: "",
    RemedyCode.WITHOUT_SELECTOR: "",
    RemedyCode.SMALLER_MINIMUM: "pods",
    RemedyCode.FEWER_DEVICES: "devices",
}
"""What the workload itself gives up, and which of its figures says how much."""


@dataclass(frozen=True, slots=True)
class Help:
    """One change that would be enough, and where it is made."""

    key: str
    title: str
    note: str
    href: str = ""
    """"": the reader cannot make it; the note says who can."""
    button: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """How far the answer is, and what it says."""

    asked: Asked
    ways: list[Tried] = field(default_factory=list)
    helps: list[Help] = field(default_factory=list)
    when: str = ""
    succeeds: bool = False


def told(workload: Workload, pool: Pool, actor: Actor, starts_in: Sequence[str]) -> Told:
    """`starts_in`: pools of its order in which it would start now. Four queries at most."""
    found = asked(pool, Question.Kind.WHY, workload.pk)
    submits = may_submit(actor, workload) and not workload.origin
    others = [_elsewhere(workload, name, submits) for name in starts_in]
    if found.state != "known":
        return Told(found, helps=others)
    answer = found.answer
    unit = unit_namer(_numbers(answer))
    ways = tried(answer["attempts"], answer["succeeds"], pool.name, unit)
    helps = [*others, *_helps(answer["remedies"], workload, pool, actor, unit)]
    return Told(found, ways, helps, _when(ways, answer["succeeds"]), bool(answer["succeeds"]))


def _numbers(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All that an answer says of units, for their names."""
    found: list[Mapping[str, Any]] = [attempt["numbers"] for attempt in answer["attempts"]]
    for remedy in answer["remedies"]:
        found += [*remedy["raises"], *({"unit": one} for one in remedy["units"])]
    return found


def _elsewhere(workload: Workload, pool: str, submits: bool) -> Help:
    note = "By what its loop last published. It goes there by itself after its wait, unless it was moved too often."
    href = resubmit_address(workload, POOL_FIRST, pool) if submits else ""
    return Help(f"help-in-{pool}", f"{pool} now: it would start there", note, href, "Edit")


def _when(ways: list[Tried], succeeds: str | None) -> str:
    """The earliest moment that can be said honestly; "": there is nothing to say."""
    if succeeds:
        return "Its place comes with one of the next cycles, unless somebody served before it takes the room."
    moments = [way.until_ms for way in ways if way.until_ms]
    if not moments:
        return (
            "Nobody can say: what holds the room has no known end. It is looked at again in every cycle, and this page "
            "follows."
        )
    at = datetime.fromtimestamp(min(moments) / 1000, UTC)
    return f"At {clock(at)} UTC at the earliest, unless something ends before; what is in the way until then is named."


def _helps(
    remedies: list[Mapping[str, Any]], workload: Workload, pool: Pool, actor: Actor, unit: UnitName
) -> list[Help]:
    ids = {one["unit"] for remedy in remedies for one in remedy["raises"]}
    ids |= {one for remedy in remedies for one in remedy["units"]}
    units = {one.pk: one for one in OrgUnit.objects.filter(id__in=ids)} if ids else {}
    submits = may_submit(actor, workload) and not workload.origin
    found = []
    for number, remedy in enumerate(remedies):
        title = remedy_title(remedy, pool.name, unit)
        if remedy["code"] in OF_UNITS:
            named = [one["unit"] for one in remedy["raises"]] or remedy["units"]
            changed = [units[one] for one in named if one in units]
            found.append(_granted(f"help-{number}", title, changed, pool, actor, remedy["is_least"]))
        else:
            name = GIVES_UP[RemedyCode(remedy["code"])]
            to = str(remedy["numbers"][name]) if name else ""
            href = resubmit_address(workload, remedy["code"], to) if submits else ""
            note = "Submit it so, then stop this one." if submits else "Who submitted it may submit it so."
            if workload.origin:
                note = f"Change it in the cluster: it was found as {workload.origin_kind} {workload.origin_name}."
            found.append(Help(f"help-{number}", title, _least(note, remedy["is_least"]), href, "Edit"))
    return found


def _granted(key: str, title: str, units: list[OrgUnit], pool: Pool, actor: Actor, is_least: bool) -> Help:
    """A change of quotas or limits: the cell of the first of them, where the reader may change them all."""
    editable = bool(units) and actor.user is not None and all(may_change(actor.user, one) for one in units)
    if not editable:
        return Help(key, title, _least("Ask who administers the units above.", is_least))
    query = QueryDict(mutable=True)
    query.update({"cluster": str(pool.cluster_id), "q": units[0].name})
    href = f"{reverse('quotas')}?{query.urlencode()}#cell-{units[0].pk}-{pool.pk}"
    return Help(key, title, _least("In the matrix of quotas; you may change it.", is_least), href, "Open")


def _least(note: str, is_least: bool) -> str:
    return note if is_least else f"{note} Perhaps less is enough, too."


def resubmit_address(workload: Workload, change: str = "", to: str = "") -> str:
    """Submit, filled in as this workload; with one change."""
    query = QueryDict(mutable=True)
    query["from"] = str(workload.pk)
    if change:
        query["change"] = change
    if to:
        query["to"] = to
    return f"{reverse('submit')}?{query.urlencode()}"
