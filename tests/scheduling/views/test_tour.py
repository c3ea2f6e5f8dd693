"""The tour on Overview: for whom, what it leads to, and that who closed it has it closed everywhere."""

from __future__ import annotations

import pytest
from django.utils import timezone

from orgs.models import ClusterInfo, OrgUnit, User
from portal.models import AuditEvent
from quotas.models import Node, Pool
from scheduling.models import Decision, Event, Workload
from tests import factories as make

pytestmark = pytest.mark.django_db
State = Workload.State


@pytest.fixture
def project() -> OrgUnit:
    return make.make_project("vis-3d")


def steps(user: User) -> dict[str, str]:
    """By key where each leads to; empty while nothing is in that state."""
    found = make.signed_in(user).get("/overview/").context["tour"]
    return {step.key: step.url for step in found}


def test_each_step_leads_to_something_that_is_in_that_state(project: OrgUnit, pool: Pool) -> None:
    administrator = make.make_user(role=make.ADMIN)
    assert set(steps(administrator).values()) == {""}
    free = make.make_project("free", department=project.parent)
    make.make_quota(project, pool, 4)
    make.make_usage(project, pool, 8, over_gpu_milli=4000)
    make.make_usage(free, pool, 1, over_gpu_milli=1000)

    def runs(name: str, unit: OrgUnit = project, **fields: object) -> Workload:
        return make.make_workload(name, unit, pool, state=State.RUNNING, started_at=timezone.now(), **fields)  # type: ignore[arg-type]

    def waits(name: str, code: str, **fields: object) -> Workload:
        workload = make.make_workload(name, project, pool, **fields)  # type: ignore[arg-type]
        make.make_waiting(workload, code)
        return workload

    def stopped(name: str, code: str) -> Workload:
        workload = waits(name, "short")
        Decision.objects.create(
            pool=pool.pk, epoch=1, cycle=1, kind=Decision.Kind.EVICT, state=Decision.State.OBSERVED, batch=1,
            workload=workload.pk, pod=workload.pk, pod_uid=str(workload.pk), code=code, deadline_at=timezone.now(),
        )  # fmt: skip
        return workload

    expected = {
        "guaranteed": runs("desk", preemptible=False),
        "best_effort": runs("toy", free),
        "elastic": runs("grows", pods=4, gpus=0),
        "over": runs("lent", gpus=4),
        "reclaim": stopped("back", "reclaim"),
        "preempt": stopped("low", "preempt"),
        "consolidate": stopped("moved", "consolidate"),
        "gang": waits("gang", "short", pods=4),
        "limit": waits("much", "over_limit"),
        "blocked": waits("off", "blocked"),
        "fragmented": waits("whole", "fragmented"),
        "second_pool": runs("second", gpus=0),
        "failed": make.make_workload("broken", project, pool, state=State.FAILED),
    }
    Workload.objects.filter(name="grows").update(pods_running=2)
    Event.objects.create(workload=expected["second_pool"], code="moved", numbers={"from": "h100", "to": "a100"})
    node = make.make_node("a-1", pool, state=Node.State.NOT_READY)
    make.make_quota(project.parent, pool, 2)  # type: ignore[arg-type]
    found = steps(administrator)
    findings = found.pop("findings")
    assert found.pop("node") == f"/nodes/{node.pk}/"
    assert findings in ("", "/findings/")
    assert found == {key: f"/workloads/{workload.pk}/" for key, workload in expected.items()}

    stranger = make.make_user(role=make.RESEARCHER, scope=make.make_project("other"))
    assert set(steps(stranger).values()) <= {""}, "nothing of what others do"
    assert "node" not in steps(stranger)


def test_it_is_closed_for_one_person_and_can_be_had_again(project: OrgUnit) -> None:
    user, other = make.make_user(role=make.ADMIN), make.make_user(role=make.VIEWER)
    client = make.signed_in(user)
    assert "Close the tour" in client.get("/overview/").content.decode()
    for _ in range(2):
        assert client.post("/overview/tour/close/").headers["Location"] == "/overview/"
    shown = make.signed_in(user).get("/overview/").content.decode()
    assert "Close the tour" not in shown
    assert "Show the tour" in shown
    assert "Close the tour" in make.signed_in(other).get("/overview/").content.decode()
    client.post("/overview/tour/open/")
    assert "Close the tour" in client.get("/overview/").content.decode()
    told = AuditEvent.objects.filter(entity="tour").order_by("pk")
    assert [event.after for event in told] == [{"closed": True}, {"closed": False}]


def test_who_has_no_simulated_cluster_sees_none_of_it(project: OrgUnit) -> None:
    ClusterInfo.objects.update(mode=ClusterInfo.Mode.KUBERNETES)
    shown = make.signed_in(make.make_user(role=make.ADMIN)).get("/overview/").content.decode()
    assert "tour" not in shown
