"""Two people doing the same thing in the same moment: the locks let one of them win."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from orgs.mapping.lines import Pattern, read_lines
from orgs.mapping.planned import Wish
from orgs.models import AccessRule, OrgUnit, Role, UnitState
from orgs.services.administrators import LastAdministrator
from orgs.services.department import department_create
from orgs.services.mapping import mapping_create
from orgs.services.move import unit_move
from orgs.services.project import project_create
from orgs.services.rule import rule_create, rule_delete
from orgs.services.unit import unit_delete, unit_rename, units_remove
from portal.errors import Refused
from tests.at_once import at_once
from tests.factories import ADMIN, VIEWER, actor_of, make_department, make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_of_two_last_administrators_stays() -> None:
    for email in ("one@example.org", "two@example.org"):
        make_user(email, role=ADMIN)
    rules = list(AccessRule.objects.filter(role__name=ADMIN))
    raised = at_once(*[lambda rule=rule: rule_delete(actor=actor_of(), rule=rule) for rule in rules])  # type: ignore[misc]
    assert [type(problem) for problem in raised] == [LastAdministrator]
    assert AccessRule.objects.filter(role__name=ADMIN).count() == 1


def test_a_name_is_given_once() -> None:
    vision = make_department("vision")
    other = make_department("other", parent=vision.cluster)

    def create(parent: OrgUnit) -> Callable[[], object]:
        return lambda: project_create(actor=actor_of(), parent=parent, name="vis-3d")

    raised = at_once(create(vision), create(other), create(vision), create(other))
    assert [type(problem) for problem in raised] == [Refused] * 3
    assert OrgUnit.objects.filter(name="vis-3d").count() == 1


@pytest.mark.parametrize("number", range(5))
def test_nothing_is_made_in_what_goes_away(number: int) -> None:
    vision = make_department(f"vision-{number}")
    project = make_project(department=vision)
    subject, role = make_user().subject, Role.objects.get(name=VIEWER)
    raised = at_once(
        lambda: unit_delete(actor=actor_of(), unit=vision),
        lambda: project_create(actor=actor_of(), parent=vision, name="late"),
        lambda: rule_create(actor=actor_of(), subject=subject, role=role, scope=project),
    )
    assert [problem for problem in raised if not isinstance(problem, Refused)] == []
    assert not OrgUnit.objects.filter(path__startswith=vision.path, state=UnitState.ACTIVE).exists()


def consistent() -> None:
    """Every path is that of the parents, and nothing active lies in what goes away."""
    units = {unit.pk: unit for unit in OrgUnit.objects.all()}
    for unit in units.values():
        above = units[unit.parent_id].path if unit.parent_id else "/"
        assert unit.path == f"{above}{unit.pk}/"
        if unit.parent_id and units[unit.parent_id].state == UnitState.DELETING:
            assert unit.state == UnitState.DELETING


def afresh(unit: OrgUnit) -> OrgUnit:
    return OrgUnit.objects.get(pk=unit.pk)


def moved(unit: OrgUnit, parent: OrgUnit) -> Callable[[], object]:
    """As two browsers would: each knows the units as they were before."""
    unit, parent = afresh(unit), afresh(parent)
    return lambda: unit_move(actor=actor_of(), unit=unit, parent=parent)


def refusals(raised: list[Exception]) -> int:
    assert [problem for problem in raised if not isinstance(problem, Refused)] == []
    return len(raised)


@pytest.mark.parametrize("number", range(5))
def test_two_moves_never_make_a_circle(number: int) -> None:
    one = make_department("one")
    two, three = make_department("two", one.parent), make_department("three", one.parent)
    assert refusals(at_once(moved(one, two), moved(two, three), moved(three, one))) == 1
    consistent()


@pytest.mark.parametrize("number", range(5))
def test_a_move_into_what_is_being_moved(number: int) -> None:
    one = make_department("one")
    inner = make_department("inner", one)
    two, guest = make_department("two", one.parent), make_project("guest", make_department("home", one.parent))
    assert refusals(at_once(moved(one, two), moved(guest, inner), moved(inner, two))) == 0
    consistent()
    assert afresh(guest).path.startswith(afresh(inner).path)


@pytest.mark.parametrize("number", range(5))
def test_moving_creating_and_deleting_together(number: int) -> None:
    one = make_department("one")
    inner, other = make_department("inner", one), make_department("other", one.parent)
    make_project("p-0", inner)
    acts = [
        lambda: unit_delete(actor=actor_of(), unit=one),
        moved(inner, other),
        lambda: project_create(actor=actor_of(), parent=inner, name="late"),
        lambda: department_create(actor=actor_of(), parent=inner, name="later"),
        lambda: unit_rename(actor=actor_of(), unit=inner, name="renamed"),
        units_remove,
    ]
    refusals(at_once(*acts))
    consistent()


def test_a_move_takes_a_name_only_once() -> None:
    one = make_department("one")
    two, target = make_department("two", one.parent), make_department("target", one.parent)
    twins = [make_department("twin", one), make_department("twin", two)]
    assert refusals(at_once(*[moved(twin, target) for twin in twins])) == 1
    consistent()
    assert OrgUnit.objects.filter(parent=target, name="twin").count() == 1


def test_many_moves_of_everything_at_once() -> None:
    cluster = make_department("root").parent
    units = [make_department(f"d-{number}", cluster) for number in range(6)]
    units += [make_project(f"p-{number}", units[number % 6]) for number in range(6)]
    dice = random.Random(7)

    def wander() -> None:
        for _ in range(12):
            with suppress(Refused):
                moved(dice.choice(units), dice.choice(units[:6]))()

    assert at_once(wander, wander, wander) == []
    consistent()


def test_a_list_is_made_once() -> None:
    target = make_department("vision")
    admin = make_user(role=ADMIN)
    make_user("mira@example.org")
    lines = read_lines("inner,p-1,mira@example.org\ninner,p-2,new@example.org", Pattern.UNITS, ())
    wish = Wish(target, Pattern.UNITS, lines, Role.objects.get(name=VIEWER), True)

    def make() -> object:
        return mapping_create(actor=actor_of(admin), wish=wish)

    raised = at_once(make, make, lambda: project_create(actor=actor_of(), parent=target, name="p-3"))
    assert refusals(raised) == 1
    consistent()
    assert OrgUnit.objects.filter(path__startswith=target.path).count() == 5
