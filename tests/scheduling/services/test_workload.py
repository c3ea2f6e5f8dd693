"""Submitting, stopping, running again and deleting workloads."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from orgs.access import Forbidden
from orgs.models import ClusterInfo, OrgUnit, UnitState, User
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Pool
from scheduling.events import event_text
from scheduling.models import Assignment, Event, Priority, SubGroup, Workload, WorkloadSpec
from scheduling.services.workload import workload_delete, workload_resume, workload_stop, workload_submit
from tests import factories as make

pytestmark = pytest.mark.django_db
GIB = 1024**3


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    return make.make_pool("h100", cluster=project.cluster)


def submit(user: User | None, project: OrgUnit, **changes: Any) -> Workload:
    values: dict[str, Any] = {
        "kind": Workload.Kind.TRAINING,
        "name": "train-1",
        "image": "python:3.12",
        "cpu_millicores": 4000,
        "memory_bytes": 16 * GIB,
        "devices": 2,
        "pools": ["h100"],
    }
    return workload_submit(actor=make.actor_of(user), project=project, **(values | changes))


def test_submit_writes_all_that_a_loop_needs(researcher: User, project: OrgUnit, pool: Pool) -> None:
    made = submit(researcher, project, pods=4, command=["python", "train.py"], env={"SEED": "7"}, run_seconds=60)

    workload = Workload.objects.get(pk=made.pk)
    assert (workload.state, workload.desired, workload.is_active) == (
        Workload.State.WAITING,
        Workload.Desired.RUNNING,
        True,
    )
    assert (workload.requested_gpu_milli, workload.requested_cpu_millicores) == (8000, 16000)
    assert workload.requested_memory_bytes == 64 * GIB
    assert workload.submitted_by == researcher.subject
    assert workload.cluster_id == project.cluster_id
    assert Assignment.objects.get(workload=workload).pool == workload.pool == pool
    group = SubGroup.objects.get(workload=workload)
    assert (group.wanted, group.min_members, group.devices, group.device_milli) == (4, 4, 2, 1000)
    assert WorkloadSpec.objects.get(workload=workload).spec == {
        "command": ["python", "train.py"],
        "env": {"SEED": "7"},
        "pools": ["h100"],
        "pools_from": "",
        "retries": 0,
        "run_seconds": 60,
        "fail_after_seconds": None,
    }
    assert Event.objects.get(workload=workload).code == "submitted"
    audit = AuditEvent.objects.get(action="submit")
    assert (audit.entity_id, audit.unit, audit.actor) == (workload.pk, project.pk, researcher.subject.pk)
    assert "env" not in audit.after


def test_workloads_that_ask_for_the_same_share_a_request_class(project: OrgUnit, pool: Pool) -> None:
    def request_class(name: str, **changes: Any) -> int:
        return SubGroup.objects.get(workload=submit(None, project, name=name, **changes)).request_class

    first = request_class("a")
    assert first == request_class("b", image="other:1", priority=Priority.HIGH)
    others = {
        request_class("c", devices=3),
        request_class("d", pods=2),
        request_class("e", preemptible=False),
        request_class("f", devices=1, device_milli=500),
    }
    assert len(others) == 4
    assert first not in others
    assert 0 <= first < 2**63


def test_without_pools_it_waits_in_the_default_pool(project: OrgUnit) -> None:
    default = Pool.objects.filter(cluster=project.cluster, is_default=True).first() or make.make_pool(
        "default", cluster=project.cluster, is_default=True, label_key=""
    )
    workload = submit(None, project, pools=[])
    assert workload.pool == default


def test_replicas_of_inference_start_one_by_one(project: OrgUnit, pool: Pool) -> None:
    workload = submit(None, project, kind=Workload.Kind.INFERENCE, pods=3)
    assert SubGroup.objects.get(workload=workload).min_members == 1


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "Train", "small letters"),
        ("name", "train_1", "small letters"),
        ("name", "-train", "small letters"),
        ("name", "", "needs a name"),
        ("name", "t" * 51, "at most 50"),
        ("name", 7, "needs a name"),
        ("kind", 9, "no type of workload"),
        ("kind", True, "no type of workload"),
        ("kind", "training", "no type of workload"),
        ("priority", 51, "no priority"),
        ("preemptible", "yes", "yes or no"),
        ("pods", 0, "1 to 1,000"),
        ("pods", 2.5, "whole number"),
        ("pods", True, "whole number"),
        ("devices", -1, "0 to 64"),
        ("devices", 10**20, "0 to 64"),
        ("device_milli", 0, "0.01 to 1"),
        ("device_milli", 1001, "0.01 to 1"),
        ("cpu_millicores", 0, "0.01 to 1,000 cores"),
        ("memory_bytes", 0, "MiB"),
        ("memory_bytes", None, "whole number"),
        ("run_seconds", 0, "seconds"),
        ("image", "two words", "letters a to z"),
        ("image", "", "container image"),
        ("image", "bild:ü", "letters a to z"),
        ("image", "a" * 301, "at most 300"),
        ("command", "python train.py", "list of words"),
        ("command", ["a\0b"], "control characters"),
        ("command", ["x"] * 101, "At most 100"),
        ("env", {"1A": "x"}, "no name of a variable"),
        ("env", {"A": "x\0"}, "control characters"),
        ("env", {"A": "\ud800"}, "control characters"),
        ("env", ["A=1"], "names with values"),
        ("pools", ["h200"], "There is no pool h200 here"),
        ("pools", ["h100", "h100"], "named twice"),
        ("pools", "h100", "list of names"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(
    project: OrgUnit, pool: Pool, field: str, value: object, says: str
) -> None:
    with pytest.raises(Refused) as refusal:
        submit(None, project, **{field: value})
    assert list(refusal.value.message_dict) == [field]
    assert says in refusal.value.message_dict[field][0]
    assert not Workload.objects.exists()


def test_a_workspace_is_one_pod(project: OrgUnit, pool: Pool) -> None:
    with pytest.raises(Refused, match="one pod"):
        submit(None, project, kind=Workload.Kind.WORKSPACE, pods=2)


def test_a_share_needs_a_device(project: OrgUnit, pool: Pool) -> None:
    with pytest.raises(Refused, match="no GPU to take a share of"):
        submit(None, project, devices=0, device_milli=500)


def test_a_pool_of_another_cluster_is_unknown(project: OrgUnit, pool: Pool) -> None:
    make.make_pool("elsewhere")
    with pytest.raises(Refused, match="no pool elsewhere here"):
        submit(None, project, pools=["elsewhere"])


def test_run_times_are_for_simulated_clusters(pool: Pool) -> None:
    cluster = make.make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
    project = make.make_project(department=make.make_department(parent=cluster))
    make.make_pool("h100", cluster=cluster)
    with pytest.raises(Refused, match="Only simulated clusters"):
        submit(None, project, run_seconds=60)


def test_an_active_name_is_taken_and_an_ended_one_free(project: OrgUnit, pool: Pool) -> None:
    make.make_workload("train-1", project, pool, state=Workload.State.COMPLETED)
    submit(None, project)
    with pytest.raises(Refused, match="still active in vision"):
        submit(None, project)
    assert submit(None, make.make_project(department=project.parent)).name == "train-1"


def test_a_project_being_deleted_takes_nothing(project: OrgUnit, pool: Pool) -> None:
    OrgUnit.objects.filter(pk=project.pk).update(state=UnitState.DELETING)
    with pytest.raises(Refused, match="takes no new workloads"):
        submit(None, project)


@pytest.mark.parametrize(
    ("role", "kind", "allowed"),
    [
        (make.RESEARCHER, Workload.Kind.TRAINING, True),
        (make.RESEARCHER, Workload.Kind.WORKSPACE, True),
        (make.RESEARCHER, Workload.Kind.DISTRIBUTED, True),
        (make.RESEARCHER, Workload.Kind.INFERENCE, False),
        (make.DEPARTMENT_ADMIN, Workload.Kind.INFERENCE, True),
        (make.VIEWER, Workload.Kind.TRAINING, False),
    ],
)
def test_submitting_needs_the_right_for_that_kind(
    project: OrgUnit, pool: Pool, role: str, kind: Workload.Kind, allowed: bool
) -> None:
    user = make.make_user(role=role, scope=project)
    if allowed:
        assert submit(user, project, kind=kind).pk
    else:
        with pytest.raises(Forbidden):
            submit(user, project, kind=kind)


def test_submitting_elsewhere_is_forbidden(researcher: User, project: OrgUnit, pool: Pool) -> None:
    with pytest.raises(Forbidden):
        submit(researcher, make.make_project(department=project.parent))


def test_stop_says_what_is_wanted_once(researcher: User, project: OrgUnit, pool: Pool) -> None:
    workload = submit(researcher, project)
    for _ in range(2):
        workload_stop(actor=make.actor_of(researcher), workload=workload)
    workload.refresh_from_db()
    assert workload.desired == Workload.Desired.STOPPED
    assert workload.is_active, "ending it is for the observer"
    assert Event.objects.filter(workload=workload, code="stop_asked").count() == 1
    assert AuditEvent.objects.get(action="stop").before == {"desired": "running"}


def test_a_stopped_workload_can_still_be_deleted_but_not_the_other_way(project: OrgUnit, pool: Pool) -> None:
    workload = submit(None, project)
    workload_delete(actor=make.actor_of(), workload=workload)
    workload_stop(actor=make.actor_of(), workload=workload)
    workload.refresh_from_db()
    assert workload.desired == Workload.Desired.DELETED


def test_what_has_ended_cannot_be_stopped(project: OrgUnit, pool: Pool) -> None:
    ended = make.make_workload(project=project, pool=pool, state=Workload.State.COMPLETED)
    with pytest.raises(Refused, match="ended already"):
        workload_stop(actor=make.actor_of(), workload=ended)


def test_run_again_submits_the_same_anew(researcher: User, project: OrgUnit, pool: Pool) -> None:
    first = submit(researcher, project, pods=2, env={"SEED": "7"}, run_seconds=60, preemptible=False)
    with pytest.raises(Refused, match="has not ended"):
        workload_resume(actor=make.actor_of(researcher), workload=first)
    with transaction.atomic():
        Workload.objects.filter(pk=first.pk).update(
            state=Workload.State.STOPPED, is_active=False, ended_at=first.created_at
        )
    first.refresh_from_db()

    again = workload_resume(actor=make.actor_of(researcher), workload=first)

    assert again.pk != first.pk
    assert (again.name, again.preemptible, again.requested_gpu_milli) == ("train-1", False, 4000)
    assert again.spec.spec == first.spec.spec
    assert SubGroup.objects.get(workload=again).request_class == SubGroup.objects.get(workload=first).request_class


def test_what_was_stopped_goes_on_where_its_object_is(researcher: User, project: OrgUnit, pool: Pool) -> None:
    stopped = submit(researcher, project)
    actor = make.actor_of(researcher)
    workload_stop(actor=actor, workload=stopped)
    state = {"state": Workload.State.STOPPED, "is_active": False, "ended_at": stopped.created_at, "applied": True}
    Workload.objects.filter(pk=stopped.pk).update(**state)
    other = submit(researcher, project)
    with pytest.raises(Refused, match="still active"):
        workload_resume(actor=actor, workload=stopped)
    Workload.objects.filter(pk=other.pk).delete()

    again = workload_resume(actor=actor, workload=stopped)

    again.refresh_from_db()
    assert (again.pk, again.state, again.desired) == (stopped.pk, Workload.State.WAITING, Workload.Desired.RUNNING)
    assert (again.is_active, again.ended_at, again.applied) == (True, None, False)
    assert AuditEvent.objects.get(action="resume").before == {"desired": "stopped"}
    assert event_text(Event.objects.latest("pk").code, {"by": "Ada"}) == "Resumed by Ada"


def test_retries_are_for_trainings_of_real_clusters(project: OrgUnit, pool: Pool) -> None:
    with pytest.raises(Refused, match="do not try again"):
        submit(None, project, retries=1)
    ClusterInfo.objects.update(mode=ClusterInfo.Mode.KUBERNETES)
    with pytest.raises(Refused, match="Only a training"):
        submit(None, project, kind=Workload.Kind.WORKSPACE, pods=1, retries=1)
    with pytest.raises(Refused, match="outside 0 to 100 retries"):
        submit(None, project, retries=101)
    assert submit(None, project, retries=2).spec.spec["retries"] == 2


@pytest.mark.parametrize("act", [workload_stop, workload_delete])
def test_others_workloads_need_the_right_to_change_the_project(
    researcher: User, project: OrgUnit, pool: Pool, act: Any
) -> None:
    workload = submit(make.make_user(role=make.RESEARCHER, scope=project), project)
    with pytest.raises(Forbidden, match="not yours to change"):
        act(actor=make.actor_of(researcher), workload=workload)
    workload.refresh_from_db()
    assert workload.desired == Workload.Desired.RUNNING

    act(actor=make.actor_of(make.make_user(role=make.DEPARTMENT_ADMIN, scope=project)), workload=workload)
    workload.refresh_from_db()
    assert workload.desired != Workload.Desired.RUNNING


def test_who_lost_the_role_cannot_change_an_own_workload(project: OrgUnit, pool: Pool) -> None:
    gone = make.make_user(role=make.VIEWER, scope=project)
    workload = make.make_workload(project=project, pool=pool, by=gone)
    with pytest.raises(Forbidden):
        workload_stop(actor=make.actor_of(gone), workload=workload)
