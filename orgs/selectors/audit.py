"""The audit log as a person may read it: window, filters, pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from orgs.access import scopes_of
from orgs.models import OrgUnit, Subject, UnitKind
from orgs.scope import below, visible_units
from portal import audit_words
from portal.asked import page_size, whole_numbers
from portal.audit_links import links_to
from portal.models import AuditEvent
from portal.selectors.keyset import KeysetPage, Sort, keyset_page

PERMISSION = "audit:read"
MOST_COUNTED = 10_000
SIZES = (25, 50, 100)
USUAL_DAYS = 7
BRIEF = 2
MOST_OFFERED = 2_000
REMOVED = "remove"
UNIT_KINDS = tuple(UnitKind.labels)
NEWEST_FIRST = Sort(("at",), descending=True)
MOST_PEOPLE = 200
"""Whom a name typed may mean."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What a list of events is asked for: from `since` on, before `until`."""

    first_day: date
    last_day: date
    """The window in whole days, UTC, as people choose it."""
    moved: bool = False
    """Whether the window is another one than usual."""
    actions: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    actors: tuple[int, ...] = ()
    by: str = ""
    address: str = ""
    prefix: str = ""
    size: int = SIZES[0]
    after: str = ""
    before: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> AuditQuery:
        """From a page's address; what makes no sense is left out."""
        today = timezone.now().astimezone(UTC).date()
        last = _day(query.get("to", "")) or today
        first = _day(query.get("from", "")) or last - timedelta(days=USUAL_DAYS - 1)
        return cls(
            first_day=min(first, last),
            last_day=max(first, last),
            moved=(first, last) != (today - timedelta(days=USUAL_DAYS - 1), today),
            actions=tuple(filter(None, map(_text, query.getlist("action")))),
            entities=tuple(filter(None, map(_text, query.getlist("entity")))),
            actors=whole_numbers(query.getlist("actor")),
            by=_text(query.get("by", "")),
            address=_text(query.get("address", "")),
            prefix=_text(query.get("q", "")),
            size=page_size(query, SIZES),
            after=query.get("after", ""),
            before=query.get("before", ""),
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered beside the window."""
        return bool(self.actions or self.entities or self.actors or self.by or self.address or self.prefix)

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An event in words, with the addresses of what is still there."""

    event: AuditEvent
    changes: list[audit_words.Change]
    link: str
    """Of the thing."""
    unit_link: str

    @property
    def act(self) -> str:
        return audit_words.act_word(self.event.action)

    @property
    def thing(self) -> str:
        return audit_words.thing_word(self.event.entity)

    @property
    def sentence(self) -> str:
        return audit_words.sentence(self.event)

    @property
    def of_oneself(self) -> bool:
        """Whether there is no other thing than who did it."""
        return self.event.action in audit_words.OF_ONESELF

    @property
    def brief(self) -> list[audit_words.Change]:
        """The changes that a line has room for."""
        return [change for change in self.changes if change.telling][:BRIEF]

    @property
    def more(self) -> int:
        """How many others there are."""
        return len(self.changes) - len(self.brief)


@dataclass(frozen=True, slots=True)
class AuditList:
    rows: list[AuditRow]
    page: KeysetPage
    total: int | None
    """None: more than MOST_COUNTED."""
    people: int
    """Who did them, Bursar not counted; of the newest MOST_COUNTED."""
    kinds: list[tuple[str, str]]
    """Actions and entities of the newest MOST_OFFERED in the window, whatever is filtered."""


def visible_events(user: Any) -> QuerySet[AuditEvent]:
    """Events of units on which the user may read the log; those of a unit that is gone belong where it lay last."""
    scopes = scopes_of(user, PERMISSION)
    if scopes.everywhere():
        return AuditEvent.objects.all()
    return AuditEvent.objects.filter(unit__in=_units(scopes.query(), scopes.query("unit_path")))


def _units(there: Q, gone: Q) -> list[int]:
    """Ids of units: of those that are there, and of those whose removal, an event of the unit above, was there.

    As a list: two questions joined by OR in one would keep the index on units from being used.
    """
    removals = AuditEvent.objects.filter(gone, entity__in=UNIT_KINDS, action=REMOVED)
    ids = {*OrgUnit.objects.filter(there).values_list("pk", flat=True), *removals.values_list("entity_id", flat=True)}
    return sorted(pk for pk in ids if pk is not None)


def events_of(user: Any, scope: OrgUnit | None) -> QuerySet[AuditEvent]:
    """What the person may see in the scope."""
    rows = visible_events(user)
    if scope is not None and scope.kind != UnitKind.ACCOUNT:
        gone = Q(unit_path__gte=scope.path, unit_path__lt=scope.path[:-1] + "0")
        rows = rows.filter(unit__in=_units(below(scope), gone))
    return rows


def events_in(request: HttpRequest, query: AuditQuery) -> QuerySet[AuditEvent]:
    """What the person may see in the scope of the page and in the window, before filters."""
    rows = events_of(request.user, getattr(request, "unit_scope", None))
    since = datetime.combine(query.first_day, time(), UTC)
    until = datetime.combine(query.last_day, time(), UTC) + timedelta(days=1)
    return rows.filter(at__gte=since, at__lt=until)


def filtered(rows: QuerySet[AuditEvent], query: AuditQuery) -> QuerySet[AuditEvent]:
    if query.actions:
        rows = rows.filter(action__in=query.actions)
    if query.entities:
        rows = rows.filter(entity__in=query.entities)
    if query.actors:
        rows = rows.filter(actor__in=query.actors)
    if query.by:
        rows = rows.filter(_by(query.by))
    if query.address:
        rows = rows.filter(address__startswith=query.address)
    if query.prefix:
        rows = rows.filter(entity_name__startswith=query.prefix)
    return rows


def _by(text: str) -> Q:
    """Events of those whose name or address begins so; Bursar's own, and those of nobody, by their words."""
    named = Q(name__istartswith=text) | Q(user__name__istartswith=text) | Q(user__name__icontains=f" {text}")
    people = list(Subject.objects.filter(named).order_by("id").values_list("id", flat=True)[:MOST_PEOPLE])
    return Q(actor__in=people) | Q(actor=None, actor_name__istartswith=text)


def audit_list(request: HttpRequest, query: AuditQuery) -> AuditList:
    """One page, newest first: ids on the narrow index first, then these rows."""
    window = events_in(request, query)
    rows = filtered(window, query)
    page = keyset_page(rows, NEWEST_FIRST, query.size, query.after, query.before)
    newest = rows.order_by("-at", "-id").values("id", "actor")[: MOST_COUNTED + 1]
    counted = newest.aggregate(total=Count("id"), people=Count("actor", distinct=True))
    kinds = window.order_by("-at", "-id").values_list("action", "entity")[:MOST_OFFERED]
    return AuditList(
        rows=audit_rows(request.user, page.ids),
        page=page,
        total=None if counted["total"] > MOST_COUNTED else counted["total"],
        people=counted["people"],
        kinds=sorted(set(kinds)),
    )


def audit_rows(user: Any, ids: Sequence[int]) -> list[AuditRow]:
    """These events in this order."""
    found = AuditEvent.objects.in_bulk(list(ids))
    events = [found[pk] for pk in ids if pk in found]
    units = {event.unit for event in events if event.unit is not None}
    things = {(event.entity, event.entity_id) for event in events if event.entity_id is not None}
    links = links_to(user, things | {("unit", unit) for unit in units})
    seen = _seen(user, events)
    return [
        AuditRow(
            event,
            audit_words.changes(event, seen),
            links.get((event.entity, event.entity_id or 0), ""),
            links.get(("unit", event.unit or 0), ""),
        )
        for event in events
    ]


def _seen(user: Any, events: Sequence[AuditEvent]) -> dict[int, bool] | None:
    """Which of the units that the events name the user may know; None: all of them."""
    if scopes_of(user, PERMISSION).everywhere():
        return None
    named = set[int]().union(*map(audit_words.units_named, events))
    return dict.fromkeys(visible_units(user).filter(pk__in=named).values_list("pk", flat=True), True)


def audit_row(user: Any, pk: int) -> AuditRow | None:
    """One event, if the user may see it."""
    if not visible_events(user).filter(pk=pk).exists():
        return None
    return next(iter(audit_rows(user, [pk])), None)


def audit_chunks(request: HttpRequest, query: AuditQuery, most: int, size: int = 1000) -> Iterator[list[AuditRow]]:
    """All events that the filters leave, newest first and at most so many, a part at a time."""
    rows, after, given = filtered(events_in(request, query), query), "", 0
    while given < most:
        page = keyset_page(rows, NEWEST_FIRST, min(size, most - given), after)
        if page.ids:
            yield audit_rows(request.user, page.ids)
        given += len(page.ids)
        if page.following is None:
            return
        after = page.following["after"]


def actors_named(ids: Sequence[int]) -> list[tuple[int, str]]:
    """Names of the subjects that a filter holds."""
    found = Subject.objects.filter(pk__in=ids).select_related("user").order_by("id")
    return [(subject.pk, subject.title) for subject in found]


def sealed_until() -> datetime | None:
    """When the oldest event without a seal was written; None: everything is sealed."""
    return AuditEvent.objects.filter(seal=None).order_by("id").values_list("at", flat=True).first()


def _text(text: str) -> str:
    return "".join(filter(str.isprintable, text)).strip()[:200]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 and "2000" < text < "2200" else None
    except ValueError:
        return None
