"""What people read of a workload straight from its cluster: logs, events, and its object."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..orders import WorkloadKey
from ..seen import LogLine, Told
from . import decode
from .calls import Calls, decoded, pod_path
from .forms import object_name, object_path
from .redact import manifest_text
from .text import plain, printable

LOG_BYTES = 4 * 1024 * 1024
MAX_LINE = 2000
MOST_EVENTS = 3000
"""Of a namespace, that are looked through."""
MAX_MESSAGE = 500
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ", re.ASCII)
"""What the cluster writes before each line: when it was written."""
SECOND_NS = 10**9
COLOURS = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Reading(Calls):
    def read_log(self, namespace: str, pod: str, lines: int, after_ns: int = 0) -> list[LogLine]:
        query = {"tailLines": str(lines), "limitBytes": str(LOG_BYTES), "timestamps": "true"}
        if after_ns:
            # The cluster takes whole seconds.
            second = datetime.fromtimestamp(after_ns // SECOND_NS, UTC)
            query["sinceTime"] = second.strftime("%Y-%m-%dT%H:%M:%SZ")
        text = self.call("GET", f"{pod_path(namespace, pod)}/log", query=query).decode(errors="replace")
        written = [_line(line) for line in text.split("\n") if line]
        return [line for line in written if line.at_ns > after_ns or not after_ns]

    def read_events(self, workload: WorkloadKey) -> list[Told]:
        """Those whose object is called as the workload's, or as what came of it."""
        path = f"/api/v1/namespaces/{workload.namespace}/events"
        page = decoded(self.call("GET", path, query={"limit": str(MOST_EVENTS)}), _EventPage)
        name = object_name(workload)
        ours = (event for event in page.items if f"{event.involved_object.name}-".startswith(f"{name}-"))
        return sorted(map(_told, ours), key=lambda told: told.at or LONG_AGO, reverse=True)

    def read_manifest(self, workload: WorkloadKey) -> str:
        found: dict[str, Any] = decoded(self.call("GET", object_path(workload)), dict)
        return manifest_text(found)


class _EventPage(msgspec.Struct):
    items: list[decode.Event] = []


def _line(written: str) -> LogLine:
    """As a terminal would leave it: a bar that is drawn again and again is shown as it is now."""
    stamp = STAMP.match(written)
    line = written[stamp.end() :] if stamp else written
    shown = printable(COLOURS.sub("", line.rstrip("\r").rpartition("\r")[2][:MAX_LINE]))
    return LogLine(shown, _nanoseconds(*stamp.groups("")) if stamp else 0)


def _nanoseconds(second: str, rest: str, zone: str) -> int:
    try:
        whole = datetime.fromisoformat(second + zone.replace("Z", "+00:00"))
    except ValueError:
        return 0
    return int(whole.timestamp()) * SECOND_NS + int(rest.ljust(9, "0"))


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
