"""Pods that others made for Bursar to place: grouped, in rows, and followed to their end."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orgs.models import OrgUnit
from portal.actor import SYSTEM
from quotas.models import Pool
from quotas.services.pool_order import pool_order_set
from scheduling.clusters.found import FoundPod, Owner, SeenOwner
from scheduling.clusters.seen import DEPLOYMENTS, JOBS, ObjectState, PodPhase, Seen, SeenObject, SeenPod
from scheduling.loops import found_pods
from scheduling.loops.found_shapes import priority_of
from scheduling.loops.observed import Observed
from scheduling.models import Assignment, Pod, Priority, UntakenPod, Workload
from tests.factories import make_cluster, make_department, make_pool, make_project, make_user, make_workload

pytestmark = pytest.mark.django_db(transaction=True)
State, Phase = Workload.State, Pod.Phase
ALL = dict.fromkeys(("nodes", "pods", "jobs"), 0.0)


@pytest.fixture
def pool() -> Pool:
    return make_pool("gpu", make_cluster(), label_key="class")


@pytest.fixture
def project(pool: Pool) -> OrgUnit:
    return make_project(department=make_department(parent=pool.cluster))


def uid_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def owner(kind: str, name: str, group: str = "apps") -> Owner:
    return Owner(uid_of(name), group, kind, name)


def pod(project: OrgUnit, name: str, by: Owner | None = None, **fields: Any) -> SeenPod:
    own = {
        key: fields.pop(key)
        for key in ("minimum", "priority", "submitted_by", "refused", "node_labels")
        if key in fields
    }
    values: dict[str, Any] = {"namespace": project.project_info.namespace, "ours": True, "phase": PodPhase.PENDING}
    values |= {"created_ms": 1_900_000_000_000, "gpu_milli": 1000, "cpu_millicores": 500, "memory_bytes": 2**30}
    return SeenPod(uid=uid_of(name), name=name, found=FoundPod(owner=by, **own), **(values | fields))


def top(project: OrgUnit, kind: str, name: str, pods: int, **fields: Any) -> SeenObject:
    values: dict[str, Any] = {"namespace": project.project_info.namespace, "state": ObjectState.ACTIVE, "found": True}
    return SeenObject(uid_of(name), name, workload=uid_of(name), kind=kind, pods=pods, **(values | fields))


def write(observed: Observed, *seen: Seen) -> None:
    for one in seen:
        with transaction.atomic():
            observed.write(one)


def begun(project: OrgUnit) -> Observed:
    assert project.cluster_id is not None
    observed = Observed(project.cluster_id)
    write(observed, Seen(complete=ALL))
    return observed


def web(project: OrgUnit, pods: int, **fields: Any) -> Seen:
    """A Deployment with its ReplicaSet and pods."""
    made = owner("ReplicaSet", "web-1")
    link = SeenOwner(made.uid, made.name, project.project_info.namespace, owner("Deployment", "web"))
    found = tuple(pod(project, f"web-1-{number}", made, **fields) for number in range(pods))
    return Seen(objects=(top(project, DEPLOYMENTS, "web", pods),), owners=(link,), pods=found)


def test_a_deployment_by_way_of_its_replica_set(project: OrgUnit, pool: Pool) -> None:
    pool_order_set(actor=SYSTEM, unit=project, pools=["gpu"])
    person = make_user()
    write(begun(project), web(project, 2, priority=1000, submitted_by=person.email, node_labels=(("disk", "ssd"),)))
    row = Workload.objects.get()
    assert (row.origin, row.name, row.kind, row.state) == (
        "Deployment/web",
        "web",
        Workload.Kind.INFERENCE,
        State.WAITING,
    )
    assert (row.project, row.pool, row.submitted_by) == (project, pool, person.subject)
    assert (row.priority, row.pods_wanted, row.requested_gpu_milli) == (Priority.VERY_HIGH, 2, 2000)
    assert Assignment.objects.get().pool == pool
    group = row.sub_groups.get()
    assert (group.min_members, group.wanted, group.placement) == (1, 2, {"nodes": {"disk": "ssd"}})
    assert group.pods.count() == 2


def test_a_pod_waits_for_its_owner_to_be_seen(project: OrgUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    observed, seen = begun(project), web(project, 1)
    write(observed, Seen(pods=seen.pods))
    assert not Workload.objects.exists()
    write(observed, Seen(owners=seen.owners), Seen(objects=seen.objects))
    assert Workload.objects.get().origin == "Deployment/web"
    stray = pod(project, "stray", owner("ReplicaSet", "never"))
    write(observed, Seen(pods=(stray,)))
    assert not observed.is_due()
    monkeypatch.setattr(found_pods, "OWNER_SECONDS", 0)
    assert observed.is_due()
    write(observed, Seen())
    assert Workload.objects.order_by("pk").last().origin == "Pod/stray"  # type: ignore[union-attr]


def test_two_shapes_while_the_template_changes(project: OrgUnit) -> None:
    observed, seen = begun(project), web(project, 2)
    write(observed, seen)
    newer = owner("ReplicaSet", "web-2")
    link = SeenOwner(newer.uid, newer.name, project.project_info.namespace, owner("Deployment", "web"))
    write(observed, Seen(owners=(link,), pods=(pod(project, "web-2-0", newer, gpu_milli=4000),)))
    row = Workload.objects.get()
    groups = list(row.sub_groups.order_by("pk").values_list("name", "devices", "wanted", "min_members"))
    assert groups == [("pods", 1, 2, 1), ("pods-2", 4, 1, 0)]
    assert (row.pods_wanted, row.requested_gpu_milli) == (2, 6000)
    write(observed, Seen(gone_pods=tuple(one.uid for one in seen.pods)))
    # The second pod of the new template is still to come.
    assert list(row.sub_groups.values_list("name", "devices", "wanted", "min_members")) == [("pods-2", 4, 2, 1)]


def test_what_has_no_followed_object_ends_some_time_after_its_pods(
    project: OrgUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed, crew = begun(project), owner("Crew", "crew", "example.org")
    one = pod(project, "crew-0", crew, minimum=2)
    write(observed, Seen(pods=(one,)))
    row = Workload.objects.get()
    assert (row.origin, row.pods_wanted, row.sub_groups.get().min_members) == ("Crew/crew", 2, 2)
    write(observed, Seen(gone_pods=(one.uid,)), Seen())
    row.refresh_from_db()
    assert row.is_active
    monkeypatch.setattr(found_pods, "EMPTY_SECONDS", 0)
    assert observed.is_due()
    write(observed, Seen())
    row.refresh_from_db()
    assert (row.state, row.is_active, row.applied) == (State.STOPPED, False, False)
    assert not observed.is_due()
    write(observed, Seen(pods=(replace(one, uid=uid_of("crew-1"), name="crew-1"),)))
    row.refresh_from_db()
    assert (row.state, row.is_active, row.ended_at) == (State.WAITING, True, None)
    assert list(row.events.values_list("code", flat=True)) == ["found", "stopped", "waiting"]


@pytest.mark.parametrize(("phase", "state"), [(PodPhase.SUCCEEDED, State.COMPLETED), (PodPhase.FAILED, State.FAILED)])
def test_a_bare_pod_ends_as_it_says(project: OrgUnit, phase: PodPhase, state: int) -> None:
    observed, one = begun(project), pod(project, "alone")
    write(observed, Seen(pods=(one,)), Seen(pods=(replace(one, phase=phase, message="exit code 1"),)))
    row = Workload.objects.get()
    assert (row.origin, row.state, row.state_message) == (
        "Pod/alone",
        state,
        "exit code 1" if state == State.FAILED else "",
    )
    write(observed, Seen(gone_pods=(one.uid,)))
    assert Workload.objects.get().state == state


def test_after_a_new_start_rows_are_taken_on_with(project: OrgUnit) -> None:
    seen = web(project, 3)
    write(begun(project), seen)
    before = Workload.objects.values().get()
    assert project.cluster_id is not None
    write(Observed(project.cluster_id), replace(seen, complete=ALL | {"deployments": 0.0, "replica sets": 0.0}))
    assert Workload.objects.values().get() == before
    assert Pod.objects.count() == 3
    write(Observed(project.cluster_id), Seen(complete=ALL | {"deployments": 0.0}))
    row = Workload.objects.get()
    assert (row.state, row.state_message) == (State.STOPPED, "It is gone from the cluster.")


def test_nobody_joins_the_work_of_others(project: OrgUnit, pool: Pool) -> None:
    other = make_project(department=make_department(parent=pool.cluster))
    observed = begun(project)
    write(observed, web(project, 1))
    guest = pod(other, "guest", owner("ReplicaSet", "web-1"))
    submitted = make_workload("w", project, pool)
    thief = pod(other, "thief", Owner(str(submitted.uid), "example.org", "Crew", "crew"))
    write(observed, Seen(pods=(guest, thief)))
    assert set(Workload.objects.exclude(pk=submitted.pk).values_list("origin", "project")) == {
        ("Deployment/web", project.pk),
        ("Pod/guest", other.pk),
    }
    assert UntakenPod.objects.get().reason == "NotItsOwner"
    assert not Pod.objects.filter(workload=submitted).exists()
    # Nor after a new start, when nothing is remembered.
    assert project.cluster_id is not None
    late = pod(other, "late", replace(owner("Deployment", "web"), group="example.org"))
    write(Observed(project.cluster_id), Seen(pods=(late,), complete=ALL))
    assert list(UntakenPod.objects.values_list("name", "reason")) == [("late", "NotItsOwner")]


def test_what_nobody_can_take_says_why_until_it_can(
    project: OrgUnit, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed = begun(project)
    lost = replace(pod(project, "lost"), namespace="elsewhere")
    nowhere = pod(project, "nowhere", pool="later")
    part = pod(project, "part", refused="Ask for whole GPUs.")
    write(observed, Seen(pods=(lost, nowhere, part)))
    assert dict(UntakenPod.objects.values_list("name", "reason")) == {
        "lost": "NoProject",
        "nowhere": "NoPool",
        "part": "NotPlaced",
    }
    assert not Workload.objects.exists()
    assert not observed.is_due()
    later = make_pool("later", pool.cluster, label_key="zone")
    monkeypatch.setattr("time.monotonic", lambda: 1e9)
    assert observed.is_due()
    write(observed, Seen())
    assert Workload.objects.get().pool == later
    assert sorted(UntakenPod.objects.values_list("name", flat=True)) == ["lost", "part"]
    write(observed, Seen(pods=(replace(lost, node="n1"),), gone_pods=(part.uid,)))
    assert not UntakenPod.objects.exists()


def test_a_batch_takes_the_same_number_of_statements_however_much_is_found(project: OrgUnit) -> None:
    def statements(number: int) -> int:
        observed = begun(project)
        jobs = [f"{number}-{each}" for each in range(number)]
        objects = tuple(top(project, JOBS, name, 1) for name in jobs)
        pods = tuple(pod(project, f"{name}-0", owner("Job", name, "batch")) for name in jobs)
        with CaptureQueriesContext(connection) as captured:
            write(observed, Seen(objects=objects, pods=pods))
        return len(captured)

    assert statements(1) == statements(20)


@pytest.mark.parametrize(
    ("value", "priority"),
    [(0, "medium"), (-1, "low"), (49, "low"), (50, "medium"), (75, "high"), (100, "very high"), (2**30, "very high")],
)
def test_priority_classes(value: int, priority: str) -> None:
    assert Priority(priority_of(value)).label == priority
