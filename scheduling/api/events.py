"""Events of workloads, as they happen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.utils import timezone

from orgs.access import as_of_now
from orgs.models import AccessKey, OrgUnit, usable
from orgs.scope import below
from portal.actor import Actor
from scheduling.events import event_text
from scheduling.models import Event
from scheduling.selectors.visible import visible_workloads

MOST = 500
"""Events that are told at once."""
MOST_RECENT = 2000
"""So many of the newest are looked at for numbers that are missing."""
SETTLES = timedelta(seconds=10)
"""A number is given before its event is saved: so long a missing one may still come, and what follows it waits."""


class EventReader:
    """Events after the number `after` that somebody may know of, each once, in the order of their numbers. Rights are
    read anew each time. `wanted`: conditions on workloads."""

    def __init__(
        self, actor: Actor, key: AccessKey | None, scope: OrgUnit | None, wanted: Mapping[str, int], after: int | None
    ) -> None:
        self.actor, self.key, self.scope, self.wanted, self.after = actor, key, scope, wanted, after

    def __call__(self) -> Sequence[str] | None:
        newest = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
        if self.after is None:
            self.after = newest
            return [f"id: {newest}\n\n"]
        if newest <= self.after:
            return ()
        user = as_of_now(self.actor).user
        if not user.is_active or not self._works():
            return None
        last = self._settled(self.after)
        seen = visible_workloads(user).filter(below(self.scope, "project"), **self.wanted)
        found = Event.objects.filter(id__gt=self.after, id__lte=last, workload__in=seen.values("pk"))
        events = list(found.select_related("workload__project").order_by("id")[:MOST])
        self.after = events[-1].pk if len(events) == MOST else last
        return [_message(event) for event in events]

    def _works(self) -> bool:
        return self.key is None or AccessKey.objects.filter(usable(), pk=self.key.pk).exists()

    def _settled(self, after: int) -> int:
        """The highest number up to which none can come any more."""
        recent = list(Event.objects.filter(id__gt=after).order_by("-id").values_list("id", "at")[:MOST_RECENT])
        late = timezone.now() - SETTLES
        last = after if len(recent) < MOST_RECENT else recent[-1][0] - 1
        for number, at in reversed(recent):
            if number != last + 1 and at > late:
                break
            last = number
        return last


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
