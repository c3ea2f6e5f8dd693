"""What may this person do, and who may do this here: with the rules behind each answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import OrgUnit, User
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    make_department,
    make_group,
    make_project,
    make_rule,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db

URL = "/access/effective/"


@pytest.fixture
def vision() -> OrgUnit:
    return make_department("vision")


def asked(reader: User, **query: Any) -> Any:
    response = signed_in(reader).get(URL, query)
    assert response.status_code == 200
    return response


def letters(response: Any) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (row.unit.name, entity): (cell.letters, cell.here)
        for row in response.context["rows"]
        for entity, cell in row.cells
        if cell.letters
    }


def test_what_a_person_may_do_and_by_which_rule(vision: OrgUnit) -> None:
    project = make_project("vis-3d", department=vision)
    mira = make_user("mira@example.org", "Mira Okafor")
    own = make_rule(mira, RESEARCHER, project)
    shared = make_rule(make_group("readers", mira), VIEWER, vision)
    make_rule(mira, DEPARTMENT_ADMIN, vision, expires_at=timezone.now() - timedelta(days=1))
    admin = make_user(role=ADMIN)
    response = asked(admin, who="mira@example.org", unit=project.pk, entity="training")
    found = letters(response)
    assert found["vis-3d", "training"] == ("CRUD", "CRUD")
    assert found["vis-3d", "inference"] == ("R", "R")
    assert found["vision", "training"] == ("R", "R")
    assert ("vision", "access_rule") not in found
    assert found["vis-3d", "pool"] == ("R", "R")
    assert [(reason.rule, reason.letters, reason.above) for reason in response.context["reasons"]] == [
        (own, "CRUD", False),
        (shared, "R", True),
    ]
    page = response.content.decode()
    assert "Mira Okafor may submit trainings in 1 project." in page
    assert "2 rules apply: 1 own, 1 through readers." in page
    assert f"Remove rule {own.pk}" in page
    none = asked(admin, who="mira@example.org", unit=project.pk, entity="audit").content.decode()
    assert "May do nothing with audit" in none


def test_a_group_and_a_name_that_is_nobodys(vision: OrgUnit) -> None:
    make_rule(make_group("readers"), VIEWER, vision)
    admin = make_user(name="Ana Krol", role=ADMIN)
    assert letters(asked(admin, who="readers"))["vision", "training"] == ("R", "R")
    response = asked(admin, who="stranger@example.org")
    assert "Nobody signs in as stranger@example.org." in response.content.decode()
    assert response.context["subject"].title == "Ana Krol"


def test_who_may_do_something_here(vision: OrgUnit) -> None:
    project = make_project("vis-3d", department=vision)
    mira, noor = make_user(name="Mira Okafor"), make_user(name="Noor Haddad")
    gone = make_user(name="Gone Away")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    own = make_rule(mira, RESEARCHER, project)
    shared = make_rule(make_group("crew", mira, noor, gone), RESEARCHER, vision)
    make_rule(noor, VIEWER, project)
    make_rule(noor, RESEARCHER, make_project(department=vision))
    make_rule(noor, "L2 researcher", project, expires_at=timezone.now() - timedelta(days=1))
    head = make_user(name="Head", role=DEPARTMENT_ADMIN, scope=vision)
    admin = make_user(name="Ana Krol", role=ADMIN)
    response = asked(head, view="scope", unit=project.pk, entity="training", action="create")
    holders = response.context["holders"]
    assert [(line.reason.rule.subject.title, line.reason.scope, line.members) for line in holders.lines] == [
        ("Mira Okafor", "vis-3d", []),
        ("crew", "vision", ["Mira Okafor", "Noor Haddad"]),
        ("Head", "vision", []),
        ("Ana Krol", "a unit above", []),
    ]
    assert {own, shared} <= {line.reason.rule for line in holders.lines}
    assert holders.people == 4
    assert "4 people may create training in vis-3d." in response.content.decode()
    nobody = asked(admin, view="scope", unit=project.pk, entity="node", action="create").context
    assert nobody["action"] == "read", "what nobody can hold is not asked"


def test_units_and_names_that_the_reader_may_not_know(vision: OrgUnit) -> None:
    hidden = make_project("secret-lab")
    mira = make_user("mira@example.org", "Mira Okafor")
    make_rule(mira, RESEARCHER, hidden)
    make_rule(mira, VIEWER, vision.cluster)  # type: ignore[arg-type]
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    for query in (
        {"who": "mira@example.org"},
        {"who": "mira@example.org", "unit": hidden.pk, "entity": "training"},
        {"view": "scope", "unit": hidden.pk},
        {"view": "scope", "unit": vision.pk, "action": "read"},
    ):
        page = asked(head, **query).content.decode()
        assert "secret-lab" not in page
    response = asked(head, who="mira@example.org", unit=vision.pk, entity="training")
    assert [(reason.scope, reason.changeable) for reason in response.context["reasons"]] == [("a unit above", False)]
