"""Sentences that the pages of pools and nodes say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime

from orgs.words import Answer
from portal.formats import clock, cores, counted, day, gpus, gpus_counted, memory
from quotas.hooks import NodeEvent
from quotas.models import Node, Quota
from quotas.selectors.impact import PoolImpact
from quotas.selectors.nodes import Fill
from quotas.selectors.pool_lines import PoolLine
from quotas.selectors.pool_table import PoolRow
from quotas.selectors.preview import Group, Preview
from quotas.words import listed


def pools_answer(lines: list[PoolLine]) -> Answer:
    """Which hardware is where, and where the largest room is."""
    if not lines:
        return Answer("No node pools yet.", "They come with a cluster; an administrator connects it in Settings.")
    gpu_nodes = sum(line.hardware.nodes for line in lines if not line.cpu_only)
    cpu_nodes = sum(line.hardware.nodes for line in lines if line.cpu_only)
    gpu_milli = sum(line.hardware.gpu_milli for line in lines)
    lost = sum(line.hardware.nodes - line.hardware.ready_nodes for line in lines)
    if not gpu_nodes and not cpu_nodes:
        return Answer(
            f"No node yet in {counted(len(lines), 'pool')}.", "Nodes show up here as soon as the cluster has them."
        )
    text = f"{gpus_counted(gpu_milli)} on {counted(gpu_nodes, 'node')} in {counted(len(lines), 'pool')}"
    text += f", and {counted(cpu_nodes, 'CPU node')}." if cpu_nodes else "."
    text += f" {counted(lost, 'node')} {'is' if lost == 1 else 'are'} not ready." if lost else ""
    doubted = sum(line.hardware.conflicts for line in lines)
    text += f" {counted(doubted, 'node')} {'lies' if doubted == 1 else 'lie'} in two pools." if doubted else ""
    rooms = [
        f"{line.pool.name} {gpus(line.room_milli)}{' (whole node)' if line.whole_node else ''}"
        for line in lines
        if line.nodes is not None and line.hardware.gpu_milli
    ]
    return Answer(text, f"The largest room free on one node: {', '.join(rooms)} GPUs." if rooms else "")


def pool_table_answer(rows: list[PoolRow]) -> Answer:
    """How many pools there are, and how much of their hardware is in use."""
    if not rows:
        return Answer("No node pool here.", "They come with a cluster; an administrator connects it in Settings.")
    ready = sum(row.hardware.ready.gpu_milli for row in rows)
    if any(row.used is None for row in rows):
        return Answer(
            f"{counted(len(rows), 'pool')} with {gpus_counted(ready)} ready.", "Use is for who may see nodes."
        )
    used = sum(row.used.gpu_milli for row in rows if row.used)
    text = f"{gpus(used)} of {gpus_counted(ready)} in use in {counted(len(rows), 'pool')}."
    return Answer(text, "As the schedulers last counted: what is charged to each pool, wherever its nodes are now.")


Rows = list[dict[str, object]]
"""Lines of a confirm dialog."""


def pool_delete_rows(impact: PoolImpact, goes: list[Group], work_url: str) -> Rows:
    """Before a pool goes: whose work and quota it concerns, and where its nodes go."""
    rows: Rows = []
    for number, words in ((impact.work.running, "run"), (impact.work.waiting, "wait")):
        if number:
            text = f"{_workloads(number)} {words}{'s' if number == 1 else ''} in it: stop or move what is there first"
            rows.append({"text": text, "figure": number, "tone": "danger", "href": work_url})
    rows += _unit_rows(impact, "loses", "lose")
    if not (impact.units or impact.more_units):
        rows.append({"text": "Nobody is guaranteed anything in it", "figure": 0, "tone": "kept"})
    if impact.preferring:
        text = "Units have it in their order of pools: it goes out of that"
        rows.append({"text": text, "figure": impact.preferring, "tone": "danger"})
    return rows + _node_rows(goes)


def pool_narrow_rows(impact: PoolImpact, preview: Preview, work_url: str) -> Rows:
    """Before nodes leave a pool for another label: whose quota and work it concerns, and where the nodes go."""
    rows = _node_rows(preview.goes)
    left = impact.ready_gpu_milli + preview.ready_gpu_milli_more
    if impact.guaranteed_gpu_milli > left:
        text = f"{gpus_counted(impact.guaranteed_gpu_milli)} guaranteed, {gpus(left)} ready afterwards"
        rows.append({"text": f"Quotas will not add up: {text}", "figure": None, "tone": "danger"})
    rows += _unit_rows(impact, "keeps", "keep")
    if impact.work.running:
        text = "Running workloads go on, charged to this pool until they end"
        rows.append({"text": text, "figure": impact.work.running, "tone": "kept", "href": work_url})
    if impact.work.waiting:
        text = "Waiting workloads have fewer nodes to start on"
        rows.append({"text": text, "figure": impact.work.waiting, "tone": "danger", "href": work_url})
    return rows


def _workloads(number: int) -> str:
    return "The workload" if number == 1 else "Workloads"


def _unit_rows(impact: PoolImpact, one: str, many: str) -> Rows:
    """A line for each unit with quota there that may be named, and one for the others."""
    tone = "danger" if one == "loses" else "kept"
    rows: Rows = [
        {"text": f"{unit.name} {one} its quota there", "figure": _amount(quota), "tone": tone}
        for unit, quota in impact.units
    ]
    if impact.more_units:
        others = f"{'Other units' if impact.units else 'Units'} {many} their quota there"
        rows.append({"text": others, "figure": impact.more_units, "tone": tone})
    return rows


def _amount(quota: Quota) -> str:
    if quota.gpu_milli or not (quota.cpu_millicores or quota.memory_bytes):
        return gpus_counted(quota.gpu_milli)
    return f"{cores(quota.cpu_millicores)} cores" if quota.cpu_millicores else memory(quota.memory_bytes or 0)


def _node_rows(goes: list[Group]) -> Rows:
    return [
        {
            "text": f"{'The node goes' if group.nodes == 1 else 'Nodes go'} to {group.name}"
            + (f", with {gpus_counted(group.gpus * 1000)}" if group.gpus else ""),
            "figure": group.nodes,
            "tone": "kept",
        }
        for group in goes
    ]


def topology_impact_rows(*, pools: int, work: int) -> list[dict[str, object]]:
    """What a confirm dialog lists before a topology goes."""
    rows: list[dict[str, object]] = []
    if work:
        rows.append({"text": "Workloads ask for its levels: stop them first", "figure": work, "tone": "danger"})
    words = "Pools have it: take it off them first" if pools else "Pools have it"
    rows.append({"text": words, "figure": pools, "tone": "danger" if pools else "kept"})
    return rows


def node_answer(node: Node, fill: Fill) -> Answer:
    """What is in use on a machine, and how it is."""
    since = f"{node.get_state_display()} since {day(node.state_since)}, {clock(node.state_since)} UTC"
    line = f"In pool {node.pool.name}; {since}" + ("" if node.schedulable else "; cordoned: takes no new work") + "."
    if node.conflict is not None:
        line = f"Takes nothing new: {node.pool.name} and {node.conflict.name} both match it; {since}."
    if node.removed_at is not None:
        return Answer(
            f"{node.name} left the cluster.", f"It was last seen {day(node.removed_at)}, {clock(node.removed_at)} UTC."
        )
    if node.gpu_count:
        used = f"{gpus(fill.gpu_milli)} of {gpus_counted(node.gpu_count * 1000)} in use on {node.name}."
    else:
        used = f"{cores(fill.cpu_millicores)} of {cores(node.cpu_millicores)} cores in use on {node.name}."
    return Answer(used, line)


def conflict_words(node: Node) -> str:
    """Which pools match the node, and what ends that."""
    pools = [pool for pool in (node.pool, node.conflict) if pool is not None]
    labels = " and ".join(f"{pool.name} by {pool.label_key}={pool.label_value}" for pool in pools)
    return (
        f"{labels} both match {node.name}. It takes nothing new; what runs there goes on. "
        "Take one of the two labels off the node, or change the label of one of the pools."
    )


@dataclass(frozen=True, slots=True)
class Condition:
    """What a node's kubelet says of it, as the page shows it."""

    name: str
    words: str
    wrong: bool
    message: str
    since: datetime | None


