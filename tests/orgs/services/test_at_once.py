"""Two people doing the same thing in the same moment: the locks let one of them win."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from orgs.models import AccessRule, OrgUnit, Role, UnitState
from orgs.services.project import project_create
from orgs.services.rule import rule_create, rule_delete
from orgs.services.unit import unit_delete
from portal.errors import Refused
from tests.factories import ADMIN, VIEWER, actor_of, make_department, make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[Exception]:
    """Runs the acts in threads that start together; what they raised."""
    start = threading.Barrier(len(acts))
    raised: list[Exception] = []

    def run(act: Callable[[], object]) -> None:
        start.wait(timeout=10)
        try:
            act()
        except Exception as problem:
            raised.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive(), "a deadlock, or a lock held for ever"
    return raised


def test_one_of_two_last_administrators_stays() -> None:
    for email in ("one@example.org", "two@example.org"):
        make_user(email, role=ADMIN)
    rules = list(AccessRule.objects.filter(role__name=ADMIN))
    raised = at_once(*[lambda rule=rule: rule_delete(actor=actor_of(), rule=rule) for rule in rules])  # type: ignore[misc]
    assert [type(problem) for problem in raised] == [Refused]
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
