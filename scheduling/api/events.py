"""Events of workloads, as they happen."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence

from orgs.api.listening import listener
from orgs.models import AccessKey, OrgUnit
from orgs.scope import below
from portal.actor import Actor
from portal.api import streams
from portal.selectors.numbered import settled
from scheduling.events import event_text
from scheduling.models import Event
from scheduling.selectors.visible import visible_workloads

MOST = 500
"""Events that are told at once."""


class Newest:
    """The number of the newest event, asked of the database once a second for all streams of a process."""

    def __init__(self) -> None:
        self._lock, self._at, self._number = threading.Lock(), 0.0, 0

    def __call__(self, *, afresh: bool) -> int:
        with self._lock:
            if afresh or time.monotonic() - self._at > streams.LOOK_SECONDS / 2:
                self._number = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
                self._at = time.monotonic()
            return self._number


newest_event = Newest()


class EventReader:
    """Events after the number `after` that somebody may know of, each once, in the order of their numbers. Rights are
    read anew each time. `wanted`: conditions on workloads."""

    def __init__(
        self, actor: Actor, key: AccessKey | None, scope: OrgUnit | None, wanted: Mapping[str, int], after: int | None
    ) -> None:
        self.actor, self.key, self.scope, self.wanted, self.after = actor, key, scope, wanted, after
        self.begun = False

    def __call__(self) -> Sequence[str] | None:
        newest, self.begun = newest_event(afresh=not self.begun), True
        if self.after is None:
            self.after = newest
            return [f"id: {newest}\n\n"]
        if newest <= self.after:
            return ()
        if (user := listener(self.actor, self.key)) is None:
            return None
        last = settled(Event.objects.all(), self.after)
        seen = visible_workloads(user).filter(below(self.scope, "project"), **self.wanted)
        found = Event.objects.filter(id__gt=self.after, id__lte=last, workload__in=seen.values("pk"))
        events = list(found.select_related("workload__project").order_by("id")[:MOST])
        self.after = events[-1].pk if len(events) == MOST else last
        return [_message(event) for event in events]


def _message(event: Event) -> str:
    workload = event.workload
    told = {
        "id": event.pk,
        "at": event.at.isoformat(),
        "code": event.code,
        "text": event_text(event.code, event.numbers),
        "workload": {"id": workload.pk, "name": workload.name},
        "project": {"id": workload.project_id, "name": workload.project.name},
    }
    return f"id: {event.pk}\nevent: {event.code}\ndata: {json.dumps(told)}\n\n"