def conditions_of(node: Node) -> list[Condition]:
    """Those that are wrong first. `Ready` is wrong when it is not true, every other when it is."""
    found = []
    for said in node.conditions:
        ready = said["type"] == "Ready"
        wrong = said["status"] != ("True" if ready else "False")
        words = {"True": "yes", "False": "no"}.get(said["status"], "not known")
        since = parse_datetime(said["since"]) if said["since"] else None
        found.append(Condition(said["type"], words, wrong, said["message"] or said["reason"], since))
    return sorted(found, key=lambda one: (not one.wrong, one.name != "Ready", one.name))


def state_event(node: Node) -> NodeEvent:
    """Since when the node is what it is."""
    if node.removed_at is not None:
        return NodeEvent(node.removed_at, "It left the cluster.")
    return NodeEvent(node.state_since, f"It is {node.get_state_display()} since then.")


def nodes_answer(total: int, not_ready: int, cordoned: int, conflicts: int) -> Answer:
    """How many machines there are, and how many do not take work."""
    if not total:
        return Answer("No nodes here.", "Nodes show up as soon as a cluster has them.")
    if not (not_ready or cordoned or conflicts):
        return Answer(f"All {counted(total, 'node')} are ready." if total > 1 else "The one node is ready.", "")
    parts = [f"{not_ready} not ready"] if not_ready else []
    parts += [f"{cordoned} cordoned"] if cordoned else []
    parts += [f"{conflicts} in two pools"] if conflicts else []
    return Answer(f"{counted(total, 'node')}, {listed(parts)}.", "")
