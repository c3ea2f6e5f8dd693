"""One workload: why it is where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from orgs.access import may
from portal.formats import count, counted, duration, gpus, gpus_counted
from portal.words import Step
from quotas.models import PoolSummary
from scheduling.engine.decisions import WaitCode
from scheduling.engine.types import Request
from scheduling.forecast import Ask, Forecast, Outcome, forecast
from scheduling.models import Pod, SubGroup, Waiting, Workload
from scheduling.quantities import amount
from scheduling.reasons import NOT_LOOKED_AT, Reason, wait_reason

from .line import Line, line_for
from .names import unit_namer
from .over import over_quota_milli
from .standing import rooms, standings

State = Workload.State
MOST_PODS = 200

ROOM_CODES = (
    WaitCode.NO_READY_NODE,
    WaitCode.NEVER_FITS,
    WaitCode.NO_MATCHING_NODE,
    WaitCode.SHORT,
    WaitCode.FRAGMENTED,
    WaitCode.TOPOLOGY,
    WaitCode.ROOM_RESERVED,
    WaitCode.INCOMPLETE,
    WaitCode.BACKING_OFF,
)
"""Reasons of the last step. The engine saw each node; the forecast only their summary."""


@dataclass(frozen=True, slots=True)
class Why:
    """The answer of the page and what stands behind it."""

    sentence: str
    note: str
    reason: Reason | None = None
    """Of what waits."""
    chain: list[dict[str, Any]] | None = None
    line: Line | None = None
    summary: PoolSummary | None = None


def ask_of(workload: Workload, group: SubGroup) -> Ask:
    request = Request(group.devices, group.device_milli, group.cpu_millicores, group.memory_bytes)
    return Ask(request, group.wanted, group.min_members, workload.preemptible)


def asks_for(group: SubGroup) -> str:
    """What it asks for in a few words: "2 pods of 8 GPUs, together"."""
    gpu_milli = group.devices * group.device_milli
    each = gpus_counted(gpu_milli) if gpu_milli else amount("cpu_millicores", group.cpu_millicores)
    if group.wanted == 1:
        return each
    return f"{counted(group.wanted, 'pod')} of {each}" + (", together" if group.min_members == group.wanted else "")


def each_pod(group: SubGroup) -> str:
    """All that one pod asks for: "8 GPUs, 32 cores, 256 GiB"."""
    gpu_milli = group.devices * group.device_milli
    parts = [gpus_counted(gpu_milli)] if gpu_milli else []
    parts += [amount("cpu_millicores", group.cpu_millicores), amount("memory_bytes", group.memory_bytes)]
    return ", ".join(parts)


def why(workload: Workload, group: SubGroup, user: Any) -> Why:
    """Why the workload is in its state, as far as the reader may know."""
    if workload.desired != Workload.Desired.RUNNING and workload.is_active:
        act = "stopped" if workload.desired == Workload.Desired.STOPPED else "deleted"
        return Why(f"Is being {act}.", "Its pods end first; that takes as long as they need to shut down.")
    if workload.state == State.WAITING:
        return _why_it_waits(workload, group, user)
    if workload.is_active:
        return _why_it_runs(workload)
    ran = duration(workload.ended_at - workload.started_at) if workload.ended_at and workload.started_at else ""
    word = {State.COMPLETED: "Completed", State.FAILED: "Failed"}.get(State(workload.state), "Stopped")
    sentence = f"{word} after {ran}." if ran else f"{word} before it started."
    return Why(sentence, workload.state_message or "Run it again to submit the same anew.")


def _why_it_waits(workload: Workload, group: SubGroup, user: Any) -> Why:
    pool = workload.pool
    if pool is None:
        return Why("Waits for a pool.", "None of its pools is there any more.")
    waiting = Waiting.objects.select_related("wait_class").filter(workload=workload).first()
    cause = waiting.wait_class if waiting else None
    reason = NOT_LOOKED_AT
    if cause is not None:
        reason = wait_reason(cause.code, cause.numbers, pool.name, unit_namer([cause.numbers]))
    found = forecast(
        ask_of(workload, group),
        standings([workload.project], [pool.pk]).chain(workload.project, pool),
        rooms([pool.pk])[pool.pk],
    )
    line = line_for(workload, user)
    ahead = f"{counted(line.ahead, 'workload')} {'is' if line.ahead == 1 else 'are'} ahead of it." if line.ahead else ""
    return Why(
        reason.sentence,
        f"{ahead or 'It is first in line.'} {reason.advice}",
        reason,
        [_chain_row(pool.name, found, cause.code if cause else "", reason)],
        line,
        PoolSummary.objects.filter(pool=pool).first(),
    )


def _chain_row(pool: str, found: Forecast, code: str, reason: Reason) -> dict[str, Any]:
    steps = list(found.steps)
    if code in ROOM_CODES and steps[-1].sign != "cross":
        text, _, note = reason.short.partition(": ")
        steps[-1] = Step("cross", text, note)
    never = code == WaitCode.NEVER_FITS or found.outcome is Outcome.NEVER
    return {
        "pool": pool,
        "note": "never fits" if never else "waits here",
        "tone": "danger" if never else "wait",
        "steps": steps,
    }


def _why_it_runs(workload: Workload) -> Why:
    pool = workload.pool.name if workload.pool else "its pool"
    held = workload.allocated_gpu_milli
    what = gpus_counted(held) if held else counted(workload.pods_running, "pod")
    if workload.state == State.STARTING:
        run = f"{count(workload.pods_running)} of {counted(workload.pods_wanted, 'pod')} run"
        return Why(f"Starts in {pool}: {run}.", f"Its pods were placed {_since(workload)} ago.")
    if workload.state == State.STOPPING:
        return Why("Is stopping.", workload.state_message or "Its pods are shutting down.")
    part = over_quota_milli([workload.pool_id], [workload.project_id]).get(workload.pk, 0) if workload.pool_id else 0
    if workload.state == State.DEGRADED:
        run = f"{count(workload.pods_running)} of {counted(workload.pods_wanted, 'pod')} run"
        return Why(f"Degraded in {pool}: {run}.", workload.state_message or "The others are being started again.")
    verb = f"Runs in {pool} on {what}"
    if not workload.preemptible:
        return Why(f"{verb}.", "It is non-preemptible: it is never stopped for others.")
    if not held:
        return Why(f"{verb}.", "It may be stopped for others that are guaranteed what it holds.")
    if not part:
        return Why(f"{verb}, all guaranteed.", f"{workload.project.name} is inside its quota: it is not taken back.")
    return Why(
        f"{verb}, {gpus(part)} of them over quota.",
        "What is over quota is lent: it is taken back when its owner needs it, and the workload starts again later.",
    )


def _since(workload: Workload) -> str:
    return duration(timezone.now() - workload.state_since)


def pods_of(workload: Workload, user: Any) -> list[tuple[Pod, bool]]:
    """Its pods, and whether the reader may open the page of their node."""
    reads_nodes = may(user, "read", "node", workload.project)
    pods = workload.pods.select_related("node", "charged_pool").order_by("name")[:MOST_PODS]
    return [(pod, reads_nodes and pod.node is not None) for pod in pods]
