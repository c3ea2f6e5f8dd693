"""Whether somebody changed, removed or added rows of the audit log underneath Bursar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

from portal import digests
from portal.models import AuditEvent, AuditSeal
from portal.reading import as_of_one_moment
from portal.services.audit_purge import PURGE

CHUNK = 2_000


@dataclass(slots=True)
class AuditCheck:
    """What was found. `problems`: sentences, the first wrong seal or event first; none is good."""

    problems: list[str] = field(default_factory=list)
    events: int = 0
    unsealed: int = 0
    seals: int = 0
    purged_to: int = 0
    """Number of the last seal whose events were purged, by an event that is in the log."""
    last_digest: str = ""


def audit_check(noted: tuple[int, str] | None = None) -> AuditCheck:
    """Looks at every event and every seal as of one moment. `noted`: number and digest of a seal from before."""
    check = AuditCheck()
    with as_of_one_moment():
        check.purged_to = _purged_to()
        events = groupby(_rows(AuditEvent.objects.exclude(seal=None).order_by("seal", "id")), lambda row: row["seal"])
        number, rows = next(events, (None, iter(())))
        for seal in _rows(AuditSeal.objects.order_by("number")):
            while number is not None and number < seal["number"]:
                check.problems += [f"Event {row['id']} lies under seal {number}, which is not there." for row in rows]
                number, rows = next(events, (None, iter(())))
            check.problems += _seal_problems(check, seal)
            mine: list[dict[str, Any]] = []
            if number == seal["number"]:
                mine = list(rows)
                number, rows = next(events, (None, iter(())))
            check.problems += _event_problems(check, seal, mine)
        while number is not None:
            check.problems += [f"Event {row['id']} lies under seal {number}, which is not there." for row in rows]
            number, rows = next(events, (None, iter(())))
        for row in _rows(AuditEvent.objects.filter(seal=None).order_by("id")):
            check.unsealed += 1
            if not digests.fits(digests.EVENT, row):
                check.problems.append(f"{_named(row)} was changed, or added by somebody without the key.")
        if noted is not None and not AuditSeal.objects.filter(number=noted[0], digest=noted[1]).exists():
            check.problems.append(f"Seal {noted[0]} is not there with the digest that was noted: the end was cut off.")
    check.events += check.unsealed
    return check


def _purged_to() -> int:
    purges = AuditEvent.objects.filter(entity="auditseal", action=PURGE).order_by("-entity_id")
    return next((row["entity_id"] for row in _rows(purges) if digests.fits(digests.EVENT, row)), 0)


def _seal_problems(check: AuditCheck, seal: dict[str, Any]) -> Iterator[str]:
    """Chain and digest of one seal, which is then the one that the next has to follow."""
    number, due = seal["number"], check.seals + 1
    if number != due:
        yield f"Seal {due} is not there." if number == due + 1 else f"Seals {due} to {number - 1} are not there."
    elif seal["previous"] != check.last_digest:
        yield f"Seal {number} does not follow seal {number - 1}: one of them was changed."
    if not digests.fits(digests.SEAL, seal):
        yield f"Seal {number} was changed, or made by somebody without the key."
    check.seals, check.last_digest = number, seal["digest"]


def _event_problems(check: AuditCheck, seal: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    """Whether the events under a seal are those that it was set on."""
    check.events += len(rows)
    complete = digests.content_of(row["digest"] for row in rows) == seal["content"]
    for row in rows:
        if not digests.fits(digests.EVENT, row):
            added = not complete and len(rows) > seal["rows"]
            yield f"{_named(row)} was {'added' if added else 'changed'} after it was sealed."
    if complete or seal["number"] <= check.purged_to:
        return
    if len(rows) < seal["rows"]:
        gone = _gone(seal)
        which = f": {'' if len(gone) == 1 else 'of '}{', '.join(gone)}" if gone else ""
        number = seal["rows"] - len(rows)
        yield f"{number} of the {seal['rows']} events under seal {seal['number']} were removed{which}."
    elif all(digests.fits(digests.EVENT, row) for row in rows):
        yield f"Other events lie under seal {seal['number']} than it was set on."


def _gone(seal: dict[str, Any]) -> list[str]:
    """Up to ten ids between the first and the last of a seal's events that no event has."""
    if not digests.fits(digests.SEAL, seal):
        return []
    ids = range(seal["first"], seal["last"] + 1)
    there = set(AuditEvent.objects.filter(id__range=(ids[0], ids[-1])).values_list("id", flat=True))
    return list(islice((str(pk) for pk in ids if pk not in there), 10))


def _named(row: dict[str, Any]) -> str:
    return (
        f"Event {row['id']} ({row['at']:%Y-%m-%d %H:%M:%S} UTC, {row['action']} {row['entity']} {row['entity_name']})"
    )


def _rows(queryset: Any) -> Iterator[dict[str, Any]]:
    return iter(queryset.values().iterator(chunk_size=CHUNK))
