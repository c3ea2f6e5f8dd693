"""Every cell of the permission table, written down a second time and asked of `may` through real rules."""

from __future__ import annotations

import pytest

from orgs.access import may
from orgs.access.table import ACTIONS, CELLS
from tests.factories import ADMIN, DEPARTMENT_ADMIN, RESEARCHER, VIEWER, make_account, make_user

EXPECTED = """
account      RU    R     R     R
settings     RU    R     R     R
cluster      CRUD  R     R     R
department   CRUD  R     R     R
project      CRUD  CRUD  R     R
quota        CRUD  CRUD  R     R
pool         CRUD  R     R     R
node         R     R     -     R
user         CRUD  R     -     -
role         CRUD  R     -     -
access_rule  CRUD  CRUD  -     -
workspace    CRUD  CRUD  CRUD  R
training     CRUD  CRUD  CRUD  R
inference    CRUD  CRUD  R     R
logs         R     R     R     -
overview     R     R     R     R
scheduler    R     R     R     R
audit        R     R     -     -
"""
COLUMNS = {ADMIN: 1, DEPARTMENT_ADMIN: 2, RESEARCHER: 3, VIEWER: 4}
LINES = [line.split() for line in EXPECTED.split("\n") if line]


def test_the_table_has_these_entities_and_no_others() -> None:
    assert set(CELLS) == {line[0] for line in LINES}


@pytest.mark.django_db
@pytest.mark.parametrize("role", COLUMNS)
def test_cells(role: str) -> None:
    account = make_account()
    user = make_user(role=role)
    held = {
        line[0]: "".join(letter for letter, action in ACTIONS.items() if may(user, action, line[0], account))
        for line in LINES
    }
    assert held == {line[0]: line[COLUMNS[role]].strip("-") for line in LINES}
