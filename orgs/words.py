"""Sentences that pages of this app say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from orgs.mapping.planned import Plan, PlannedUnit
from orgs.models import ClusterInfo, Mapping, OrgUnit, UnitKind
from orgs.selectors.audit import MOST_COUNTED, AuditList, AuditQuery
from orgs.selectors.clusters import ClusterLine
from orgs.selectors.impact import MoveImpact, UnitImpact
from orgs.selectors.tree import Tree
from orgs.services.unit import is_left_alone
from portal.formats import ago, count, counted, day, gpus, gpus_counted


@dataclass(frozen=True, slots=True)
class Answer:
    """The heading of a page and the line under it."""

    text: str
    line: str


def organization_answer(tree: Tree, scope: OrgUnit | None) -> Answer:
    """How the organization, or the scope of it, is laid out and how its guarantee is used."""
    projects = counted(tree.kinds[UnitKind.PROJECT], "project")
    departments = tree.kinds[UnitKind.DEPARTMENT]
    clusters = [row.unit for row in tree.rows if row.unit.kind == UnitKind.CLUSTER]
    if tree.kinds[UnitKind.ACCOUNT] and not tree.kinds[UnitKind.CLUSTER]:
        return Answer("No cluster yet.", "An organization begins with a cluster; departments and projects lie in it.")
    if not tree.kinds:
        return Answer("Nothing here is yours to see.", "A role on a project or department shows it here.")
    share = "shares" if tree.kinds[UnitKind.PROJECT] == 1 else "share"
    if tree.kinds[UnitKind.CLUSTER] > 1:
        text = f"{projects} in {counted(departments, 'department')} {share} {tree.kinds[UnitKind.CLUSTER]} clusters."
    elif clusters:
        text = f"{projects} in {counted(departments, 'department')} {share} cluster {clusters[0].name}."
    elif scope is not None and scope.kind == UnitKind.DEPARTMENT:
        text = f"{projects} in department {scope.name}."
    elif scope is not None and scope.kind == UnitKind.PROJECT:
        text = f"Project {scope.name}."
    else:
        text = f"{projects} are yours to see." if share == "share" else f"{projects} is yours to see."
    total = tree.total
    line = f"Guaranteed {gpus_counted(total.quota_gpu_milli)}; {gpus(total.used_gpu_milli)} in use"
    line += f", {gpus(total.over_gpu_milli)} of them over quota" if total.over_gpu_milli else ""
    line += f"; {gpus(total.waiting_gpu_milli)} waiting." if total.waiting_gpu_milli else "; nothing waits."
    return Answer(text, line)


def settings_answer(clusters: list[ClusterLine], may_connect: bool) -> Answer:
    """How the clusters are, as far as the reader may see them."""
    if not clusters and may_connect:
        return Answer("No cluster yet.", "Bursar needs a cluster to watch.")
    if not clusters:
        return Answer("No cluster is yours to see.", "System administrators connect clusters and add people here.")
    lost = [c.unit.name for c in clusters if c.unit.cluster_info.state == ClusterInfo.State.DISCONNECTED]
    waiting = [c.unit.name for c in clusters if c.unit.cluster_info.state == ClusterInfo.State.WAITING]
    simulated = sum(c.unit.cluster_info.mode == ClusterInfo.Mode.SIMULATED for c in clusters)
    if lost:
        text = f"{len(lost)} of {counted(len(clusters), 'cluster')} not connected: {', '.join(lost[:3])}."
    elif waiting:
        text = f"{counted(len(clusters), 'cluster')}, {len(waiting)} of them still connecting."
    elif len(clusters) == 1:
        text = f"Cluster {clusters[0].unit.name} is connected."
    else:
        text = f"{len(clusters)} clusters are connected."
    kinds = [f"{counted(len(clusters) - simulated, 'Kubernetes cluster')}"] if simulated < len(clusters) else []
    kinds += [f"{simulated} simulated"] if simulated else []
    return Answer(text, ", ".join(kinds) + ".")


def audit_answer(query: AuditQuery, found: AuditList) -> Answer:
    """How much was done in the window, by how many, and what last."""
    if query.moved:
        window = f"on {day(_noon(query.first_day))}"
        if query.days > 1:
            window = f"from {day(_noon(query.first_day))} to {day(_noon(query.last_day))}"
    else:
        window = f"in the last {query.days} days"
    noun = "such event" if query.narrows else "event"
    if not found.rows and found.total == 0:
        return Answer(f"No {noun} {window}.", "Move the window, or choose less above.")
    events = f"More than {count(MOST_COUNTED)} {noun}s" if found.total is None else counted(found.total, noun)
    people = "by 1 person" if found.people == 1 else f"by {count(found.people)} people"
    text = f"{events} {window}, {people if found.people else 'none by a person'}."
    first = next(iter(found.rows), None)
    last = f"{first.sentence}, {ago(first.event.at)}." if first and not query.after and not query.before else ""
    return Answer(text, f"Last: {last}" if last else "Newest first.")


def _noon(of: date) -> datetime:
    return datetime.combine(of, time(12), UTC)


def impact_rows(impact: UnitImpact, unit: OrgUnit) -> list[dict[str, object]]:
    """The lines of the dialog before a delete: what ends, what goes back, what is kept."""
    above = unit.parent.name if unit.parent else ""
    left = is_left_alone(unit)
    lines = [
        ("Departments inside go too", impact.departments, "departments"),
        ("Projects inside go too", impact.projects, "projects"),
        ("Running workloads are stopped", 0 if left else impact.work.running, "running"),
        ("Waiting workloads are removed", 0 if left else impact.work.waiting, ""),
        ("Access rules are removed", impact.rules, "rules"),
        ("Quotas are removed", impact.quotas, ""),
    ]
    rows: list[dict[str, object]] = [
        {"text": text, "figure": figure, "names": _named(impact.names.get(names, ()), figure)}
        for text, figure, names in lines
        if figure
    ]
    if impact.guaranteed_gpu_milli:
        text = "Guaranteed GPUs go" if unit.kind == UnitKind.CLUSTER else f"Guaranteed GPUs go back to {above}"
        rows.append({"text": text, "figure": gpus(impact.guaranteed_gpu_milli)})
    kept = "Namespaces and their volumes are kept" if impact.projects else "The namespace and its volumes are kept"
    if impact.projects or unit.kind == UnitKind.PROJECT:
        total = impact.projects + (unit.kind == UnitKind.PROJECT)
        names = _named(impact.names.get("namespaces", ()), total)
        rows.append({"text": kept, "figure": None, "tone": "kept", "names": names})
    return [*rows, *_left_rows(impact)] if left else rows


def _left_rows(impact: UnitImpact) -> list[dict[str, object]]:
    """Of a cluster that is forgotten and stays as it is."""
    lines = [
        ("Running workloads go on, and are known to nobody here", impact.work.running, "running"),
        ("Waiting workloads stay there and wait for good", impact.work.waiting, ""),
    ]
    rows: list[dict[str, object]] = [
        {"text": text, "figure": figure, "tone": "kept", "names": _named(impact.names.get(names, ()), figure)}
        for text, figure, names in lines
        if figure
    ]
    what = "manage.py cluster_clean takes away what Bursar wrote there"
    return [*rows, {"text": "The cluster stays as it is", "figure": None, "tone": "kept", "names": what}]


def move_rows(impact: MoveImpact, unit: OrgUnit, parent: OrgUnit) -> list[dict[str, object]]:
    """The lines of the dialog before a move: whose sums of quotas change, who gets and loses rights, what is kept."""
    rows: list[dict[str, object]] = []
    for change in impact.sums:
        over = change.after > change.available and change.after > change.before
        rows.append(
            {
                "text": f"GPUs guaranteed inside {change.unit.name}, pool {change.pool}",
                "figure": f"{gpus(change.before)} → {gpus(change.after)} of {gpus(change.available)}",
                "tone": "over" if over else "change",
                "names": f"{gpus(change.after - change.available)} more than it has" if over else "",
            }
        )
    if impact.rules_lost:
        rows.append(
            {"text": f"Access rules from above that no longer hold on {unit.name}", "figure": impact.rules_lost}
        )
    if impact.rules_won:
        text = f"Access rules on {parent.name} or above it that hold from then on"
        rows.append({"text": text, "figure": impact.rules_won, "tone": "change"})
    if not impact.sums:
        rows.append({"text": "No sum of quotas changes", "figure": None, "tone": "kept"})
    text = "Workloads, namespaces, quotas and rules of its own go along"
    return [*rows, {"text": text, "figure": None, "tone": "kept"}]


def _named(names: Sequence[str], total: int) -> str:
    """Some of the names, and how many more there are."""
    if not names:
        return ""
    more = total - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")


def impact_line(impact: UnitImpact) -> str:
    """From whom it takes something away."""
    if impact.people:
        return f"This takes something away from {'1 person' if impact.people == 1 else f'{impact.people} people'}."
    return "Nobody holds a role on it." if not impact.projects else "Nobody holds a role on it or inside it."


MOST_PLANNED = 300
"""Rows of the wizard's preview."""


