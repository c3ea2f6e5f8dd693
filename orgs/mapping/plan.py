"""What the list would make: the new part of the tree, with everything that stands in its way."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from orgs import hooks
from orgs.mapping.lines import Line, Pattern
from orgs.mapping.planned import Division, Plan, PlannedPerson, PlannedUnit, Wish
from orgs.mapping.split import Method, divided, milli
from orgs.models import AccessRule, OrgUnit, ProjectInfo, Subject, UnitKind, UnitState
from orgs.names import (
    DEFAULT_DEPARTMENT,
    LONGEST_PERSON,
    LONGEST_PROJECT,
    NAMESPACE_PREFIX,
    checked_email,
    checked_name,
    checked_text,
)
from orgs.selectors.rules import grantable_roles
from orgs.services.tree import DEEPEST
from portal.errors import Refused
from portal.formats import gpus


def plan(*, user: Any, wish: Wish) -> Plan:
    """In a fixed number of queries. `user`: who wants it, so whose rights decide which roles can be given."""
    planner = _Planner(user, wish)
    for line in wish.lines:
        planner.add(line)
    planner.check_names()
    planner.check_people()
    made = Plan(wish.target, planner.tops, [replace(division) for division in wish.divisions])
    for division in made.divisions:
        _divide(made, division)
    _note_quotas(made)
    made.verdicts = hooks.quotas_give_verdicts(user, gifts) if (gifts := made.gifts) else []
    return made


class _Planner:
    def __init__(self, user: Any, wish: Wish) -> None:
        self.wish, self.target, self.pattern = wish, wish.target, wish.pattern
        self.tops: list[PlannedUnit] = []
        self.departments: dict[tuple[str, ...], PlannedUnit] = {}
        self.projects: dict[str, PlannedUnit] = {}
        self.roles = {one.name.lower(): one for one in grantable_roles(user, wish.target)}

    def add(self, line: Line) -> None:
        way = line.department
        if not way and self.target.kind == UnitKind.CLUSTER and (line.project or line.person):
            way = (DEFAULT_DEPARTMENT,)
        where = self.department(way)
        unit = self.project(line, where) or where
        if unit is None:
            self.orphan(line)
            return
        if line.person or line.name or line.role:
            person = self.person(line)
            if (person.email, person.role) not in [(known.email, known.role) for known in unit.people]:
                unit.people.append(person)
        if line.amounts and unit.kind != UnitKind.PROJECT:
            unit.problems.append(f"Line {line.number} gives GPUs to no project. Name one.")

    def department(self, way: tuple[str, ...]) -> PlannedUnit | None:
        if not way:
            return None
        found = self.departments.get(way)
        if found is None:
            above = self.department(way[:-1])
            found = self.departments[way] = PlannedUnit(UnitKind.DEPARTMENT, way[-1], above)
            (above.children if above else self.tops).append(found)
        return found

    def project(self, line: Line, where: PlannedUnit | None) -> PlannedUnit | None:
        name = line.project
        if self.pattern == Pattern.INDIVIDUALS:
            name = project_name(line.person)
        if not name:
            return None
        found = self.projects.get(name)
        if found is None or found.parent is not where:
            unit = PlannedUnit(UnitKind.PROJECT, name, where)
            if found is not None:
                unit.problems.append(f"Line {line.number} names “{name}” again, elsewhere. A cluster has a name once.")
            found = self.projects[name] = unit
            (where.children if where else self.tops).append(found)
        elif self.pattern == Pattern.INDIVIDUALS:
            found.problems.append(
                f"Line {line.number} would give the same name to another project. Change one of them."
            )
        found.amounts |= line.amounts
        return found

    def orphan(self, line: Line) -> None:
        unit = PlannedUnit(UnitKind.PROJECT, line.person or f"line {line.number}", None)
        unit.problems.append(f"Line {line.number} names neither department nor project. Name one.")
        self.tops.append(unit)

    def person(self, line: Line) -> PlannedPerson:
        role = self.roles.get(line.role.lower()) if line.role else self.wish.role
        found = PlannedPerson(line.person, line.name, role, None)
        try:
            found.email = checked_email(line.person)
            found.name = checked_text("name", line.name, LONGEST_PERSON, required=False)
        except Refused as refusal:
            found.problem = f"Line {line.number}: {' '.join(refusal.messages)}"
        if role is None:
            words = f"Line {line.number}: there is no role “{line.role}”, or you may not grant it here."
            found.problem = found.problem or words
        return found

    def check_names(self) -> None:
        """Illegal names, names that are taken, what is there already."""
        needed = ("id", "kind", "name", "parent_id", "cluster_id", "path", "state")
        active = OrgUnit.objects.filter(cluster=self.target.cluster_id).only(*needed)
        siblings = {(unit.parent_id, unit.name): unit for unit in active if unit.kind == UnitKind.DEPARTMENT}
        projects = {unit.name: unit for unit in active if unit.kind == UnitKind.PROJECT}
        namespaces = set(ProjectInfo.objects.filter(cluster=self.target.cluster_id).values_list("namespace", flat=True))
        levels = len(self.target.ancestor_ids) - 2
        for top in self.tops:
            for unit in top.walk():
                if unit.problems:
                    continue
                if unit.kind == UnitKind.DEPARTMENT:
                    above = unit.parent.there if unit.parent else self.target
                    unit.there = siblings.get((above.pk, unit.name)) if above else None
                    _check(unit, unit.there, levels)
                    continue
                above = unit.parent.there if unit.parent else self.target
                taken = projects.get(unit.name)
                if taken is not None and above is not None and taken.parent_id == above.pk:
                    unit.there = taken
                _check(unit, taken, levels)
                if unit.there is not None:
                    continue
                if not unit.parent and self.target.kind != UnitKind.DEPARTMENT:
                    unit.problems.append(
                        "A project lies in a department. Name one; “default” is there in every cluster."
                    )
                elif not unit.problems and NAMESPACE_PREFIX + unit.name in namespaces:
                    unit.problems.append(f"The namespace {NAMESPACE_PREFIX}{unit.name} belongs to another project.")

    def check_people(self) -> None:
        people = [person for top in self.tops for unit in top.walk() for person in unit.people if not person.problem]
        found = Subject.objects.filter(kind=Subject.Kind.USER, name__in={person.email for person in people})
        known = {subject.name: subject for subject in found}
        for person in people:
            person.subject = known.get(person.email)
            if person.subject is None and not self.wish.make_people:
                person.problem = f"Nobody signs in as {person.email}."
        self.check_rules()

    def check_rules(self) -> None:
        """Who has a role already on what is there. A project called after somebody is opened to nobody else."""
        there = {unit.there.pk: unit for top in self.tops for unit in top.walk() if unit.there is not None}
        rules = AccessRule.objects.filter(scope__in=there).select_related("subject", "role", "scope")
        known = {(rule.scope_id, rule.subject_id, rule.role_id): rule for rule in rules if there}
        holders = {(scope, subject) for scope, subject, _ in known}
        for pk, unit in there.items():
            for person in unit.people:
                subject = person.subject.pk if person.subject else 0
                person.rule = known.get((pk, subject, person.role.pk)) if person.role else None
                own = self.pattern == Pattern.INDIVIDUALS and unit.kind == UnitKind.PROJECT
                if own and not person.problem and (pk, subject) not in holders:
                    person.problem = f"“{unit.name}” is there already, and {person.email} has no role in it."


def _check(unit: PlannedUnit, there: OrgUnit | None, levels: int) -> None:
    kind = unit.kind.label
    if there is not None and there.state == UnitState.DELETING:
        unit.problems.append(f"“{unit.name}” is still being deleted. Wait until it is gone.")
    elif there is not None and unit.there is None:
        unit.problems.append(f"There is a {kind} called “{unit.name}” in this cluster already, elsewhere.")
    elif there is None:
        try:
            checked_name(unit.name, unit.kind)
        except Refused as refusal:
            unit.problems.append(" ".join(refusal.messages))
        if unit.kind == UnitKind.DEPARTMENT and levels + unit.level > DEEPEST:
            unit.problems.append(f"Departments lie at most {DEEPEST} deep inside one another.")


def project_name(email: str) -> str:
    """What the project of a person is called: what stands before the @, as far as a name may hold it."""
    name = re.sub(r"[^a-z0-9]+", "-", email.split("@")[0].lower()).strip("-")[:LONGEST_PROJECT].rstrip("-")
    return name if not name or name[0].isalpha() else f"p-{name}"[:LONGEST_PROJECT]


def _divide(made: Plan, division: Division) -> None:
    pool, projects = division.pool, made.projects
    parts: list[int] = []
    if division.method == Method.EVENLY:
        parts = divided(division.total_milli, [1] * len(projects))
    elif division.method == Method.HEADS:
        parts = divided(division.total_milli, [len({person.email for person in unit.people}) for unit in projects])
    elif division.method == Method.HAND:
        for unit in projects:
            typed = division.hand.get(unit.name, unit.amounts.get(pool.name, ""))
            amount = milli(typed)
            if amount is None:
                unit.problems.append(f"“{typed}” is no number of GPUs for {pool.name}. Use at most two decimals.")
            parts.append(amount or 0)
    for unit, part in zip(projects, parts, strict=False):
        above: PlannedUnit | None = unit
        while part and above is not None:
            # What is there already keeps the quota that it has.
            if above.there is None:
                above.quota[pool.pk] = above.quota.get(pool.pk, 0) + part
            above = above.parent
    division.planned_milli = sum(parts)


def _note_quotas(made: Plan) -> None:
    """What is there already keeps its quotas: says where the list would have given it others."""
    hand = [division.pool for division in made.divisions if division.method == Method.HAND]
    there = [unit for unit in made.units() if unit.there is not None and unit.amounts] if hand else []
    have = hooks.unit_quotas([unit.there.pk for unit in there if unit.there]) if there else {}
    for unit in there:
        for pool in hand:
            asked = milli(unit.amounts.get(pool.name, ""))
            has = have.get((unit.there.pk, pool.pk), 0) if unit.there else 0
            if pool.name in unit.amounts and asked != has:
                unit.notes.append(
                    f"{pool.name}: the list says {unit.amounts[pool.name]}, it has {gpus(has)}. "
                    "An import changes no quota of what is there already."
                )
