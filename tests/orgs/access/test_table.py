"""Every cell of the permission table, written down a second time and asked of `may` through real rules.

Here a role is a line, as a person reads what a role may do; in the code an entity is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from orgs.access import may
from orgs.access import table as in_code
from orgs.access.table import ACTIONS, CELLS, ROLES, all_permissions, permissions_of
from tests.factories import ADMIN, make_account, make_user

ALL = "account settings cluster department project policy scheduling_rule overview reports scheduler"
"""What every role reads."""
ASSETS = "environment compute_resource data_source template"
WORK = "workspace training inference found_workload"

EXPECTED: dict[str, dict[str, str]] = {
    "System administrator": {
        "RU": "account settings",
        "CRUD": f"cluster department project quota pool quota_request draft user group application access_key webhook "
        f"role access_rule policy scheduling_rule {WORK} {ASSETS} credential",
        "R": "node audit logs terminal overview reports scheduler",
    },
    "Department administrator": {
        "CRUD": f"project quota quota_request draft webhook access_rule policy scheduling_rule {WORK} {ASSETS} "
        "credential",
        "R": "account settings cluster department pool node user group application access_key role audit logs terminal "
        "overview reports scheduler",
    },
    "Editor": {
        "CRUD": f"department project quota quota_request draft webhook access_rule policy scheduling_rule {WORK} "
        f"{ASSETS} credential",
        "R": "account settings cluster pool node user group application access_key role logs terminal overview reports "
        "scheduler",
    },
    "Research manager": {
        "CRUD": f"project quota_request draft webhook access_rule {WORK} {ASSETS} credential",
        "R": "account settings cluster department quota pool user group role policy scheduling_rule logs terminal "
        "overview reports scheduler",
    },
    "L1 researcher": {
        "CRUD": f"workspace training found_workload {ASSETS} credential",
        "CR": "quota_request",
        "R": f"{ALL} quota pool inference logs terminal",
    },
    "L2 researcher": {
        "CRUD": "workspace training found_workload",
        "CR": "quota_request",
        "R": f"{ALL} quota pool logs terminal {ASSETS} credential",
    },
    "ML engineer": {
        "CRUD": "inference",
        "CR": "quota_request",
        "R": f"{ALL} quota pool node workspace training found_workload logs terminal {ASSETS} credential",
    },
    "Viewer": {"R": f"{ALL} quota pool node quota_request draft {WORK} {ASSETS}"},
    "Department viewer": {"R": f"{ALL} quota pool quota_request draft {WORK} {ASSETS}"},
    "Application administrator": {
        "CRUD": "application access_key webhook access_rule",
        "R": f"{ALL} quota pool node user group role audit {WORK} {ASSETS}",
    },
    "Environment administrator": {"CRUD": "environment", "R": f"{ALL} compute_resource data_source template"},
    "Compute resource administrator": {"CRUD": "compute_resource", "R": f"{ALL} environment data_source template"},
    "Data source administrator": {"CRUD": "data_source", "R": f"{ALL} environment compute_resource template"},
    "Template administrator": {"CRUD": "template", "R": f"{ALL} environment compute_resource data_source"},
    "Credentials administrator": {"CRUD": "credential", "R": f"{ALL} {ASSETS}"},
}


def wanted(role: str) -> set[str]:
    return {
        f"{entity}:{ACTIONS[letter]}"
        for letters, entities in EXPECTED[role].items()
        for entity in entities.split()
        for letter in letters
    }


def wrong_cells(held: Callable[[str], Collection[str]]) -> dict[str, set[str]]:
    """By role, what is held and should not be, or should be and is not."""
    return {role: odd for role in EXPECTED if (odd := set(held(role)) ^ wanted(role))}


def test_there_are_these_roles() -> None:
    assert list(ROLES) == list(EXPECTED)
    assert len(ROLES) == 15


def test_the_table_in_the_code() -> None:
    assert wrong_cells(permissions_of) == {}
    assert set.union(*(wanted(role) for role in ROLES)) == all_permissions()


@pytest.mark.django_db
def test_what_may_answers() -> None:
    """All fifteen roles, every entity of the table and every action, through a rule on the account."""
    account = make_account()

    def held(role: str) -> set[str]:
        user = make_user(role=role)
        return {
            f"{entity}:{action}"
            for entity in CELLS
            for action in ACTIONS.values()
            if may(user, action, entity, account)
        }

    assert wrong_cells(held) == {}


def test_turning_any_cell_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each letter of each cell, turned in the code's table alone, makes the comparison above fail, and only there."""
    asked = 0
    original = in_code.cell
    for role in ROLES:
        for entity in CELLS:
            for letter, action in ACTIONS.items():

                def turned(one: str, other: str, role: str = role, entity: str = entity, letter: str = letter) -> str:
                    letters = original(one, other)
                    if (one, other) != (role, entity):
                        return letters
                    return letters.replace(letter, "") if letter in letters else letters + letter

                monkeypatch.setattr(in_code, "cell", turned)
                assert wrong_cells(permissions_of) == {role: {f"{entity}:{action}"}}
                asked += 1
    assert asked == 15 * len(CELLS) * 4


def test_the_administrator_holds_whatever_anybody_holds() -> None:
    for role in ROLES:
        assert permissions_of(role) <= permissions_of(ADMIN), role
