"""A small organization with one person of every role, for tests that go through many pages."""

from __future__ import annotations

from dataclasses import dataclass

from orgs.models import AccessRule, OrgUnit, Role, User
from quotas.models import Node, Pool, Topology
from scheduling.models import Workload
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_topology,
    make_user,
    make_workload,
)

ROLES = ("nobody", "viewer", "researcher", "department", "admin")
"""Nobody has an account and no rule; the viewer sees everything; the others hold their role where it belongs."""


@dataclass(frozen=True, slots=True)
class World:
    account: OrgUnit
    cluster: OrgUnit
    department: OrgUnit
    project: OrgUnit
    elsewhere: OrgUnit
    """A project of another department: of those here only viewer and admin may see it."""
    pool: Pool
    default_pool: Pool
    topology: Topology
    """Of the cluster; no pool has it."""
    node: Node
    workload: Workload
    """The researcher's, in `project`."""
    role: Role
    rule: AccessRule
    """The researcher's."""
    people: dict[str, User]


def make_world() -> World:
    account, cluster = make_account(), make_cluster("north")
    department = make_department("vision", parent=cluster)
    project = make_project("vis-3d", department=department)
    elsewhere = make_project("protein", department=make_department("life-science", parent=cluster))
    pool = make_pool("a100", cluster=cluster)
    people = {
        "nobody": make_user("nobody@example.org"),
        "viewer": make_user("viewer@example.org", role=VIEWER),
        "researcher": make_user("researcher@example.org", role=RESEARCHER, scope=project),
        "department": make_user("department@example.org", role=DEPARTMENT_ADMIN, scope=department),
        "admin": make_user("admin@example.org", role=ADMIN),
    }
    return World(
        account=account,
        cluster=cluster,
        department=department,
        project=project,
        elsewhere=elsewhere,
        pool=pool,
        default_pool=default_pool_of(cluster),
        topology=make_topology("racks", cluster),
        node=make_node("a100-1", pool=pool),
        workload=make_workload("train-1", project=project, pool=pool, by=people["researcher"]),
        role=Role.objects.get(name=VIEWER),
        rule=AccessRule.objects.get(subject=people["researcher"].subject),
        people=people,
    )
