"""What people apply of kinds that have controllers of their own, which make the pods for Bursar to place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count

import pytest

from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.models import Workload
from tests.cluster.api import ApiError, Object
from tests.cluster.bursar import STATES, Bursar, at_work
from tests.cluster.control_plane import ControlPlane
from tests.cluster.controllers.job_sets import job_sets
from tests.cluster.controllers.operators import leader_worker_sets, mpi_jobs, pytorch_jobs
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.test_found import Kind, ends, found, job, phases, template
from tests.cluster.waiting import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

number = count(1)


Working = Callable[[Callable[[ControlPlane], AbstractContextManager[None]]], AbstractContextManager[Bursar]]


@pytest.fixture
def working(
    controllers: None, control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet
) -> Working:
    """Bursar, beside the controller that is given."""

    @contextmanager
    def start(controller: Callable[[ControlPlane], AbstractContextManager[None]]) -> Iterator[Bursar]:
        # That comes first: the transaction of the test is not to stand still meanwhile.
        with (
            controller(control_plane),
            at_work(control_plane.api, gateway, kubelet, f"operators-{next(number)}") as made,
        ):
            yield made

    return start


def applied(bursar: Bursar, kind: str, version: str, spec: Object) -> None:
    """An object of the name `crew`, by hand. What looks after its kind may not answer at first."""
    path = f"/apis/{version}/namespaces/{bursar.namespace}/{kind.lower()}s"
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "crew"}, "spec": spec}

    def made() -> Object | None:
        with suppress(ApiError):
            return bursar.api.create(path, body)
        return None

    eventually(made)
    bursar.end()
    bursar.watch()


def of_role(bursar: Bursar, replicas: int, gpus: int, container: str) -> Object:
    made = template(bursar, gpus)
    made["spec"]["containers"][0]["name"] = container
    return {"replicas": replicas, "restartPolicy": "Never", "template": made}


def waits_for_all(bursar: Bursar, origin: str, pods: int, gpus: int) -> Workload:
    """It is found, waits as long as there is no room for all of its pods, and then runs."""
    bursar.node("a", gpus=gpus - 1)
    row = found(bursar, origin, STATES.WAITING)
    bursar.until(lambda: bursar.api.items(f"/api/v1/namespaces/{bursar.namespace}/pods"))
    row.refresh_from_db()
    assert row.state == STATES.WAITING
    bursar.node("b", gpus=gpus)
    row = found(bursar, origin)
    bursar.until(lambda: row.pods.count() == pods)
    row.refresh_from_db()
    assert (row.pods_wanted, row.requested_gpu_milli) == (pods, gpus * 1000)
    assert not Workload.objects.exclude(pk=row.pk).filter(project=bursar.project).exists(), "its parts are none"
    return row


def test_a_job_set(working: Working) -> None:
    with working(job_sets) as bursar:
        parts = [{"name": "lead", "template": {"spec": job(1, template(bursar, 0))}}]
        parts.append({"name": "work", "replicas": 2, "template": {"spec": job(2, template(bursar, 1))}})
        applied(bursar, "JobSet", "jobset.x-k8s.io/v1alpha2", {"replicatedJobs": parts})
        row = waits_for_all(bursar, "JobSet/crew", pods=5, gpus=4)
        assert row.kind == Kind.OTHER
        for pod in row.pods.all():
            ends(bursar, pod)
        found(bursar, "JobSet/crew", STATES.COMPLETED)


def test_a_pytorch_job(working: Working) -> None:
    with working(pytorch_jobs) as bursar:
        parts = {"Master": of_role(bursar, 1, 1, "pytorch"), "Worker": of_role(bursar, 2, 2, "pytorch")}
        applied(bursar, "PyTorchJob", "kubeflow.org/v1", {"pytorchReplicaSpecs": parts})
        row = waits_for_all(bursar, "PyTorchJob/crew", pods=3, gpus=5)
        assert sorted(row.sub_groups.values_list("wanted", "min_members")) == [(1, 1), (2, 2)]
        for pod in row.pods.all():
            ends(bursar, pod)
        found(bursar, "PyTorchJob/crew", STATES.COMPLETED)


def test_an_mpi_job_whose_launcher_is_a_job(working: Working) -> None:
    with working(mpi_jobs) as bursar:
        parts = {"Launcher": of_role(bursar, 1, 0, "mpi"), "Worker": of_role(bursar, 2, 2, "mpi")}
        applied(bursar, "MPIJob", "kubeflow.org/v2beta1", {"mpiReplicaSpecs": parts})
        row = waits_for_all(bursar, "MPIJob/crew", pods=3, gpus=4)
        for pod in row.pods.filter(name__contains="launcher"):
            ends(bursar, pod)
        found(bursar, "MPIJob/crew", STATES.COMPLETED)


def test_a_leader_worker_set(working: Working) -> None:
    with working(leader_worker_sets) as bursar:
        crew = {"size": 2, "workerTemplate": template(bursar, 1)}
        applied(bursar, "LeaderWorkerSet", "leaderworkerset.x-k8s.io/v1", {"replicas": 2, "leaderWorkerTemplate": crew})
        row = waits_for_all(bursar, "LeaderWorkerSet/crew", pods=4, gpus=4)
        assert phases(row) == [3] * 4
