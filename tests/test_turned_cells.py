"""Turning a cell of the permission table fails the table of addresses (`tests.test_url_matrix`).

Each cell that pages ask for is turned for the role alone: held becomes not held, not held becomes held. Some line of
the table has to be wrong then. A few of them here, all with BURSAR_SOAK.
"""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse

from orgs.access.table import permissions_of
from orgs.models import Role, RolePermission
from tests.examples import FACTOR
from tests.factories import signed_in
from tests.test_url_matrix import LINES
from tests.world import ROLES, World, make_world

pytestmark = pytest.mark.django_db

SHOWN_BY = {
    "account": {"update": "unit_rename"},
    "settings": {"read": "settings", "update": "guard"},
    "cluster": {
        "create": "cluster_connect cluster_simulate",
        "update": "unit_rename cluster_reconnect",
        "delete": "cluster_disconnect",
    },
    "department": {"create": "department_create", "update": "unit_rename", "delete": "unit_move unit_delete"},
    "project": {
        "create": "project_create mapping_new",
        "read": "organization",
        "update": "unit_rename",
        "delete": "unit_delete unit_move",
    },
    "quota": {"read": "quotas findings", "update": "quotas_save quota_split"},
    "pool": {
        "create": "pool_create topology_create",
        "read": "node_pools pool_table",
        "update": "pool topology",
        "delete": "pool_delete topology_delete",
    },
    "node": {"read": "nodes node"},
    "user": {"create": "user_create", "read": "people", "update": "user_deactivate user_activate"},
    "group": {
        "create": "group_create",
        "read": "groups",
        "update": "group_update group_members_add",
        "delete": "group_delete",
    },
    "role": {"create": "role_create", "read": "roles", "update": "role_update", "delete": "role_delete"},
    "access_rule": {
        "create": "rules_create rule_create",
        "read": "access effective",
        "update": "rule_update",
        "delete": "rule_delete",
    },
    "audit": {"read": "audit audit_export"},
    "scheduling_rule": {"update": "pool_order"},
    "training": {"update": "workload_stop", "delete": "workload_delete"},
    "overview": {"read": "overview"},
    "scheduler": {"read": "scheduler"},
}
"""By entity and action, the addresses that ask for it. Three kinds of work open each other's pages, so reading and
creating one of them shows in none alone; what is not here no page asks for."""
CELLS = [(who, entity, action) for entity, actions in SHOWN_BY.items() for action in actions for who in ROLES]
STRIDE = 1 if FACTOR > 1 else 16


OF_THE_ACCOUNT = ("account", "settings", "cluster", "user", "group", "role", "pool")
"""Things that lie above every department: a right to them is of use on the account only, for pools on their cluster."""


def out_of_reach(who: str, entity: str, names: list[str]) -> bool:
    """Whether a right that is given there opens nothing: the thing lies above the place of the role, is not seen, or is
    work of somebody else, for which one needs `project: update`, too."""
    place = ROLES[who][1]
    above = (entity in OF_THE_ACCOUNT and place != "account") or (entity == "department" and place == "project")
    hidden = all(line.status(who) == 404 for line in LINES if line.name in names)
    return above or hidden or entity == "training"


def wrong(world: World, client: Client, who: str, names: list[str]) -> bool:
    """Whether some line with one of the names answers otherwise than it says."""
    session = client.cookies.copy()
    for line in LINES:
        if line.name in names:
            for method in ("get", "post"):
                with transaction.atomic():
                    status = getattr(client, method)(reverse(line.name, kwargs=line.arguments(world))).status_code
                    transaction.set_rollback(True)
                client.cookies = session.copy()
                if status != line.status(who, method):
                    return True
    return False


def test_a_turned_cell_is_noticed() -> None:
    world = make_world()
    clients = {who: signed_in(world.people[who]) for who in ROLES}
    cache.clear()
    unnoticed, noticed = [], 0
    for who, entity, action in CELLS[::STRIDE]:
        name = ROLES[who][0]
        code, names = f"{entity}:{action}", SHOWN_BY[entity][action].split()
        role = Role.objects.get(name=name)
        held = code in permissions_of(name)
        with transaction.atomic():
            if held:
                RolePermission.objects.filter(role=role, permission=code).delete()
            else:
                RolePermission.objects.create(role=role, permission=code)
            if wrong(world, clients[who], who, names):
                noticed += 1
            else:
                if held or not out_of_reach(who, entity, names):
                    unnoticed.append(f"{name}, {code}, {'taken away' if held else 'given'}")
            transaction.set_rollback(True)
    assert unnoticed == [], "\n".join(unnoticed)
    assert noticed > len(CELLS[::STRIDE]) // 2
