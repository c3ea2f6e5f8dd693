"""What pods write, by the API: the lines, each once where they are followed, for those who may read logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from orgs.models import OrgUnit, User
from quotas.models import Pool
from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.seen import LogLine
from scheduling.models import Pod, Workload
from tests import factories as make

pytestmark = pytest.mark.django_db
BEGUN_NS = int(datetime(2036, 1, 1, tzinfo=UTC).timestamp()) * 10**9


class Cluster:
    """A gateway to pods that have written a line a second."""

    def __init__(self) -> None:
        self.lines = [LogLine(f"step {number}", BEGUN_NS + number * 10**9) for number in range(3)]
        self.asked: list[tuple[str, str]] = []

    def read_log(self, namespace: str, pod: str, lines: int, after_ns: int = 0) -> list[LogLine]:
        self.asked.append((namespace, pod))
        if pod == "lost":
            raise GatewayError("The cluster answers 404: it is gone.")
        return [line for line in self.lines if line.at_ns > after_ns][-lines:]


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr("scheduling.selectors.in_cluster.gateway_for", lambda cluster: found)
    return found


@pytest.fixture
def work(researcher: User, project: OrgUnit, pool: Pool) -> Workload:
    return make.make_workload(project=project, pool=pool, pods=2, state=Workload.State.RUNNING, by=researcher)


@pytest.fixture
def client(researcher: User) -> Client:
    return make.signed_in(researcher)


def told(client: Client, work: Workload, query: str = "", last: int | None = None) -> list[tuple[str, str, int]]:
    """Of a stream: kind, text and id of each event."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    answer = client.get(f"/api/v1/workloads/{work.pk}/logs/?follow=true{query}", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    found = []
    for message in answer.getvalue().decode().split("\n\n"):
        parts = dict(line.split(": ", 1) for line in message.splitlines())
        if "event" in parts:
            found.append((parts["event"], json.loads(parts["data"])["text"], int(parts.get("id", 0))))
    return found


def test_the_last_lines_of_a_pod_and_which_there_are(
    client: Client, work: Workload, project: OrgUnit, cluster: Cluster
) -> None:
    url = f"/api/v1/workloads/{work.pk}/logs/"
    nothing = client.get(url).json()
    assert (nothing["pod"], nothing["pods"], nothing["lines"], nothing["problem"]) == (None, [], [], "")
    quiet, failed = (make.make_pod(work, phase=phase) for phase in (Pod.Phase.RUNNING, Pod.Phase.FAILED))
    found = client.get(f"{url}?tail=2").json()
    assert found["pod"] == {"id": failed.pk, "name": failed.name, "phase": "failed"}
    assert [one["id"] for one in found["pods"]] == [quiet.pk, failed.pk]
    assert [line["text"] for line in found["lines"]] == ["step 1", "step 2"]
    assert found["lines"][1]["at"] == "2036-01-01T00:00:02Z"
    assert client.get(f"{url}?pod={quiet.pk}").json()["pod"]["name"] == quiet.name
    assert cluster.asked == [(f"bursar-{project.name}", failed.name), (f"bursar-{project.name}", quiet.name)]
    lost = make.make_pod(work, name="lost")
    gone = client.get(f"{url}?pod={lost.pk}").json()
    assert (gone["lines"], gone["problem"]) == ([], "The cluster answers 404: it is gone.")


@pytest.mark.parametrize("query", ["tail=0", "tail=5001", "pod=1", "pod=x", "lines=3", "follow=yes"])
def test_what_cannot_be_asked_for(client: Client, work: Workload, cluster: Cluster, query: str) -> None:
    answer = client.get(f"/api/v1/workloads/{work.pk}/logs/?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, query.partition("=")[0])
    headers = {"Last-Event-ID": "-1"}
    assert client.get(f"/api/v1/workloads/{work.pk}/logs/?follow=true", headers=headers).status_code == 400
    assert cluster.asked == []


def test_only_for_those_who_may_read_logs(work: Workload, project: OrgUnit, cluster: Cluster) -> None:
    viewer = make.make_user(role=make.VIEWER, scope=project)
    stranger = make.make_user(role=make.RESEARCHER, scope=make.make_project())
    for query in ("", "?follow=true"):
        url = f"/api/v1/workloads/{work.pk}/logs/{query}"
        assert "do not let you read logs" in make.signed_in(viewer).get(url).json()["detail"]
        assert make.signed_in(viewer).get(url).status_code == 403
        assert make.signed_in(stranger).get(url).status_code == 404
    assert cluster.asked == []


def test_lines_are_followed_each_once_until_the_pod_has_ended(client: Client, work: Workload, cluster: Cluster) -> None:
    pod = make.make_pod(work, phase=Pod.Phase.STARTING)
    assert told(client, work) == [], "it has not begun to write"
    Pod.objects.update(phase=Pod.Phase.RUNNING)
    heard = told(client, work, "&tail=2")
    assert heard == [("line", f"step {number}", BEGUN_NS + number * 10**9) for number in (1, 2)]
    assert told(client, work, last=heard[-1][2]) == []
    cluster.lines.append(LogLine("done", BEGUN_NS + 2 * 10**9 + 1))
    Pod.objects.update(phase=Pod.Phase.SUCCEEDED)
    last = told(client, work, f"&pod={pod.pk}", last=heard[-1][2])
    assert last == [("line", "done", BEGUN_NS + 2 * 10**9 + 1), ("end", "The pod has ended.", 0)]


def test_what_is_gone_or_not_there_yet(client: Client, work: Workload, cluster: Cluster) -> None:
    assert told(client, work) == [], "its pods are still to come"
    Workload.objects.update(is_active=False, state=Workload.State.COMPLETED, ended_at=timezone.now())
    ((event, text, _),) = told(client, work)
    assert (event, "No pod exists now" in text) == ("end", True)
    make.make_pod(work, name="lost", phase=Pod.Phase.RUNNING)
    assert told(client, work) == [("problem", "The cluster answers 404: it is gone.", 0)]


def test_a_simulated_cluster_says_that_it_runs_nothing(client: Client, work: Workload) -> None:
    make.make_pod(work, phase=Pod.Phase.RUNNING)
    found = client.get(f"/api/v1/workloads/{work.pk}/logs/").json()
    assert found["problem"] == "The cluster is simulated and runs nothing: its pods write nothing."
    ((event, text, _),) = told(client, work)
    assert (event, text) == ("problem", found["problem"])
