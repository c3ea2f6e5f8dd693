"""What people read of a workload straight from its cluster: logs, events, and its object."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..orders import WorkloadKey
from ..seen import Told
from . import decode
from .calls import Calls, decoded, pod_path
from .redact import manifest_text
from .text import plain, printable
from .workloads import form_of, object_name

LOG_LINES = 500
LOG_BYTES = 512 * 1024
MAX_LINE = 2000
MOST_EVENTS = 3000
"""Of a namespace, that are looked through."""
MAX_MESSAGE = 500
COLOURS = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Reading(Calls):
    def read_log(self, namespace: str, pod: str) -> str:
        query = {"tailLines": str(LOG_LINES), "limitBytes": str(LOG_BYTES)}
        text = self.call("GET", f"{pod_path(namespace, pod)}/log", query=query).decode(errors="replace")
        return "\n".join(map(_line, text.rstrip("\n").split("\n")))

    def read_events(self, workload: WorkloadKey) -> list[Told]:
        """Those whose object is called as the workload's, or as what came of it."""
        path = f"/api/v1/namespaces/{workload.namespace}/events"
        page = decoded(self.call("GET", path, query={"limit": str(MOST_EVENTS)}), _EventPage)
        name = object_name(workload)
        ours = (event for event in page.items if f"{event.involved_object.name}-".startswith(f"{name}-"))
        return sorted(map(_told, ours), key=lambda told: told.at or LONG_AGO, reverse=True)

    def read_manifest(self, workload: WorkloadKey) -> str:
        found: dict[str, Any] = decoded(self.call("GET", form_of(workload).path(workload)), dict)
        return manifest_text(found)


class _EventPage(msgspec.Struct):
    items: list[decode.Event] = []


def _line(line: str) -> str:
    """As a terminal would leave it: a bar that is drawn again and again is shown as it is now."""
    return printable(COLOURS.sub("", line.rstrip("\r").rpartition("\r")[2][:MAX_LINE]))


def _told(event: decode.Event) -> Told:
    series = event.series or decode.Series()
    about = event.involved_object
    return Told(
        at=series.last_observed_time or event.last_timestamp or event.event_time or event.metadata.creation_timestamp,
        about=plain(f"{about.kind} {about.name}", MAX_MESSAGE),
        reason=plain(event.reason, 100),
        message=plain(event.message, MAX_MESSAGE),
        times=max(1, event.count, series.count),
        is_warning=event.type == "Warning",
    )
