"""What a person may do with kubectl is what the pages let them do, on the real API server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.access.table import ROLES, cell
from orgs.models import ClusterInfo, OrgUnit, RuleSync, UnitState
from orgs.services.group import group_member_remove
from orgs.services.rule import rule_delete
from portal.actor import SYSTEM
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.loops import access_sync
from tests.cluster.access import RBAC, Kept, allows, kept
from tests.cluster.control_plane import ControlPlane
from tests.factories import make_group, make_rule, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

READ = ("get", "list", "watch")
OBJECTS = {
    "workspace": (("apps", "statefulsets"),),
    "training": (("batch", "jobs"),),
    "inference": (("apps", "deployments"),),
    "found_workload": (("apps", "replicasets"), ("batch", "cronjobs")),
}
VERBS = {"R": READ, "C": ("create",), "U": ("update", "patch"), "D": ("delete",)}
NOBODY_S = [
    *((verb, "", "secrets") for verb in (*READ, "create")),
    *((verb, "", "configmaps") for verb in ("get", "create")),
    *(("create", "", part) for part in ("pods/binding", "pods/eviction", "serviceaccounts/token")),
    *(("patch", "", part) for part in ("pods/status", "pods/resize", "namespaces", "nodes")),
    ("list", "", "nodes"),
    ("deletecollection", "", "pods"),
    ("create", "rbac.authorization.k8s.io", "rolebindings"),
    ("bypass", "bursar.dev", "policies"),
]


@pytest.fixture
def cluster(control_plane: ControlPlane, gateway: KubernetesGateway) -> Iterator[Kept]:
    with kept(control_plane.api, gateway) as made:
        yield made


def allowed_by_the_pages(role: str) -> dict[tuple[str, str, str], bool]:
    """Every question to the API server, with the answer that the table of permissions gives."""
    sees_work = all("R" in cell(role, kind) for kind in OBJECTS)
    answers = dict.fromkeys(NOBODY_S, False)
    answers[("get", "", "namespaces")] = "R" in cell(role, "project")
    answers[("manage", "bursar.dev", "workloads")] = "U" in cell(role, "project")
    answers |= {(verb, "", resource): sees_work for verb in READ for resource in ("pods", "services", "events")}
    answers[("get", "", "pods/log")] = sees_work and "R" in cell(role, "logs")
    terminal = sees_work and "R" in cell(role, "terminal") and "U" in cell(role, "project")
    answers |= {("create", "", part): terminal for part in ("pods/exec", "pods/attach", "pods/portforward")}
    for kind, objects in OBJECTS.items():
        for letter, verbs in VERBS.items():
            answers |= {(verb, *found): letter in cell(role, kind) for found in objects for verb in verbs}
    for letter in "CUD":
        answers |= {(verb, "", "pods"): letter in cell(role, "found_workload") for verb in VERBS[letter]}
    # Bursar makes some of trainings; what others make of them is found.
    kinds = {"R": ("training", "found_workload"), "D": ("training", "found_workload")}
    for letter, verbs in VERBS.items():
        may = any(letter in cell(role, kind) for kind in kinds.get(letter, ("found_workload",)))
        answers |= {(verb, "jobset.x-k8s.io", "jobsets"): may for verb in verbs}
    answers[("submit", "bursar.dev", "workloads")] = any(set("CUD") & set(cell(role, kind)) for kind in OBJECTS)
    return answers


def test_each_role_may_do_what_the_pages_let_it_do_and_no_more(cluster: Kept) -> None:
    project, other = cluster.project(), cluster.project()
    people = {role: make_user(role.lower().replace(" ", "-") + "@example.org") for role in ROLES}
    rules = [make_rule(user, role, project) for role, user in people.items()]
    cluster.until_in_force(*rules)
    namespace, elsewhere = project.project_info.namespace, other.project_info.namespace
    for role, user in people.items():
        api = cluster.api.of(user.email)
        wanted = allowed_by_the_pages(role)
        found = {question: allows(api, namespace, *question) for question in wanted}
        assert {key for key in wanted if wanted[key] != found[key]} == set(), role
        assert not allows(api, elsewhere, "list", "", "pods"), role
    assert cluster.bindings(other) == {}


def test_rule_holds_below_its_scope_until_its_end_and_for_who_is_in_the_group(cluster: Kept) -> None:
    project = cluster.project()
    ann, bob, eve = (make_user(f"{name}@example.org") for name in ("ann", "bob", "eve"))
    group = make_group("readers", ann, bob)
    above = make_rule(group, "Viewer", OrgUnit.objects.get(pk=cluster.cluster.parent_id))
    ends = make_rule(eve, "L1 researcher", cluster.cluster, expires_at=timezone.now() + timedelta(hours=1))
    cluster.until_in_force(above, ends)
    assert cluster.bindings(project)["bursar:work:read"] == ["ann@example.org", "bob@example.org", "eve@example.org"]
    assert cluster.bindings(project)["bursar:training:create"] == ["eve@example.org"]

    group_member_remove(actor=SYSTEM, member=group.members.get(user=bob))
    ends.expires_at = timezone.now() - timedelta(seconds=1)
    ends.save()
    cluster.until_kept()
    assert cluster.bindings(project)["bursar:work:read"] == ["ann@example.org"]
    assert "bursar:training:create" not in cluster.bindings(project)
    cluster.until(lambda: not RuleSync.objects.filter(rule=ends).exists())

    ann.is_active = False
    ann.save()
    cluster.until_kept()
    assert cluster.bindings(project) == {}


def test_two_rules_together_give_what_neither_gives_alone(cluster: Kept) -> None:
    project = cluster.project()
    user = make_user("lea@example.org", role="L2 researcher", scope=project)
    cluster.until_kept()
    assert "bursar:terminal:read" not in cluster.bindings(project)
    second = make_rule(user, "Application administrator", project)
    third = make_rule(user, "Research manager", project)
    cluster.until_in_force(second, third)
    assert cluster.bindings(project)["bursar:terminal:read"] == ["lea@example.org"]
    rule_delete(actor=SYSTEM, rule=third)
    cluster.until_kept()
    assert "bursar:terminal:read" not in cluster.bindings(project)
    assert cluster.bindings(project)["bursar:training:create"] == ["lea@example.org"]


def test_what_somebody_else_changes_is_put_back_and_told(cluster: Kept) -> None:
    project = cluster.project()
    make_user("ada@example.org", role="Viewer", scope=project)
    cluster.until_kept()
    before = cluster.bindings(project)
    path = f"{RBAC}/namespaces/{project.project_info.namespace}/rolebindings"
    api_group = "rbac.authorization.k8s.io"
    mallory = {"apiGroup": api_group, "kind": "User", "name": "mallory"}
    info = ClusterInfo.objects.filter(pk=cluster.cluster.pk)

    cluster.api.patch(f"{path}/bursar:work:read", {"subjects": [mallory]}, "application/merge-patch+json")
    cluster.until(lambda: info.values_list("access_drift", flat=True).get() and cluster.bindings(project) == before)
    told = info.values_list("access_drift", flat=True).get()
    assert told.startswith("The binding bursar:work:read in ")
    assert "was changed in the cluster" in told

    cluster.api.delete(f"{path}/bursar:project:read")
    cluster.until(lambda: "was removed" in info.get().access_drift and cluster.bindings(project) == before)

    # Another role under our name: that of a binding cannot be changed, so it is made anew.
    cluster.api.delete(f"{path}/bursar:training:read")
    ours = {"name": "bursar:training:read", "labels": {"app.kubernetes.io/managed-by": "bursar"}}
    ref = {"apiGroup": api_group, "kind": "ClusterRole", "name": "cluster-admin"}
    cluster.api.create(path, {"metadata": ours, "roleRef": ref, "subjects": [mallory]})
    cluster.until(lambda: cluster.bindings(project) == before, seconds=40)
    refs = {binding["roleRef"]["name"] for binding in cluster.api.items(path)}
    assert refs == set(before)

    # One that nobody asked for.
    extra = {"name": "bursar:training:create", "labels": ours["labels"]}
    ref = ref | {"name": "bursar:training:create"}
    cluster.api.create(path, {"metadata": extra, "roleRef": ref, "subjects": [mallory]})
    cluster.until(lambda: cluster.bindings(project) == before)


def test_who_fights_over_a_binding_is_answered_less_and_less_often(
    cluster: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_sync, "AGAIN_SECONDS", 0.5)
    project = cluster.project()
    make_user(role="Department viewer", scope=project)
    cluster.until_kept()
    path = f"{RBAC}/namespaces/{project.project_info.namespace}/rolebindings/bursar:work:read"
    removed = 0

    def remove() -> bool:
        nonlocal removed
        if "bursar:work:read" in cluster.bindings(project):
            cluster.api.delete(path)
            removed += 1
        return removed == 4

    cluster.until(remove)
    with pytest.raises(AssertionError, match="not so after"):
        cluster.until(lambda: "bursar:work:read" in cluster.bindings(project), seconds=3)
    state = RuleSync.objects.get(cluster=cluster.cluster)
    assert state.state == RuleSync.State.PENDING


def test_without_the_shipped_roles_and_policies_nobody_gets_more(cluster: Kept, control_plane: ControlPlane) -> None:
    project = cluster.project()
    first = make_user("max@example.org", role="Viewer", scope=project)
    cluster.until_kept()
    policy = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/bursar-owners"
    taken = control_plane.api.get(policy)
    control_plane.api.delete(policy)
    try:
        second = make_user("zoe@example.org", role="L1 researcher", scope=project)
        rule = second.subject.rules.get()
        cluster.sync._next_shipped = cluster.sync._next_read = 0.0
        cluster.until(lambda: RuleSync.objects.filter(rule=rule, state=RuleSync.State.FAILED).exists())
        told = RuleSync.objects.get(rule=rule).message
        assert "The cluster lacks bursar-owners. Apply deploy/kubernetes/access.yaml and policies.yaml there" in told
        assert RuleSync.objects.get(rule=first.subject.rules.get()).state == RuleSync.State.IN_FORCE
        assert cluster.bindings(project)["bursar:work:read"] == ["max@example.org"]
        assert "bursar:training:create" not in cluster.bindings(project)
    finally:
        metadata = {"name": "bursar-owners"}
        control_plane.api.create(policy.rpartition("/")[0], taken | {"metadata": metadata})
    cluster.until_in_force(rule)
    assert cluster.bindings(project)["bursar:training:create"] == ["zoe@example.org"]


def test_deleted_project_leaves_its_namespace_and_nobody_s_rights(cluster: Kept) -> None:
    project = cluster.project()
    make_user(role="Editor", scope=project)
    cluster.until_kept()
    assert cluster.bindings(project)
    OrgUnit.objects.filter(pk=project.pk).update(state=UnitState.DELETING)
    cluster.until_kept()
    assert cluster.bindings(project) == {}
    assert cluster.api.get(f"/api/v1/namespaces/{project.project_info.namespace}")["status"]["phase"] == "Active"
