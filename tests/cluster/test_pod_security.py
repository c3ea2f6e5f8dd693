"""Pod Security levels of namespaces: what Bursar makes of them, and what the real API server does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, product
from typing import Any

import pytest

from orgs.models import ProjectInfo
from portal.actor import SYSTEM
from portal.errors import Refused
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.models import Workload
from scheduling.services.workload import workload_resume, workload_stop
from scheduling.services.workload_yaml import workload_submit_yaml
from scheduling.submitted_yaml import Wrong, read
from tests.cluster.api import MERGE_PATCH, ApiError
from tests.cluster.bursar import STATES, Bursar, at_work
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.documents import RESTRICTED, Document, container, job

number = count(1)
LEVEL = "pod-security.kubernetes.io/enforce"
SMALL = {"limits": {"cpu": "500m", "memory": "1Gi"}}
SECCOMP = [{}, {"type": "RuntimeDefault"}, {"type": "Localhost", "localhostProfile": "a.json"}, {"type": "Unconfined"}]


def labelled(level: str) -> Document:
    return {"metadata": {"labels": {LEVEL: level}}}


@pytest.fixture
def bursar(control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet) -> Iterator[Bursar]:
    with at_work(control_plane.api, gateway, kubelet, f"level-{next(number)}") as made:
        made.node("a")
        yield made


def level(bursar: Bursar, level: str) -> None:
    """Set by whoever administers the cluster, and followed."""
    bursar.api.patch(f"/api/v1/namespaces/{bursar.namespace}", labelled(level), MERGE_PATCH)
    of = ProjectInfo.objects.filter(pk=bursar.project.pk, restricted=level == "restricted")
    bursar.until(of.exists)


def submit(bursar: Bursar, document: Document) -> Workload:
    return workload_submit_yaml(actor=SYSTEM, project=bursar.project, manifest=document, pools=[bursar.pool.name])


@pytest.mark.django_db
@pytest.mark.postgres
def test_work_of_a_restricted_namespace_runs_by_itself_and_by_what_its_documents_say(bursar: Bursar) -> None:
    level(bursar, "restricted")
    for kind in (Workload.Kind.TRAINING, Workload.Kind.WORKSPACE, Workload.Kind.INFERENCE):
        bursar.running(f"form-{kind.value}", kind)
    own = [RESTRICTED["containers"][0] | {"resources": SMALL}]
    taken = submit(bursar, job("taken", **RESTRICTED | {"containers": own}))
    bursar.until_state(taken, STATES.RUNNING)
    with pytest.raises(Refused, match=r"allowPrivilegeEscalation: .* Write false\."):
        submit(bursar, job("refused"))


@pytest.mark.django_db
@pytest.mark.postgres
def test_a_changed_level_holds_for_what_starts_from_then_on(bursar: Bursar) -> None:
    before = bursar.running("before", Workload.Kind.INFERENCE)
    level(bursar, "restricted")
    bursar.running("restricted", Workload.Kind.INFERENCE)
    level(bursar, "baseline")
    (pod,) = bursar.pods(bursar.running("after", Workload.Kind.INFERENCE))
    (one,) = bursar.pods(before)
    assert [found["spec"]["containers"][0].get("securityContext") for found in (pod, one)] == [None, None]


@pytest.mark.django_db
@pytest.mark.postgres
def test_a_stopped_training_goes_on_with_the_pods_that_it_had(bursar: Bursar) -> None:
    """Its template cannot be changed: what the server says of its pods stands in the events."""
    workload = bursar.running("stopped")
    workload_stop(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.STOPPED)
    level(bursar, "restricted")
    workload_resume(actor=SYSTEM, workload=workload)

    def said() -> bool:
        events = bursar.api.items(f"/api/v1/namespaces/{bursar.namespace}/events")
        return any("violates PodSecurity" in event["message"] for event in events)

    bursar.until(said)
    workload.refresh_from_db()
    assert (workload.state, workload.state_message, bursar.pods(workload)) == (STATES.WAITING, "", [])


@pytest.mark.django_db
@pytest.mark.postgres
def test_a_privileged_namespace_stays_at_baseline(bursar: Bursar) -> None:
    level(bursar, "privileged")
    privileged = container(resources=SMALL, securityContext={"privileged": True})
    with pytest.raises(Refused, match="has its whole node"):
        submit(bursar, job(containers=[privileged]))
    bursar.running("plain")


def variations() -> list[Document]:
    """Pods that say something of everything that a level asks for, or nothing."""
    flags, users = (None, True, False), (None, 0, 1000)
    of_both = list(product(flags, users, SECCOMP))
    rights = list(
        product(
            (None, True, False), (None, ["ALL"], ["KILL", "ALL"], ["KILL"]), (None, ["NET_BIND_SERVICE"], ["CHOWN"])
        )
    )
    usual = [(None, None, {}), (True, 1000, SECCOMP[1])]
    chosen = random.Random(7)

    def context(shared: tuple[Any, ...], more: tuple[Any, ...] = (None, None, None)) -> Document:
        non_root, user, seccomp = shared
        escalates, drop, add = more
        capabilities = {name: some for name, some in (("drop", drop), ("add", add)) if some}
        said = {
            "runAsNonRoot": non_root,
            "runAsUser": user,
            "seccompProfile": seccomp or None,
            "allowPrivilegeEscalation": escalates,
            "capabilities": capabilities or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    def pod(of_pod: Any, first: Document, second: Document) -> Document:
        return {
            "securityContext": context(of_pod),
            "containers": [container(resources=SMALL, securityContext=first)],
            "initContainers": [container(name="start", resources=SMALL, securityContext=second)],
        }

    good = context((None, None, {}), (False, ["ALL"], None))
    every = [pod(one, good, good) for one in of_both]
    every += [pod(usual[1], context(usual[0], one), good) for one in rights]
    every += [pod(usual[1], good, context(usual[0], one)) for one in rights]
    every += [pod(usual[0], context(one, (False, ["ALL"], None)), good) for one in of_both]
    for _ in range(300):
        own = [
            context(chosen.choice(of_both + usual * 20), chosen.choice(rights + [(False, ["ALL"], None)] * 60))
            for _ in range(2)
        ]
        every.append(pod(chosen.choice(of_both + usual * 20), *own))
    return every


def test_bursar_lets_through_what_the_server_does(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.api.patch(f"/api/v1/namespaces/{namespace}", labelled("restricted"), MERGE_PATCH)
    verdicts = {True: 0, False: 0}
    for spec in variations():
        taken = True
        try:
            read(job(**spec), namespace, restricted=True)
        except Wrong:
            taken = False
        body = {"metadata": {"generateName": "a-"}, "spec": spec | {"automountServiceAccountToken": False}}
        said = ""
        try:
            control_plane.api.create(f"/api/v1/namespaces/{namespace}/pods", body, dryRun="All")
        except ApiError as error:
            said = str(error)
            assert "violates PodSecurity" in said
        assert taken == (not said), f"{spec}: {said}"
        verdicts[taken] += 1
    assert min(verdicts.values()) > 20, verdicts


def test_a_level_that_somebody_else_set_stays(control_plane: ControlPlane, gateway: KubernetesGateway) -> None:
    path = "/api/v1/namespaces/bursar-levels"
    assert not gateway.apply_namespace("bursar-levels", "levels").restricted
    assert control_plane.api.get(path)["metadata"]["labels"][LEVEL] == "baseline"
    control_plane.api.patch(path, labelled("restricted"), MERGE_PATCH)
    assert gateway.apply_namespace("bursar-levels", "levels").restricted
    assert gateway.apply_namespace("bursar-levels", "levels", adopted=True).restricted
    assert control_plane.api.get(path)["metadata"]["labels"][LEVEL] == "restricted"


def test_a_word_that_is_no_level_is_refused_by_the_server(control_plane: ControlPlane, namespace: str) -> None:
    with pytest.raises(ApiError, match="must be one of privileged, baseline, restricted"):
        control_plane.api.patch(f"/api/v1/namespaces/{namespace}", labelled("none"), MERGE_PATCH)
