"""A small organization with one person of every role, for tests that go through many pages."""

from __future__ import annotations

from dataclasses import dataclass

from orgs.models import (
    AccessKey,
    AccessRule,
    Application,
    Delivery,
    Group,
    GroupMember,
    Mapping,
    OrgUnit,
    Role,
    User,
    Webhook,
)
from quotas.models import Node, Pool, Topology
from scheduling.models import CycleReport, SavedCycle, Workload
from tests.factories import (
    VIEWER,
    default_pool_of,
    make_account,
    make_application,
    make_cluster,
    make_cycle,
    make_delivery,
    make_department,
    make_group,
    make_key,
    make_node,
    make_pool,
    make_project,
    make_role,
    make_saved_cycle,
    make_topology,
    make_user,
    make_webhook,
    make_workload,
)

ROLES = {
    "SA": ("System administrator", "account"),
    "DA": ("Department administrator", "department"),
    "Ed": ("Editor", "department"),
    "RM": ("Research manager", "department"),
    "L1": ("L1 researcher", "project"),
    "L2": ("L2 researcher", "project"),
    "ML": ("ML engineer", "project"),
    "Vi": ("Viewer", "account"),
    "DV": ("Department viewer", "department"),
    "AA": ("Application administrator", "account"),
    "En": ("Environment administrator", "department"),
    "Co": ("Compute resource administrator", "department"),
    "Ds": ("Data source administrator", "department"),
    "Te": ("Template administrator", "department"),
    "Cr": ("Credentials administrator", "department"),
}
"""By short form the fifteen roles, and where somebody holds each."""
OTHER_NAMES = {"admin": "SA", "department": "DA", "researcher": "L1", "viewer": "Vi"}


@dataclass(frozen=True, slots=True)
class World:
    account: OrgUnit
    cluster: OrgUnit
    department: OrgUnit
    project: OrgUnit
    elsewhere: OrgUnit
    """A project of another department: only who holds a role on the account may see it."""
    pool: Pool
    default_pool: Pool
    topology: Topology
    """Of the cluster; no pool has it."""
    node: Node
    workload: Workload
    """The researcher's, in `project`."""
    work_of_l2: Workload
    """In `project` too, stopped."""
    work_elsewhere: Workload
    cycle: CycleReport
    """Of the pool."""
    saved: SavedCycle
    """Its file."""
    mapping: Mapping
    """Of the department; it made nothing."""
    role: Role
    rule: AccessRule
    """The researcher's."""
    rule_above: AccessRule
    """The viewer's, on the account."""
    custom_role: Role
    group: Group
    """One member, no rules."""
    member: GroupMember
    application: Application
    """Viewer of the department."""
    key: AccessKey
    """The researcher's."""
    application_key: AccessKey
    webhook: Webhook
    """Of the department."""
    delivery: Delivery
    """Its; delivered."""
    people: dict[str, User]
    """By the short forms, some also by other names; nobody has an account and no rule."""


def make_world() -> World:
    account, cluster = make_account(), make_cluster("north")
    department = make_department("vision", parent=cluster)
    project = make_project("vis-3d", department=department)
    elsewhere = make_project("protein", department=make_department("life-science", parent=cluster))
    pool = make_pool("a100", cluster=cluster)
    places = {"account": account, "department": department, "project": project}
    people = {"nobody": make_user("nobody@example.org")}
    for short, (role, place) in ROLES.items():
        people[short] = make_user(f"{short}@example.org".lower(), role=role, scope=places[place])
    people |= {name: people[short] for name, short in OTHER_NAMES.items()}
    group = make_group("vision-research", people["nobody"])
    cycle = make_cycle(pool, 48211)
    application = make_application("nightly-runs", VIEWER, department)
    webhook = make_webhook(department, name="vision-chat")
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
        work_of_l2=make_workload("train-2", project=project, by=people["L2"], state=Workload.State.STOPPED),
        work_elsewhere=make_workload("fold-1", project=elsewhere, pool=pool),
        cycle=cycle,
        saved=make_saved_cycle(cycle),
        mapping=Mapping.objects.create(target=department),
        role=Role.objects.get(name=VIEWER),
        rule=AccessRule.objects.get(subject=people["researcher"].subject),
        rule_above=AccessRule.objects.get(subject=people["viewer"].subject),
        custom_role=make_role("Night shift", "project:read", "training:read"),
        group=group,
        member=group.members.get(),
        application=application,
        key=make_key(people["researcher"]).key,
        application_key=make_key(application.user).key,
        webhook=webhook,
        delivery=make_delivery(webhook, state=Delivery.State.DELIVERED, status=200, attempts=1),
        people=people,
    )
