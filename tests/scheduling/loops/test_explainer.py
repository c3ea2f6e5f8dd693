"""Pods say why they wait: each once, again when that changes, slowly, and only while it may."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import ClusterInfo, OrgUnit
from quotas.models import Pool
from scheduling.clusters.orders import PodReason
from scheduling.clusters.simulated import SimulatedGateway
from scheduling.engine.decisions import WaitCode
from scheduling.loops import explainer
from scheduling.loops.explainer import Explainer, reason_word
from scheduling.loops.wanted import wanted_leases
from scheduling.models import WaitClass, Workload
from tests.factories import make_cluster, make_node, make_pod, make_waiting, make_workload

from .world import taken

pytestmark = pytest.mark.django_db(transaction=True)


class Listening(SimulatedGateway):
    def __init__(self, cluster: int) -> None:
        super().__init__(cluster)
        self.heard: list[PodReason] = []
        self.is_busy = False

    def explain(self, why: PodReason) -> bool:
        if not self.is_busy:
            self.heard.append(why)
        return not self.is_busy


class Told:
    """An explainer, and what it says in a look."""

    def __init__(self, cluster: OrgUnit) -> None:
        self.gateway = Listening(cluster.pk)
        self.explainer = Explainer(cluster.pk)
        self.tenure = taken(f"explainer:cluster:{cluster.pk}")

    def look(self) -> list[PodReason]:
        self.gateway.heard = []
        self.explainer.look(self.gateway, self.tenure, threading.Event())
        return self.gateway.heard


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explainer, "APART_SECONDS", 0)


@pytest.fixture
def told(project: OrgUnit) -> Told:
    assert project.cluster is not None
    return Told(project.cluster)


def waiting(project: OrgUnit, pool: Pool, code: str = WaitCode.SHORT, **numbers: Any) -> Workload:
    long_ago = timezone.now() - timedelta(minutes=1)
    workload = make_workload("w", project, pool, created_at=long_ago)
    make_waiting(workload, code, **({"resource": "gpu_milli", "short": 1000, "requested": 1000, "free": 0} | numbers))
    return workload


def test_each_pod_that_waits_says_why_once(told: Told, project: OrgUnit, pool: Pool) -> None:
    workload = waiting(project, pool)
    pods = [make_pod(workload), make_pod(workload)]
    make_pod(workload, make_node(pool))
    first = told.look()
    assert {why.uid for why in first} == {pod.uid for pod in pods}
    why = first[0]
    assert (why.namespace, why.reason) == (project.project_info.namespace, "Unschedulable")
    assert why.message.startswith(f"Waits for room in {pool.name}: ")
    assert told.look() == []
    added = make_pod(workload)
    assert [why.uid for why in told.look()] == [added.uid]


def test_what_only_just_began_to_wait_is_left_alone(told: Told, project: OrgUnit, pool: Pool) -> None:
    workload = make_workload("w", project, pool)
    make_waiting(workload, WaitCode.SHORT)
    make_pod(workload)
    assert told.look() == []


def test_another_reason_comes_after_seconds_and_other_figures_after_minutes(
    told: Told, project: OrgUnit, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pod(waiting(project, pool, short=1000))
    (before,) = told.look()
    WaitClass.objects.update(numbers={"resource": "gpu_milli", "short": 2000, "requested": 3000, "free": 1000})
    assert told.look() == []
    monkeypatch.setattr(explainer, "FIGURES_AFTER_SECONDS", 0)
    (figures,) = told.look()
    assert (figures.reason, figures.message == before.message) == (before.reason, False)
    WaitClass.objects.update(code=WaitCode.BLOCKED, numbers={"unit": project.pk})
    assert told.look() == []
    monkeypatch.setattr(explainer, "OTHER_AFTER_SECONDS", 0)
    (other,) = told.look()
    assert (other.reason, project.name in other.message) == ("Blocked", True)


def test_who_could_not_be_told_is_told_later_and_so_many_at_once(
    told: Told, project: OrgUnit, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = waiting(project, pool)
    pods = {make_pod(workload).uid for _ in range(5)}
    told.gateway.is_busy = True
    assert told.look() == []
    told.gateway.is_busy = False
    monkeypatch.setattr(explainer, "MOST_AT_ONCE", 3)
    looks = [[why.uid for why in told.look()] for _ in range(3)]
    assert [len(uids) for uids in looks] == [3, 2, 0]
    assert {uid for uids in looks for uid in uids} == pods


def test_nothing_is_said_under_a_lease_that_is_lost(
    told: Told, project: OrgUnit, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pod(waiting(project, pool))
    monkeypatch.setattr(told.tenure, "may_call", lambda: False)
    assert told.look() == []


def test_a_look_takes_the_same_queries_for_one_pod_and_for_many(
    told: Told, project: OrgUnit, pool: Pool, django_assert_num_queries: Any
) -> None:
    workload = waiting(project, pool, WaitCode.BLOCKED, unit=project.pk)
    for _ in range(6):
        make_pod(workload)
    with django_assert_num_queries(4):
        assert len(told.look()) == 6


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (WaitCode.SHORT, "Unschedulable"),
        (WaitCode.NO_READY_NODE, "Unschedulable"),
        (WaitCode.OVER_QUOTA_OFF, "OverQuotaOff"),
        (WaitCode.BACKING_OFF, "BackingOff"),
    ],
)
def test_only_what_another_node_would_help_is_called_unschedulable(code: WaitCode, word: str) -> None:
    assert reason_word(code) == word


def test_simulated_clusters_have_nobody_to_tell() -> None:
    simulated, real = make_cluster(), make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
    found = {item.cluster for item in wanted_leases() if item.explains}
    assert (real.pk in found, simulated.pk in found) == (True, False)
