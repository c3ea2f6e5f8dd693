"""Would this start, and why not? An answer from what a pool's loop last published, without asking the engine.

It follows the engine's rules at every level of the tree, and knows of the nodes what the summary says of their free
room, labels and taints. So "starts now" is what is likely; the engine decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from portal.formats import counted
from portal.words import Step
from scheduling.asking import Ask, Room, Standing
from scheduling.engine.arithmetic import RESOURCES, minus, plus
from scheduling.engine.classes import tolerates
from scheduling.engine.decisions import WaitCode
from scheduling.engine.types import Amounts
from scheduling.quantities import DEVICE_MILLI, amount, bare

GPU = "gpu_milli"


class Outcome(Enum):
    NOW = 1
    AFTER_RECLAIM = 2
    WAITS = 3
    NEVER = 4
    NOT_KNOWN = 5
    """It asks for something of nodes that no summary tells of."""


@dataclass(frozen=True, slots=True)
class Forecast:
    outcome: Outcome
    guaranteed_milli: int
    over_milli: int
    limit: Step
    guarantee: Step
    fair_share: Step
    room: Step
    code: WaitCode | None = None
    """Why it would wait; `numbers` are those of the engine's reason."""
    numbers: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[Step, Step, Step, Step]:
        return self.limit, self.guarantee, self.fair_share, self.room


NOT_REACHED = Step("dash", "not reached")
_Stop = tuple[WaitCode, dict[str, int | str]]


def forecast(ask: Ask, chain: Sequence[Standing], room: Room) -> Forecast:
    """`chain`: the project first, then its departments upwards; without `default`, which counts as its projects."""
    memory = max(request.device_memory_mib for request in ask.requests)
    asked, ask = ask, ask.inside(room)
    inside = _inside_quota(ask, chain)
    over = ask.least.gpu_milli - inside
    if never := _no_such_gpu(memory, room) or _never_fits(ask, room):
        step = Step("cross", f"Nodes have {amount(*_pair(never, 'largest'))}", _each_asks(never))
        if never[0] is WaitCode.NO_MATCHING_NODE:
            by_taints = never[1]["by"] == "taints"
            step = Step("cross", "Nodes have taints it does not tolerate" if by_taints else "No node has the labels")
        return Forecast(Outcome.NEVER, inside, over, NOT_REACHED, NOT_REACHED, NOT_REACHED, step, *never)

    limit, stop = _limit_step(ask, chain)
    if stop:
        return Forecast(Outcome.WAITS, inside, over, limit, NOT_REACHED, NOT_REACHED, NOT_REACHED, *stop)
    guarantee, stop = _guarantee_step(ask, chain, inside)
    if stop:
        return Forecast(Outcome.WAITS, inside, over, limit, guarantee, NOT_REACHED, NOT_REACHED, *stop)
    fair_share = _fair_share_step(ask, chain[0])
    if ask.unknown:
        place = Step("weak", "Not known", f"the loop does not tell nodes apart by {ask.unknown}")
        return Forecast(Outcome.NOT_KNOWN, inside, over, limit, guarantee, fair_share, place)
    place, stop = _room_step(asked, ask.least, room)
    if stop is None:
        return Forecast(Outcome.NOW, inside, over, limit, guarantee, fair_share, place)
    short = ask.least.gpu_milli - room.free.gpu_milli
    takes_back = over == 0 < ask.least.gpu_milli and room.lent_milli >= max(short, 1)
    outcome = Outcome.AFTER_RECLAIM if takes_back else Outcome.WAITS
    return Forecast(outcome, inside, over, limit, guarantee, fair_share, place, *stop)


def _no_such_gpu(memory_mib: int, room: Room) -> _Stop | None:
    if not room.nodes or memory_mib <= room.device_memory_mib:
        return None
    largest = room.device_memory_mib
    return WaitCode.NEVER_FITS, {"resource": "device_memory_mib", "requested": memory_mib, "largest": largest}


