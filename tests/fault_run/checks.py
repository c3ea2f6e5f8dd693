"""What must hold at every moment. Each check gives sentences about what does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from scheduling.models import Pod, SimObject

from .moment import DONE, Moment

HALF_MS = 75_000
"""So long a gang may be half there: finished, or given up after 30 s; and then its pods stop."""
TAKING = {"reclaim", "preempt", "consolidate"}
LIVE = ("pending", "running")


def violations(moment: Moment, earlier: Sequence[Moment]) -> Iterator[str]:
    """`earlier`: the moments of the last seconds that were looked at; none where too little was."""
    yield from chain(
        overbooked(moment),
        decided_over(moment),
        twice(moment),
        stopped_without_decision(moment),
        lost_inside_quota(moment, earlier),
    )


def live(pods: Iterable[SimObject]) -> list[SimObject]:
    return [pod for pod in pods if not pod.deleted and pod.status["phase"] in LIVE]


def _devices(text: str) -> list[str]:
    return [device for device in text.split(",") if device]


def overbooked(moment: Moment) -> Iterator[str]:
    """Devices, cores and memory of the cluster's nodes; and pods that a node turned away for lack of room."""
    devices: Counter[tuple[str, str]] = Counter()
    rest: Counter[tuple[str, str]] = Counter()
    for pod in live(moment.pods):
        node = pod.status.get("node")
        if node:
            for device in _devices(pod.status["devices"]):
                if int(device) >= moment.nodes[node].spec["gpu_count"]:
                    yield f"over-booked: {node} has no GPU {device}, which pod {pod.name} is given"
                devices[node, device] += pod.status.get("device_milli", pod.spec["device_milli"])
            for what in ("cpu_millicores", "memory_bytes"):
                rest[node, what] += pod.spec[what]
    for (node, device), milli in devices.items():
        if milli > 1000:
            yield f"over-booked: GPU {device} of {node} holds {milli} thousandths"
    for (node, what), amount in rest.items():
        if amount > moment.nodes[node].spec[what]:
            yield f"over-booked: {what} of {node}: {amount}"
    for pod in moment.pods:
        if "lacks" in pod.status.get("message", ""):
            yield f"over-booked: pod {pod.name}: {pod.status['message']}"


def decided_over(moment: Moment) -> Iterator[str]:
    """Devices as the database has them: pods on nodes, and those that are on their way there."""
    held: Counter[tuple[str, str]] = Counter()
    opened = moment.opened
    for row in moment.rows.values():
        place = opened.get(row.uid)
        share = row.device_milli or 1000
        if row.holds:
            held.update({(row.node, device): share for device in _devices(row.devices)})
        elif place and row.phase == Pod.Phase.PENDING:  # one that stops without a node can get none any more
            held.update({(place.node, device): row.asked_device_milli for device in _devices(place.devices)})
    for (node, device), milli in held.items():
        if milli > 1000:
            yield f"over-booked by decision: GPU {device} of {node} is given {milli} thousandths"


def twice(moment: Moment) -> Iterator[str]:
    """One live pod a place of a workload; one start a pod; and no start that nobody decided."""
    there = [pod for pod in live(moment.pods) if "deleting_ms" not in pod.status]
    for (owner, index), number in Counter((pod.owner, pod.spec["index"]) for pod in there).items():
        if number > 1:
            yield f"twice: pod {index} of job {owner} is there {number} times"
    bound = [pod for pod in moment.pods if "node" in pod.status]
    for decision, number in Counter(pod.status["decision"] for pod in bound).items():
        if number > 1:
            yield f"twice: decision {decision} started {number} pods"
    done = Counter(place.pod_uid for place in moment.places.values() if place.state in DONE)
    for uid, number in done.items():
        if number > 1:
            yield f"twice: pod {uid} was started by {number} decisions"
    opened = Counter(place.pod_uid for place in moment.opened.values())
    for pod in bound:
        place = moment.places.get(pod.status["decision"])
        if place is None or (place.pod_uid, place.node) != (pod.uid, pod.status["node"]):
            yield f"started without a decision: pod {pod.name} on {pod.status['node']}"
    for uid, number in opened.items():
        if number > 1:
            yield f"twice: {number} starts of pod {uid} are under way"


def stopped_without_decision(moment: Moment) -> Iterator[str]:
    """A pod whose job lives on was asked to stop, and no decision says so."""
    owners = {owner.uid: owner for owner in moment.owners.values()}
    for pod in moment.pods:
        job, owner = moment.jobs.get(pod.owner), owners.get(pod.owner)
        lives_on = job and not job.deleted and job.status["state"] == "active" and not job.status.get("deleting")
        is_stopped = "deleting_ms" in pod.status and pod.status.get("is_evicted", True)
        if is_stopped and lives_on and owner and owner.wanted and not moment.evicts.get(pod.uid):
            yield f"stopped without a decision: pod {pod.name}"


def lost_inside_quota(moment: Moment, earlier: Sequence[Moment]) -> Iterator[str]:
    """Nothing is taken from a project that held no more than it is guaranteed, nor what may not be stopped."""
    known = {evict.pk for before in earlier for evicts in before.evicts.values() for evict in evicts}
    new = [evict for evicts in moment.evicts.values() for evict in evicts if evict.pk not in known]
    # At most so much was held when it was decided, whoever came and went meanwhile: a cycle takes a while.
    held: Counter[tuple[int, int]] = Counter()
    holders: dict[str, tuple[tuple[int, int], int]] = {}
    for each in (*earlier, moment):
        holders |= each.holders()
    for held_by, milli in holders.values():
        held[held_by] += milli
    for evict in new:
        owner = moment.owners.get(evict.workload)
        if owner is None:
            continue
        if evict.code in TAKING and not owner.preemptible:
            yield f"lost what may not be stopped: {owner.name}, {evict.code}"
        key = (owner.project, owner.pool)
        most, quota = held[key], moment.quotas.get(key, 0)
        if evict.code == "reclaim" and evict.is_open and earlier and most <= quota:
            yield (
                f"lost inside its quota: {owner.name} of project {owner.project}, which held {most} of {quota}; "
                f"the engine counted {evict.numbers}"
            )


def half_there(moment: Moment, since: dict[str, int]) -> Iterator[str]:
    """Gangs of which some, but too few, have a node, for longer than it takes to finish or give up. Keeps `since`."""
    bound: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for pod in moment.pods:
        if not pod.deleted and "node" in pod.status:
            (ended if pod.status["phase"] == "completed" else bound)[pod.owner] += 1
    half = set()
    for owner in moment.owners.values():
        if not owner.wanted or not bound[owner.uid] or _has_failed(moment, owner.uid):
            continue
        # Those that have done their part may be gone.
        done = max(ended[owner.uid], moment.jobs[owner.uid].status.get("done", 0))
        if bound[owner.uid] + done < owner.minimum:
            half.add(owner.uid)
    for uid in since.keys() - half:
        del since[uid]
    for uid in half:
        if moment.at_ms - since.setdefault(uid, moment.at_ms) > HALF_MS:
            yield f"half there for {HALF_MS // 1000} s: job {uid}"


def _has_failed(moment: Moment, uid: str) -> bool:
    job = moment.jobs.get(uid)
    return job is None or job.deleted or job.status["state"] != "active"
