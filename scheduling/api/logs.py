"""What the pods of a workload write, at once or as they write it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework import serializers

from orgs.access import NotVisible
from orgs.api.listening import listener
from orgs.models import AccessKey
from portal.actor import Actor
from portal.api.fields import Given, Word
from portal.api.listing import Filter
from portal.api.problems import BadParameter
from scheduling.clusters.seen import LogLine
from scheduling.models import Pod, Workload
from scheduling.selectors.detail import pods_of
from scheduling.selectors.in_cluster import USUAL_LINES, chosen_pod, log_of, may_read_logs
from scheduling.selectors.visible import workload_for

MOST_LINES = 5000
LONGEST_ID = 19
"""Digits of a moment in nanoseconds."""
NOT_BEGUN = (Pod.Phase.PENDING, Pod.Phase.STARTING)
ENDED = (Pod.Phase.SUCCEEDED, Pod.Phase.FAILED)
GONE = "No pod exists now. The cluster keeps what a pod has written no longer than the pod."
ASKED = {
    "pod": Filter("The id of one of its pods, as `pods` has it; else one that failed, that runs, or the first."),
    "tail": Filter(f"So many of the last lines, at most {MOST_LINES:,}; usually {USUAL_LINES}."),
    "follow": Filter("Goes on while the pod writes, as server-sent events.", kind="flag"),
}


class PodSerializer(Given):
    """A pod that is there."""

    name = serializers.CharField(read_only=True)
    phase = Word(Pod.Phase, read_only=True)


class LineSerializer(serializers.Serializer):
    """A line, without control characters."""

    at = serializers.DateTimeField(allow_null=True)
    text = serializers.CharField(allow_blank=True)


class LogSerializer(serializers.Serializer):
    """What one of its pods has written lately."""

    pod = PodSerializer(allow_null=True, help_text="Whose lines these are. None: no pod exists now.")
    pods = PodSerializer(many=True, help_text="That can be asked for.")
    lines = LineSerializer(many=True)
    problem = serializers.CharField(allow_blank=True, help_text="Why the cluster gives no lines.")


@dataclass(frozen=True, slots=True)
class LogAsk:
    """Which lines are asked for."""

    pod: int | None
    tail: int
    follow: bool
    after_ns: int = 0

    @classmethod
    def of(cls, asked: Mapping[str, str], last_event: str | None) -> LogAsk:
        read = {name: one.value(name, asked[name]) for name, one in ASKED.items() if name in asked}
        tail = read.get("tail", USUAL_LINES)
        if not 1 <= tail <= MOST_LINES:
            raise BadParameter("tail", f"Ask for 1 to {MOST_LINES:,} lines.")
        last = last_event or "0"
        if not (last.isascii() and last.isdecimal() and len(last) <= LONGEST_ID):
            raise BadParameter("Last-Event-ID", "Give the id of a line, as it came, or leave it out.")
        return cls(read.get("pod"), tail, read.get("follow", False), int(last))


def log_now(workload: Workload, user: Any, ask: LogAsk) -> dict[str, Any]:
    """For one of those who `may_read_logs`."""
    pods = [pod for pod, _ in pods_of(workload, user)]
    pod = _asked_pod(pods, ask.pod)
    answer = log_of(workload, pod, ask.tail) if pod else None
    lines = answer.found or [] if answer else []
    return {
        "pod": pod,
        "pods": pods,
        "lines": [{"at": _moment(line), "text": line.text} for line in lines],
        "problem": answer.problem if answer else "",
    }


class LogReader:
    """The lines of a pod, each once, for as long as it is there and somebody may read them."""

    def __init__(self, actor: Actor, key: AccessKey | None, workload: Workload, ask: LogAsk) -> None:
        self.actor, self.key, self.workload, self.ask, self.after_ns = actor, key, workload, ask, ask.after_ns
        self.pod = _asked_pod([pod for pod, _ in pods_of(workload, actor.user)], ask.pod)
        self.ended = False

    def __call__(self) -> Sequence[str] | None:
        if self.ended:
            return None
        pod = self._now()
        if pod is None:
            active = self.pod is None and Workload.objects.filter(pk=self.workload.pk, is_active=True).exists()
            return () if active else self._end("end", GONE)
        if pod.phase in NOT_BEGUN:
            return ()
        answer = log_of(self.workload, pod, MOST_LINES if self.after_ns else self.ask.tail, self.after_ns)
        if answer.problem:
            return self._end("problem", answer.problem)
        if answer.found and not self._may():
            return None
        told = [_message("line", line.text, line) for line in answer.found]
        self.after_ns = max([self.after_ns, *(line.at_ns for line in answer.found)])
        return [*told, *self._end("end", "The pod has ended.")] if pod.phase in ENDED else told

    def _now(self) -> Pod | None:
        if self.pod is not None:
            return Pod.objects.filter(pk=self.pod.pk).first()
        self.pod = chosen_pod([pod for pod, _ in pods_of(self.workload, self.actor.user)], "")
        return self.pod

    def _may(self) -> bool:
        try:
            user = listener(self.actor, self.key)
            return user is not None and may_read_logs(user, workload_for(user, self.workload.pk))
        except NotVisible:
            return False

    def _end(self, event: str, text: str) -> Sequence[str]:
        self.ended = True
        return [_message(event, text)]


def _asked_pod(pods: Sequence[Pod], wanted: int | None) -> Pod | None:
    if wanted is not None and all(pod.pk != wanted for pod in pods):
        raise BadParameter("pod", "It has no such pod now. Give the id of one of its pods, or leave it out.")
    return chosen_pod(pods, "" if wanted is None else str(wanted))


def _moment(line: LogLine) -> datetime | None:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=line.at_ns // 1000) if line.at_ns else None


def _message(event: str, text: str, line: LogLine | None = None) -> str:
    at = _moment(line) if line else None
    told = json.dumps({"at": at.isoformat() if at else None, "text": text})
    number = f"id: {line.at_ns}\n" if line and line.at_ns else ""
    return f"{number}event: {event}\ndata: {told}\n\n"
