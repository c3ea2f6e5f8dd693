"""One workload: why it is where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from orgs.access import may
from portal.formats import clock, count, counted, duration, gpus, gpus_counted
from portal.words import Step
from quotas.models import Pool, PoolSummary
from scheduling.engine.decisions import WaitCode
from scheduling.forecast import Forecast, Outcome, forecast
from scheduling.models import Pod, PoolTry, SubGroup, Waiting, Workload
from scheduling.quantities import amount
from scheduling.reasons import NOT_LOOKED_AT, Reason, wait_reason

from .asks import ask_of
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


def asks_for(groups: Sequence[SubGroup]) -> str:
    """What it asks for in a few words: "2 pods of 8 GPUs, together"."""
    if len(groups) == 1:
        return _asks_for(groups[0])
    return "; ".join(f"{group.name}: {_asks_for(group)}" for group in groups)


def _asks_for(group: SubGroup) -> str:
    each = _gpus(group) or amount("cpu_millicores", group.cpu_millicores)
    if group.wanted == 1:
        return each
    together = f", at least {group.min_members} together" if group.min_members > 1 else ""
    together = ", together" if group.min_members == group.wanted else together
    return f"{counted(group.wanted, 'pod')} of {each}{together}"


def _gpus(group: SubGroup) -> str:
    if group.gpu_memory_mib:
        memory = amount("device_memory_mib", group.gpu_memory_mib)
        return memory if group.devices == 1 else f"{memory} on each of {group.devices} GPUs"
    gpu_milli = group.devices * group.device_milli
    return gpus_counted(gpu_milli) if gpu_milli else ""


def each_pod(group: SubGroup) -> str:
    """All that one pod asks for: "8 GPUs, 32 cores, 256 GiB"."""
    parts = [_gpus(group), amount("cpu_millicores", group.cpu_millicores), amount("memory_bytes", group.memory_bytes)]
    return ", ".join(filter(None, parts))


def images_of(workload: Workload) -> list[tuple[str, str]]:
    """Names of its groups and what each runs; one without a name where all run the same."""
    groups = workload.spec.spec.get("manifest", {}).get("groups", ())
    images = [(group["name"], group["template"]["spec"]["containers"][0]["image"]) for group in groups]
    if len({image for _, image in images}) > 1:
        return images
    return [("", workload.image)] if workload.image else []


def wishes_of(workload: Workload, group: SubGroup) -> list[tuple[str, str]]:
    """What it wishes of nodes and time, as pairs of a name and words."""
    found: list[tuple[str, str]] = []
    if workload.near_required:
        found.append(("Kept together", f"in one {workload.near_required}"))
    if workload.near_preferred:
        found.append(("If possible", f"in one {workload.near_preferred}"))
    if labels := group.placement.get("nodes"):
        found.append(("Nodes with", ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))))
    if tolerations := group.placement.get("tolerations"):
        found.append(("Tolerates", ", ".join(map(_tolerated, tolerations))))
    if workload.preemption_delay_seconds:
        found.append(("Displaces nobody for", duration(workload.preemption_delay_seconds)))
    return found


def _tolerated(item: Mapping[str, Any]) -> str:
    text = item.get("key", "every taint") + (f"={item['value']}" if item.get("value") else "")
    text += f":{item['effect']}" if item.get("effect") else ""
    return f"{text} for {duration(item['tolerationSeconds'])}" if "tolerationSeconds" in item else text


def why(workload: Workload, groups: Sequence[SubGroup], user: Any) -> Why:
    """Why the workload is in its state, as far as the reader may know."""
    if workload.desired != Workload.Desired.RUNNING and workload.is_active:
        act = "stopped" if workload.desired == Workload.Desired.STOPPED else "deleted"
        return Why(f"Is being {act}.", "Its pods end first; that takes as long as they need to shut down.")
    if workload.state == State.WAITING:
        return _why_it_waits(workload, groups, user)
    if workload.is_active:
        return _why_it_runs(workload, groups)
    ran = duration(workload.ended_at - workload.started_at) if workload.ended_at and workload.started_at else ""
    word = {State.COMPLETED: "Completed", State.FAILED: "Failed"}.get(State(workload.state), "Stopped")
    sentence = f"{word} after {ran}." if ran else f"{word} before it started."
    again = "Run it again to submit the same anew."
    if workload.origin:
        again = f"It was found in the cluster as {workload.origin_kind} {workload.origin_name}."
    return Why(sentence, workload.state_message or again)


def _why_it_waits(workload: Workload, groups: Sequence[SubGroup], user: Any) -> Why:
    pool = workload.pool
    if pool is None:
        return Why("Waits for a pool.", "None of its pools is there any more.")
    waiting = Waiting.objects.select_related("wait_class").filter(workload=workload).first()
    cause = waiting.wait_class if waiting else None
    reason = NOT_LOOKED_AT
    if cause is not None:
        reason = wait_reason(cause.code, cause.numbers, pool.name, unit_namer([cause.numbers]))
    line = line_for(workload, user)
    ahead = f"{counted(line.ahead, 'workload')} {'is' if line.ahead == 1 else 'are'} ahead of it." if line.ahead else ""
    return Why(
        reason.sentence,
        f"{ahead or 'It is first in line.'} {reason.advice}",
        reason,
        _chain(workload, groups, cause.code if cause else "", reason),
        line,
        PoolSummary.objects.filter(pool=pool).first(),
    )


def _chain(workload: Workload, groups: Sequence[SubGroup], code: str, reason: Reason) -> list[dict[str, Any]]:
    """The pools of its order, the one in which it waits among them: what their loops last published says of each."""
    own, ask = workload.pool, ask_of(workload.preemptible, groups, workload.near_required)
    assert own is not None
    names = workload.spec.spec.get("pools") or [own.name]
    pools = {pool.name: pool for pool in Pool.objects.filter(cluster=workload.cluster_id, name__in=[*names, own.name])}
    ids = [pool.pk for pool in pools.values()]
    standing, room = standings([workload.project], ids), rooms(ids, ask.node_labels)
    tries = dict(PoolTry.objects.filter(workload=workload).values_list("pool", "at"))
    rows = []
    for name in dict.fromkeys([*names, own.name]):
        if pool := pools.get(name):
            found = forecast(ask, standing.chain(workload.project, pool), room[pool.pk])
            rows.append(
                _chain_row(name, found, code, reason) if pool == own else _other_row(pool, found, tries.get(pool.pk))
            )
    return rows


def _other_row(pool: Pool, found: Forecast, tried_at: datetime | None) -> dict[str, Any]:
    """A pool in which it does not wait now. `tried_at`: when the assigner last saw a change there."""
    words = {
        Outcome.NOW: "would start now",
        Outcome.AFTER_RECLAIM: "would start soon",
        Outcome.NEVER: "never fits",
        Outcome.NOT_KNOWN: "not known",
    }
    tone = "danger" if found.outcome is Outcome.NEVER else ""
    starts = found.outcome is Outcome.NOW
    return {
        "pool": pool.name,
        "note": words.get(found.outcome, "would wait") + (f", tried since {clock(tried_at)}" if tried_at else ""),
        "tone": tone,
        "steps": list(found.steps),
        "starts": starts,
    }


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


def _why_it_runs(workload: Workload, groups: Sequence[SubGroup]) -> Why:
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
        elastic = workload.stale_since is None and any(group.min_members < group.wanted for group in groups)
        rest = "It has what it needs; the others follow when they may." if elastic else "The others start again."
        return Why(f"Degraded in {pool}: {run}.", workload.state_message or rest)
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
