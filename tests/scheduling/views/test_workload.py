"""The page of one workload, and what can be done on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from orgs.models import ClusterInfo, OrgUnit, User
from quotas.models import Pool
from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.orders import WorkloadKey
from scheduling.clusters.seen import LogLine, Told
from scheduling.models import Decision, Event, Pod, Workload
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


def page(user: User, workload: Workload, query: str = "") -> str:
    response = make.signed_in(user).get(f"/workloads/{workload.pk}/{query}")
    assert response.status_code == 200
    return unescape(response.content.decode())


def waiting(project: OrgUnit, pool: Pool, by: User | None = None, name: str = "nerf-city") -> Workload:
    make.make_node(pool=pool, gpus=8)
    make.make_summary(pool, gpus=16, used=6, free_slots={"4": 1, "6": 1})
    workload = make.make_workload(name, project, pool, gpus=8, by=by)
    numbers = {"resource": "gpu_milli", "pods": 1, "requested": 8000, "slots": 0, "free": 10000, "largest": 6000}
    make.make_waiting(workload, "fragmented", **numbers)
    return workload


def test_the_heading_is_the_reason(researcher: User, project: OrgUnit, pool: Pool) -> None:
    make.make_quota(project, pool, 12)
    make.make_quota(project.parent, pool, 20)  # type: ignore[arg-type]
    make.make_usage(project, pool, 8, position=2)
    shown = page(researcher, waiting(project, pool, researcher))
    assert "<h1>Waits for room in a100: needs 1 pod of 8 GPUs, no node has 8 free.</h1>" in shown
    assert "It is first in line." in shown
    assert "4 of 12 left" in shown
    assert "the other 4 GPUs would be over quota" in shown
    assert "10 free, but no node has 8" in shown


def test_the_line_hides_what_one_may_not_see(researcher: User, project: OrgUnit, pool: Pool) -> None:
    sibling = make.make_project("secret-twin", department=project.parent)
    other = make.make_project("secret-other", department=make.make_department(parent=project.cluster))
    for place, unit in enumerate((sibling, other, project)):
        make.make_usage(unit, pool, position=place)
    make.make_workload("hidden-a", sibling, pool, gpus=4)
    make.make_workload("hidden-b", other, pool, gpus=2)
    shown = page(researcher, waiting(project, pool, researcher))
    assert "2 workloads are ahead of it." in shown
    assert "a workload of another project, 4 GPUs" in shown
    assert "a workload of another department, 2 GPUs" in shown
    assert "hidden-a" not in shown
    assert "hidden-b" not in shown
    assert "secret-" not in shown
    assert "position 3 of 3" in shown


@pytest.mark.parametrize(
    ("fields", "over", "says"),
    [
        ({}, 0, "Runs in a100 on 8 GPUs, all guaranteed."),
        ({}, 3000, "Runs in a100 on 8 GPUs, 3 of them over quota."),
        ({"preemptible": False}, 0, "It is non-preemptible: it is never stopped for others."),
        ({"desired": Workload.Desired.STOPPED}, 0, "Is being stopped."),
    ],
)
def test_why_it_runs(
    researcher: User, project: OrgUnit, pool: Pool, fields: dict[str, object], over: int, says: str
) -> None:
    make.make_usage(project, pool, 8, over_gpu_milli=over)
    workload = make.make_workload(project=project, pool=pool, gpus=8, state=Workload.State.RUNNING, **fields)
    assert says in page(researcher, workload)


def test_a_failure_says_what_went_wrong(researcher: User, project: OrgUnit, pool: Pool) -> None:
    failed = make.make_workload(project=project, pool=pool, state=Workload.State.FAILED, state_message="tag not found")
    shown = page(researcher, failed)
    assert "<h1>Failed before it started.</h1>" in shown
    assert "<p>tag not found</p>" in shown
    assert "Run again" not in shown, "it is another's"


def test_the_timeline_tells_events_and_decisions(researcher: User, project: OrgUnit, pool: Pool) -> None:
    workload = make.make_workload(project=project, pool=pool, pods=2)
    Event.objects.create(workload=workload, code="submitted", numbers={"by": "Mira", "pools": ["a100", "h100"]})
    for pod in (1, 2):
        Decision.objects.create(
            pool=pool.pk,
            epoch=1,
            cycle=48211,
            kind=Decision.Kind.PLACE,
            batch=workload.pk,
            workload=workload.pk,
            pod=pod,
            pod_uid=str(pod),
            deadline_at=workload.created_at,
            state=Decision.State.OBSERVED,
        )
    shown = page(researcher, workload)
    assert "Submitted by Mira, pool order a100, h100" in shown
    assert "a100: 2 pods placed in cycle 48,211" in shown


def test_node_names_are_text_without_the_right_to_read_nodes(researcher: User, project: OrgUnit, pool: Pool) -> None:
    workload = make.make_workload(project=project, pool=pool, gpus=2, state=Workload.State.RUNNING)
    node = make.make_node("a100-13", pool)
    make.make_pod(workload, node, "0,1")
    assert "a100-13" in page(researcher, workload, "?tab=pods")
    assert f"/nodes/{node.pk}/" not in page(researcher, workload, "?tab=pods")
    assert f"/nodes/{node.pk}/" in page(make.make_user(role=make.VIEWER), workload, "?tab=pods")


def test_the_pods_tab_takes_the_same_queries_for_many(researcher: User, project: OrgUnit, pool: Pool) -> None:
    workload = make.make_workload(project=project, pool=pool, state=Workload.State.RUNNING)

    def pods(number: int) -> None:
        for _ in range(number):
            make.make_pod(workload, make.make_node(pool=pool), "0")

    assert_same_queries(
        make.signed_in(researcher), f"/workloads/{workload.pk}/?tab=pods", lambda: pods(3), lambda: pods(40)
    )


def test_stop_run_again_delete(researcher: User, project: OrgUnit, pool: Pool) -> None:
    client = make.signed_in(researcher)
    workload = make.make_workload("train", project, pool, by=researcher)
    assert client.post(f"/workloads/{workload.pk}/stop/").status_code == 302
    workload.refresh_from_db()
    assert workload.desired == Workload.Desired.STOPPED

    ended = make.make_workload("again", project, pool, by=researcher, state=Workload.State.FAILED)
    response = client.post(f"/workloads/{ended.pk}/run-again/")
    again = Workload.objects.get(name="again", is_active=True)
    assert response["Location"] == f"/workloads/{again.pk}/"
    assert again.spec.spec["pools"] == ["a100"]

    assert client.post(f"/workloads/{again.pk}/delete/")["Location"] == "/workloads/"
    again.refresh_from_db()
    assert again.desired == Workload.Desired.DELETED


def test_stopping_what_has_ended_is_said_and_changes_nothing(researcher: User, project: OrgUnit, pool: Pool) -> None:
    ended = make.make_workload(project=project, pool=pool, by=researcher, state=Workload.State.COMPLETED)
    response = make.signed_in(researcher).post(f"/workloads/{ended.pk}/stop/", follow=True)
    assert "has ended already" in unescape(response.content.decode())


@pytest.mark.parametrize("act", ["stop", "run-again", "delete"])
def test_seen_but_not_allowed_is_403_and_unseen_404(project: OrgUnit, pool: Pool, act: str) -> None:
    workload = make.make_workload(project=project, pool=pool, state=Workload.State.COMPLETED)
    if act == "stop":
        workload = make.make_workload(project=project, pool=pool)
    viewer = make.make_user(role=make.VIEWER, scope=project)
    stranger = make.make_user(role=make.RESEARCHER, scope=make.make_project(department=project.parent))
    for user, status in ((viewer, 403), (stranger, 404)):
        assert make.signed_in(user).post(f"/workloads/{workload.pk}/{act}/").status_code == status


def test_a_stranger_finds_nothing(project: OrgUnit, pool: Pool) -> None:
    stranger = make.make_user(role=make.RESEARCHER, scope=make.make_project(department=project.parent))
    workload = make.make_workload(project=project, pool=pool)
    client: Client = make.signed_in(stranger)
    assert client.get(f"/workloads/{workload.pk}/").status_code == 404
    assert client.get("/workloads/999999999999999999999999/").status_code == 404


def test_what_it_held_is_listed_with_the_reason_of_its_end(researcher: User, project: OrgUnit, pool: Pool) -> None:
    workload, node = make.make_workload(project=project, pool=pool, gpus=4), make.make_node("a100-13", pool)
    assert "It has held nothing yet" in page(researcher, workload, "?tab=pods")
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    make.make_allocation(workload, node, monday - timedelta(hours=2), monday)
    make.make_allocation(workload, node, monday, monday + timedelta(hours=1), end_code="reclaim")
    shown = page(researcher, workload, "?tab=pods")
    assert "3 h" in shown, "a new week is no new stay"
    assert "taken back" in shown
    assert shown.count("a100-13") == 1
    assert f"/nodes/{node.pk}/" not in shown, "who may not open nodes reads its name"
    assert f"/nodes/{node.pk}/" in page(make.make_user(role=make.VIEWER), workload, "?tab=pods")


class Cluster:
    """A gateway that has something to say."""

    def read_log(self, namespace: str, pod: str, lines: int, after_ns: int = 0) -> list[LogLine]:
        return [LogLine(f"{namespace} {pod}: <script>alert(1)</script>")]

    def read_events(self, workload: WorkloadKey) -> list[Told]:
        return [Told(None, f"Pod {workload.name}-0", "BackOff", "<b>restarting</b>", 3, True)]

    def read_manifest(self, workload: WorkloadKey) -> str:
        raise GatewayError("The cluster answers 404: it is gone.")


def test_what_the_cluster_says_is_text(
    researcher: User, project: OrgUnit, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduling.selectors.in_cluster.gateway_for", lambda cluster: Cluster())
    workload = make.make_workload(project=project, pool=pool, pods=2, state=Workload.State.RUNNING)
    quiet, failed = (make.make_pod(workload, phase=phase) for phase in (Pod.Phase.RUNNING, Pod.Phase.FAILED))

    def shown(query: str, person: User = researcher) -> str:
        response = make.signed_in(person).get(f"/workloads/{workload.pk}/{query}")
        return response.content.decode()

    logs = shown("?tab=logs")
    assert f"bursar-{project.name} {failed.name}: &lt;script&gt;alert(1)&lt;/script&gt;" in logs
    assert f"{quiet.name}: &lt;script" in shown(f"?tab=logs&pod={quiet.pk}")
    events = shown("?tab=events")
    assert "&lt;b&gt;restarting&lt;/b&gt;" in events
    assert "3 times" in events
    assert "The cluster answers 404: it is gone." in shown("?tab=yaml")
    viewer = make.make_user(role=make.VIEWER, scope=project)
    assert "do not let you read logs" in shown("?tab=logs", viewer)
    assert "alert(1)" not in shown("?tab=logs", viewer)
    assert "BackOff" in shown("?tab=events", viewer)
    ClusterInfo.objects.update(state=ClusterInfo.State.DISCONNECTED)
    assert "cannot be reached now" in shown("?tab=events")


@pytest.mark.parametrize(
    ("tab", "says"), [("logs", "its pods write nothing"), ("events", "is on the first tab"), ("yaml", "has no object")]
)
def test_a_simulated_cluster_says_that_it_runs_nothing(
    researcher: User, project: OrgUnit, pool: Pool, tab: str, says: str
) -> None:
    workload = make.make_workload(project=project, pool=pool, state=Workload.State.RUNNING)
    make.make_pod(workload)
    shown = page(researcher, workload, f"?tab={tab}")
    assert "The cluster is simulated and runs nothing:" in shown
    assert says in shown


def test_what_was_stopped_and_is_kept_can_be_resumed(researcher: User, project: OrgUnit, pool: Pool) -> None:
    stopped = {"state": Workload.State.STOPPED, "desired": Workload.Desired.STOPPED, "by": researcher}
    kept = make.make_workload("kept", project, pool, applied=True, **stopped)
    assert "Resume" in page(researcher, kept)
    assert "Run again" in page(researcher, make.make_workload("lost", project, pool, **stopped))
    response = make.signed_in(researcher).post(f"/workloads/{kept.pk}/run-again/", follow=True)
    assert "kept is being resumed." in response.content.decode()


def test_what_was_found_says_where_and_offers_what_its_kind_allows(
    researcher: User, project: OrgUnit, pool: Pool
) -> None:
    kind = Workload.Kind
    web = make.make_workload("web", project, pool, by=researcher, kind=kind.INFERENCE, origin="Deployment/web")
    crew = make.make_workload("crew", project, pool, by=researcher, kind=kind.OTHER, origin="Crew/crew")
    manager = make.make_user(role="Research manager", scope=project)
    shown = page(manager, web)
    assert f"Deployment web in namespace {project.project_info.namespace}" in shown
    assert 'data-dialog="stop"' in shown
    assert 'data-dialog="delete"' not in shown
    assert "Edit and resubmit" not in shown
    assert 'data-dialog="stop"' not in page(manager, crew)
    client = make.signed_in(manager)
    answer = client.post(f"/workloads/{crew.pk}/stop/", follow=True)
    assert f"kubectl -n {project.project_info.namespace} delete crew crew" in unescape(answer.content.decode())
    assert "Found in the cluster" in client.get("/workloads/").content.decode()
    crew.refresh_from_db()
    assert crew.desired == Workload.Desired.RUNNING
    # The form of Submit begins empty: what runs in it is not known here.
    assert 'value="crew"' not in client.get(f"/submit/?from={crew.pk}").content.decode()