def _never_fits(ask: Ask, room: Room) -> _Stop | None:
    if not room.nodes:
        return WaitCode.NO_READY_NODE, {"nodes": 0}
    for request in ask.requests:
        for resource, want, largest in zip(RESOURCES, request.amounts, room.largest_node, strict=True):
            if want > largest or (resource == GPU and request.devices * DEVICE_MILLI > largest):
                return WaitCode.NEVER_FITS, {"resource": resource, "requested": want, "largest": largest}
    if ask.node_labels and not room.matching_nodes:
        return WaitCode.NO_MATCHING_NODE, {"nodes": room.ready, "by": "selector"}
    if room.free_nodes and not any(tolerates(ask.tolerations, nodes.taints) for nodes in room.free_nodes):
        return WaitCode.NO_MATCHING_NODE, {"nodes": room.ready, "by": "taints"}
    return None


def _each_asks(stop: _Stop) -> str:
    return f"each pod asks for {bare(*_pair(stop, 'requested'))}" if stop[0] is WaitCode.NEVER_FITS else ""


def _pair(stop: _Stop, key: str) -> tuple[str, int]:
    return str(stop[1].get("resource", GPU)), int(stop[1].get(key, 0))


def _inside_quota(ask: Ask, chain: Sequence[Standing]) -> int:
    """milli-GPU of the ask that every level has left of its quota."""
    left = [left for unit in chain if (left := unit.quota_left_gpu_milli) is not None]
    return max(0, min([ask.least.gpu_milli, *left]))


def _limit_step(ask: Ask, chain: Sequence[Standing]) -> tuple[Step, _Stop | None]:
    for unit in chain:
        if unit.blocked:
            step = Step("cross", "Blocked", f"{unit.name} may run nothing here")
            return step, (WaitCode.BLOCKED, {"unit": unit.id})
    for unit in chain:
        wanted = plus(unit.allocated, ask.least)
        for index, resource in enumerate(RESOURCES):
            bound = unit.limit[index]
            if bound is not None and ask.least[index] and wanted[index] > bound:
                step = Step(
                    "cross",
                    f"{bare(resource, wanted[index])} of {amount(resource, bound)}",
                    f"would pass the limit of {unit.name}",
                )
                return step, _stop(WaitCode.OVER_LIMIT, unit, ask, index, "limit", bound)
    limits = [
        (bound - unit.allocated.gpu_milli, unit, bound) for unit in chain if (bound := unit.limit.gpu_milli) is not None
    ]
    if not limits:
        return Step("check", "No limit"), None
    _, unit, bound = min(limits, key=lambda limit: limit[0])
    held = unit.allocated.gpu_milli + ask.least.gpu_milli
    return Step("check", f"{bare(GPU, held)} of {bare(GPU, bound)}"), None


def _guarantee_step(ask: Ask, chain: Sequence[Standing], inside: int) -> tuple[Step, _Stop | None]:
    for unit in chain:
        for index, resource in enumerate(RESOURCES):
            quota = unit.quota[index]
            if quota is None or not ask.least[index]:
                continue
            if not ask.preemptible and unit.non_preemptible[index] + ask.least[index] > quota:
                step = Step(
                    "cross",
                    f"{bare(resource, max(0, quota - unit.non_preemptible[index]))} of {amount(resource, quota)} left",
                    "non-preemptible work stays inside quota",
                )
                return step, _stop(WaitCode.NON_PREEMPTIBLE_OVER_QUOTA, unit, ask, index, "quota", quota)
            if not unit.over_quota and unit.allocated[index] + ask.least[index] > quota:
                step = Step(
                    "cross",
                    f"{bare(resource, unit.allocated[index] + ask.least[index])} of {amount(resource, quota)}",
                    f"{unit.name} may not go over its quota",
                )
                return step, _stop(WaitCode.OVER_QUOTA_OFF, unit, ask, index, "quota", quota)
    if not ask.least.gpu_milli:
        return Step("check", "No GPUs asked for"), None
    tightest = min(chain, key=lambda unit: unit.quota_left_gpu_milli or 0)
    text = f"{bare(GPU, max(0, tightest.quota_left_gpu_milli or 0))} of {bare(GPU, tightest.quota.gpu_milli or 0)} left"
    text += "" if tightest is chain[0] else f" in {tightest.name}"
    over = ask.least.gpu_milli - inside
    if not over:
        return Step("check", text, "all guaranteed"), None
    part = "all" if not inside else "the other"
    return Step("weak", text, f"{part} {amount(GPU, over)} would be over quota"), None


