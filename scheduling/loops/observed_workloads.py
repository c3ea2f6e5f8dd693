"""The states of workloads, from what people want and what the cluster shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count
from django.utils import timezone

from scheduling.clusters.seen import ObjectState, SeenObject
from scheduling.models import Event, Pod, SubGroup, Workload

from .observed_pods import valid_uids
from .rows import clean, update_rows

State = Workload.State
Phase = Pod.Phase


class Row(NamedTuple):
    """The observer's columns of a workload."""

    state: int
    state_message: str
    is_active: bool
    applied: bool
    pods_running: int
    allocated_gpu_milli: int
    state_since: datetime
    started_at: datetime | None
    stale_since: datetime | None
    ended_at: datetime | None


ENDED = (State.STOPPED, State.COMPLETED, State.FAILED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the state of one workload follows from."""

    wanted: bool
    """It is to run."""
    applied: bool
    started: bool
    object: SeenObject | None
    phases: Counter[int]
    """Pods in each phase; those that have done their part, though some may be gone."""
    pods: int
    """How many it is to have."""
    below_minimum: bool = False
    """Fewer are bound or have done their part than must run together."""
    found: bool = False
    """The object is not Bursar's: who made it may stop and delete it."""


def derive(facts: Facts) -> tuple[State, str]:
    """State, and the cluster's word on it."""
    if facts.object and facts.object.state is ObjectState.SUCCEEDED:
        return State.COMPLETED, ""
    if facts.object and facts.object.state is ObjectState.FAILED:
        return State.FAILED, facts.object.message
    live = sum(facts.phases[phase] for phase in (Phase.PENDING, Phase.STARTING, Phase.RUNNING, Phase.STOPPING))
    if facts.found and facts.object is None and not live:
        return State.STOPPED, "It is gone from the cluster."
    if facts.found and facts.wanted and facts.object and facts.object.stopped and facts.applied and not live:
        return State.STOPPED, "It was stopped in the cluster."
    if not facts.wanted:
        stays = facts.object is not None and not facts.object.stopped
        return (State.STOPPING, "") if stays or live else (State.STOPPED, "")
    if facts.applied and facts.object is None and not facts.found:
        return State.FAILED, "Somebody deleted its object in the cluster."
    if facts.object and facts.object.deleting:
        return State.STOPPING, ""
    running = facts.phases[Phase.RUNNING]
    if running and running + facts.phases[Phase.SUCCEEDED] >= facts.pods:
        return State.RUNNING, ""
    # What has all that must run together, and nothing under way, is short of its other pods also at its first start.
    if running and (facts.started or not (facts.phases[Phase.STARTING] or facts.below_minimum)):
        return State.DEGRADED, ""
    if running or facts.phases[Phase.STARTING]:
        return State.STARTING, ""
    return State.WAITING, ""


def write_done(objects: Iterable[SeenObject]) -> set[int]:
    """Keeps how many pods have done their part, as their objects count; ids of workloads of which that differs. Pods
    that have can go, as with their node, and would be waited for in vain. Of several groups an object counts each; what
    was found as one object of several shapes nobody counts."""
    of_workloads = {item.workload: item.done for item in objects if item.done and item.workload}
    of_groups = {(item.part_of, item.sub_group): item.done for item in objects if item.done and item.part_of}
    uids = valid_uids({*of_workloads, *(uid for uid, _ in of_groups)})
    if not uids:
        return set()
    rows = SubGroup.objects.filter(workload__uid__in=uids).annotate(groups=Count("workload__sub_groups"))
    differing = []
    for pk, workload, uid, name, groups, old in rows.values_list(
        "pk", "workload", "workload__uid", "name", "groups", "done"
    ):
        done = of_workloads.get(str(uid)) if groups == 1 else of_groups.get((str(uid), name))
        if done is not None and done != old:
            differing.append((pk, workload, done))
    update_rows(SubGroup, ("done",), [(pk, number) for pk, _, number in differing])
    return {workload for _, workload, _ in differing}


def write_states(workloads: Iterable[int], objects: Mapping[str, SeenObject]) -> set[int]:
    """Derives the states of these workloads (ids) again, and writes what differs; ids of those. Ended ones stay as they
    are.

    `objects`: everything in the cluster, by the workload's uid.
    """
    found = Workload.objects.filter(pk__in=set(workloads))
    rows = list(found.values_list("pk", "uid", "desired", "pods_wanted", "origin", *Row._fields))
    phases, allocated, below = _pods([row[0] for row in rows])
    now = timezone.now()
    updates, events = [], []
    for pk, uid, desired, wanted, origin, *columns in rows:
        old = Row(*columns)
        seen = objects.get(str(uid))
        running = desired == Workload.Desired.RUNNING
        # An object that is there was applied, whoever forgot to note it, but for one that is to go on. Wanted no more
        # and gone: nothing is applied.
        applied = (old.applied and running) if seen is None else not (seen.stopped and running)
        if origin and seen is not None and seen.stopped:
            # Somebody else may have stopped it; what is to go on has not been applied.
            applied = old.applied
        if not old.is_active:
            # Nothing of Bursar's is left in the cluster of what was found and is off the lists.
            new = old._replace(applied=seen is not None and not (origin and desired == Workload.Desired.DELETED))
        else:
            started = old.started_at is not None
            facts = Facts(running, applied, started, seen, phases[pk], wanted, pk in below, bool(origin))
            new = _next(old, facts, allocated[pk], now)
        if new != old:
            updates.append((pk, *new))
        if new.state != old.state:
            numbers: dict[str, Any] = {"message": new.state_message} if new.state_message else {}
            numbers |= {"running": phases[pk][Phase.RUNNING], "wanted": wanted}
            events.append(Event(workload_id=pk, code=State(new.state).label, numbers=numbers, at=now))
    update_rows(Workload, Row._fields, updates)
    Event.objects.bulk_create(events)
    return {pk for pk, *_ in updates}


def _next(old: Row, facts: Facts, allocated: int, now: datetime) -> Row:
    """The columns of an active workload, from what is known of it now."""
    state, word = derive(facts)
    ended = state in ENDED
    running = facts.phases[Phase.RUNNING]
    started = old.started_at or (now if running else None)
    stale = state is State.DEGRADED and facts.below_minimum
    # A message of the reconciler stays until the object is there.
    keeps_message = state == old.state and not facts.applied
    return Row(
        state=state,
        state_message=old.state_message if keeps_message and not word else clean(word, 500),
        is_active=not ended,
        applied=facts.object is not None if ended else facts.applied,
        pods_running=0 if ended else running,
        allocated_gpu_milli=0 if ended else allocated,
        state_since=old.state_since if state == old.state else now,
        # Runs anew after its pods were evicted.
        started_at=None if state is State.WAITING else started,
        stale_since=(old.stale_since or now) if stale else None,
        ended_at=now if ended else None,
    )


def _pods(workloads: list[int]) -> tuple[dict[int, Counter[int]], dict[int, int], set[int]]:
    """Pods of each workload in each phase, milli-GPUs that its bound pods hold, and which have too few pods."""
    groups = {
        pk: numbers
        for pk, *numbers in SubGroup.objects.filter(workload__in=workloads).values_list(
            "pk", "workload_id", "devices", "min_members", "done"
        )
    }
    phases: dict[int, Counter[int]] = defaultdict(Counter)
    allocated: dict[int, int] = defaultdict(int)
    alive: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    for workload, group, phase, milli in Pod.objects.filter(workload__in=workloads).values_list(
        "workload_id", "sub_group_id", "phase", "device_milli"
    ):
        phases[workload][phase] += 1
        if phase in (Phase.STARTING, Phase.RUNNING):
            allocated[workload] += groups[group][1] * milli
            alive[group] += 1
        elif phase == Phase.SUCCEEDED:
            ended[group] += 1
    below = set()
    for group, (workload, _, minimum, done) in groups.items():
        gone = max(done - ended[group], 0)
        phases[workload][Phase.SUCCEEDED] += gone
        if alive[group] + ended[group] + gone < minimum:
            below.add(workload)
    return phases, allocated, below
