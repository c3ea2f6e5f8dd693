"""What the wizard was told, and what it would make of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from orgs.hooks import Gift, PoolOffer, Verdict
from orgs.mapping.lines import Line, Pattern
from orgs.mapping.split import Method
from orgs.models import AccessRule, OrgUnit, Role, Subject, UnitKind


@dataclass(slots=True)
class PlannedPerson:
    """Somebody of the list, on the unit that the line is about."""

    email: str
    name: str
    role: Role | None
    subject: Subject | None
    """None: an account is made."""
    rule: AccessRule | None = None
    """What gives the role on the unit already, or did until it ended: then it is given anew."""
    problem: str = ""

    @property
    def settled(self) -> bool:
        """Has the role there, so that nothing is to be done."""
        return self.rule is not None and not self.rule.ended


@dataclass(slots=True)
class PlannedUnit:
    """A department or project of the list."""

    kind: UnitKind
    name: str
    parent: PlannedUnit | None
    there: OrgUnit | None = None
    """The unit itself, if it is there already: what lies in it is added."""
    new: OrgUnit | None = None
    """The unit itself, once it was made."""
    people: list[PlannedPerson] = field(default_factory=list)
    children: list[PlannedUnit] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What of the list is left out, and why."""
    amounts: dict[str, str] = field(default_factory=dict)
    """What its lines say by hand, GPUs by pool."""
    quota: dict[int, int] = field(default_factory=dict)
    """milli-GPU by pool; of a new department the sum of its projects'."""

    @property
    def level(self) -> int:
        """From 1."""
        return self.parent.level + 1 if self.parent else 1

    @property
    def wrong(self) -> bool:
        return bool(self.problems) or any(person.problem for person in self.people)

    def walk(self) -> Iterator[PlannedUnit]:
        """Itself, then everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class Division:
    """How the GPUs of one pool are given."""

    pool: PoolOffer
    method: Method = Method.NONE
    total_milli: int = 0
    """Of what is divided evenly or by head count."""
    hand: dict[str, str] = field(default_factory=dict)
    """Typed by hand, by project; comes before what the list says."""
    planned_milli: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the wizard was told."""

    target: OrgUnit
    """Where it goes: a cluster or a department."""
    pattern: Pattern
    lines: Sequence[Line]
    role: Role
    """Of people whose line names none."""
    make_people: bool
    """Accounts for those who have none."""
    divisions: Sequence[Division] = ()


@dataclass(slots=True)
class Plan:
    target: OrgUnit
    """Where it goes: a cluster or a department."""
    tops: list[PlannedUnit] = field(default_factory=list)
    divisions: list[Division] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    """What the over-subscription guard says of it."""

    def units(self) -> Iterator[PlannedUnit]:
        """Each after the one it lies in."""
        for top in self.tops:
            yield from top.walk()

    @property
    def projects(self) -> list[PlannedUnit]:
        """New ones, as the departments are."""
        return [unit for unit in self.units() if unit.kind == UnitKind.PROJECT and unit.there is None]

    @property
    def departments(self) -> list[PlannedUnit]:
        return [unit for unit in self.units() if unit.kind == UnitKind.DEPARTMENT and unit.there is None]

    @property
    def people(self) -> dict[str, PlannedPerson]:
        return {person.email: person for unit in self.units() for person in unit.people}

    @property
    def grants(self) -> list[tuple[PlannedUnit, PlannedPerson]]:
        """Roles that are not held yet."""
        return [(unit, person) for unit in self.units() for person in unit.people if not person.settled]

    @property
    def gifts(self) -> list[Gift]:
        """Quotas that count against what is there: those of new units right below it."""
        return [
            Gift(OrgUnit(kind=unit.kind, name=unit.name, parent=above), pool, milli)
            for unit in self.units()
            if unit.there is None and (above := unit.parent.there if unit.parent else self.target) is not None
            for pool, milli in unit.quota.items()
            if milli
        ]

    @property
    def nothing_new(self) -> bool:
        return not (self.departments or self.projects or self.grants)

    @property
    def conflicts(self) -> int:
        """What keeps it from being made."""
        return self.mistakes + sum(verdict.refused for verdict in self.verdicts)

    @property
    def mistakes(self) -> int:
        """Of the list itself."""
        return sum(len(unit.problems) + sum(bool(person.problem) for person in unit.people) for unit in self.units())