def _stop(code: WaitCode, unit: Standing, ask: Ask, index: int, bound: str, value: int) -> _Stop:
    held = unit.non_preemptible if code is WaitCode.NON_PREEMPTIBLE_OVER_QUOTA else unit.allocated
    return code, {
        "unit": unit.id,
        "resource": RESOURCES[index],
        bound: value,
        "allocated": held[index],
        "requested": ask.least[index],
    }


def _fair_share_step(ask: Ask, project: Standing) -> Step:
    held, share = project.allocated.gpu_milli + ask.least.gpu_milli, project.fair_share.gpu_milli
    if not ask.least.gpu_milli:
        return Step("check", "No GPUs asked for")
    share = max(share, min(held, project.quota.gpu_milli or 0))
    text = f"{bare(GPU, held)} of {bare(GPU, share)}"
    if held <= share:
        return Step("check", text, "may take back what is lent")
    return Step("weak", text, "may use free GPUs only")


def _room_step(ask: Ask, least: Amounts, room: Room) -> tuple[Step, _Stop | None]:
    """`least`: all that it asks for, with GPU memory as a share."""
    if not room.ready:
        step = Step("cross", f"None of {counted(room.nodes, 'node')} is ready")
        return step, (WaitCode.NO_READY_NODE, {"nodes": room.nodes})
    lacking = minus(least, room.free)
    for index, resource in enumerate(RESOURCES):
        if least[index] and lacking[index] > 0:
            short, free = bare(resource, lacking[index]), room.free[index]
            numbers: dict[str, int | str] = {
                "resource": resource,
                "short": lacking[index],
                "requested": least[index],
                "free": free,
            }
            return Step("cross", f"{short} short", f"{amount(resource, free)} free"), (WaitCode.SHORT, numbers)
    if room.taking(ask) is None:
        return _fragmented(ask.inside(room), room)
    if ask.level and not any(domain.taking(ask) for domain in room.domains(ask.level)):
        return _apart(ask, room)
    left = amount(GPU, room.free.gpu_milli) if least.gpu_milli else amount("cpu_millicores", room.free.cpu_millicores)
    return Step("check", f"{left} free", "fits now"), None


def _fragmented(ask: Ask, room: Room) -> tuple[Step, _Stop]:
    """Enough is free in sum, but not together on nodes."""
    allowed = [nodes for nodes in room.free_nodes if ask.allows(nodes)]
    slots, request, pods = room.slots(ask)
    # The first that no node has enough of is what it lacks.
    free = [
        (nodes.gpus * DEVICE_MILLI or nodes.share_milli, nodes.cpu_millicores, nodes.memory_bytes) for nodes in allowed
    ]
    largest = [max(column, default=0) for column in zip(*free, strict=True)] or [0, 0, 0]
    lacking = [index for index, want in enumerate(request.amounts) if want > largest[index]]
    index = lacking[0] if lacking else 0 if request.devices else 1
    resource, each = RESOURCES[index], request.amounts[index]
    numbers: dict[str, int | str] = {
        "resource": resource,
        "pods": pods,
        "requested": each,
        "slots": slots,
        "free": room.free[index],
        "largest": largest[index],
    }
    note = f"{bare(resource, room.free[index])} free, " + (
        f"but no node has {bare(resource, each)}" if not slots else f"room for {slots} of {pods} pods"
    )
    step = Step("cross", f"{bare(resource, max(pods - slots, 1) * each)} short", note)
    return step, (WaitCode.FRAGMENTED, numbers)


def _apart(ask: Ask, room: Room) -> tuple[Step, _Stop]:
    """There is room, but not inside one domain of the level that it has to stay in."""
    domains = room.domains(ask.level)
    slots = max((min(domain.slots(ask)[0], ask.min_members) for domain in domains), default=0)
    numbers: dict[str, int | str] = {
        "level": ask.level,
        "pods": ask.min_members,
        "slots": slots,
        "domains": len(domains),
    }
    note = f"room for {slots} of {counted(ask.min_members, 'pod')} in the best of {counted(len(domains), 'domain')}"
    return Step("cross", f"Not in one {ask.level}", note), (WaitCode.TOPOLOGY, numbers)