def mapping_answer(made: Plan) -> Answer:
    """What the list would make, and what keeps it from that."""
    numbers = [len(made.departments), len(made.projects), sum(p.subject is None for p in made.people.values())]
    if made.conflicts:
        line = "They are marked below. Go back and mend them: everything typed is still there."
        return Answer(f"{counted(made.conflicts, 'conflict')} to mend first.", line)
    if made.nothing_new:
        return Answer("Everything in the list is there already.", "There is nothing to make, and nothing is changed.")
    if not any(numbers):
        line = "The departments and projects of the list are there already."
        return Answer(f"{counted(len(made.grants), 'role')} about to be given.", line)
    given = [division for division in made.divisions if division.planned_milli]
    quotas = ", ".join(f"{gpus(division.planned_milli)} of {division.pool.name}" for division in given)
    be = "is" if sum(numbers) == 1 else "are"
    return Answer(
        f"{_made(*numbers)} {be} about to be made.", f"Guaranteed GPUs: {quotas}." if quotas else "No quotas are given."
    )


def mapping_made(mapping: Mapping, one: str, several: str) -> str:
    """What the wizard made, with the verb that follows: "is there", "are there"."""
    numbers = [len(mapping.ids(what)) for what in ("departments", "projects", "people")]
    if not any(numbers):
        roles = len(mapping.ids("rules")) + len(mapping.renewed)
        return f"{counted(roles, 'access rule')} {one if roles == 1 else several}"
    return f"{_made(*numbers)} {one if sum(numbers) == 1 else several}"


def planned_rows(made: Plan) -> list[PlannedUnit]:
    """The rows of the preview: as many units as there is room for, those with conflicts and the way to them first."""
    units = list(made.units())
    if len(units) <= MOST_PLANNED:
        return units
    chosen: set[int] = set()
    for unit in [*(unit for unit in units if unit.wrong), *units]:
        above: PlannedUnit | None = unit
        while above is not None and len(chosen) < MOST_PLANNED:
            chosen.add(id(above))
            above = above.parent
    return [unit for unit in units if id(unit) in chosen]


def _made(departments: int, projects: int, people: int) -> str:
    parts = [counted(departments, "department")] if departments else []
    parts += [counted(projects, "project")] if projects or not parts else []
    parts += [f"{people:,} new {'person' if people == 1 else 'people'}"] if people else []
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
