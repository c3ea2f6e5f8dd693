"""Work that came as YAML, on the real API server with its controllers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest

from portal.actor import SYSTEM
from scheduling.clusters.kubernetes import decode
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.clusters.kubernetes.seeing import requested
from scheduling.models import Workload
from scheduling.services.workload import workload_resume, workload_stop
from scheduling.services.workload_yaml import workload_submit_yaml
from tests.cluster.bursar import STATES, Bursar, at_work
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.test_kinds import ends
from tests.documents import Document, container, deployment, job, stateful_set
from tests.scheduling.submitted_yaml.test_reading import EVERYTHING

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
number = count(1)
SMALL = {"limits": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": 1}}


@pytest.fixture
def bursar(control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet) -> Iterator[Bursar]:
    with at_work(control_plane.api, gateway, kubelet, f"yaml-{next(number)}") as made:
        made.node("a")
        yield made


def submit(bursar: Bursar, document: Document, **beside: Any) -> Workload:
    return workload_submit_yaml(
        actor=SYSTEM, project=bursar.project, manifest=document, pools=[bursar.pool.name], **beside
    )


def test_a_job_with_volume_init_container_and_probe_runs_to_its_end(bursar: Bursar) -> None:
    main = container(
        resources=SMALL,
        volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}],
        readinessProbe={"exec": {"command": ["true"]}, "periodSeconds": 5},
    )
    start = container(name="fetch", resources={"requests": {"cpu": "1", "memory": "512Mi"}})
    workload = submit(
        bursar, job(volumes=[{"name": "scratch", "emptyDir": {}}], containers=[main], initContainers=[start])
    )
    assert (workload.requested_cpu_millicores, workload.requested_memory_bytes) == (1000, 2**30)
    bursar.until_state(workload, STATES.RUNNING)
    (pod,) = bursar.pods(workload)
    assert (pod["spec"]["schedulerName"], pod["metadata"]["labels"]["app"]) == ("bursar", "train-1")
    assert pod["spec"]["volumes"] == [{"name": "scratch", "emptyDir": {}}], "and no token"
    assert pod["spec"]["containers"][0]["readinessProbe"]["periodSeconds"] == 5
    assert requested(msgspec.convert(pod["spec"], decode.PodSpec), "cpu") == 1000
    ends(bursar, pod, 0)
    bursar.until_state(workload, STATES.COMPLETED)
    again = workload_resume(actor=SYSTEM, workload=workload)
    bursar.until_state(again, STATES.RUNNING)
    (pod,) = bursar.pods(again)
    assert pod["spec"]["volumes"] == [{"name": "scratch", "emptyDir": {}}]


def test_pods_of_a_distributed_training_find_each_other(bursar: Bursar) -> None:
    workload = submit(bursar, job(pods=2, containers=[container(resources=SMALL)]))
    bursar.until_state(workload, STATES.RUNNING)
    (made,) = bursar.objects(workload, "batch/v1/jobs")
    (service,) = bursar.objects(workload, "v1/services")
    assert made["spec"]["completionMode"] == "Indexed"
    for pod in bursar.pods(workload):
        found = {variable["name"]: variable.get("value") for variable in pod["spec"]["containers"][0]["env"]}
        name = service["metadata"]["name"]
        assert (found["MASTER_ADDR"], found["NNODES"]) == (f"{name}-0.{name}", "2")
        assert pod["spec"]["subdomain"] == name


@pytest.mark.parametrize("document", [stateful_set, deployment])
def test_other_kinds_are_stopped_and_resumed(bursar: Bursar, document: Any) -> None:
    workload = submit(bursar, document(containers=[container(resources=SMALL)]))
    bursar.until_state(workload, STATES.RUNNING)
    workload_stop(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.STOPPED)
    workload_resume(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.RUNNING)
    (pod,) = bursar.pods(workload)
    assert pod["metadata"]["labels"]["app"] in ("notebook", "serve")


def test_the_server_takes_everything_that_is_taken(bursar: Bursar) -> None:
    workload = submit(bursar, EVERYTHING)
    bursar.until(lambda: bursar.objects(workload, "batch/v1/jobs"))
    bursar.until(lambda: bursar.pods(workload))
    workload.refresh_from_db()
    assert workload.state_message == ""


def test_a_deployment_replaces_pods_one_by_one_and_bears_taints_for_a_while(bursar: Bursar) -> None:
    borne = {"key": "maintenance", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}
    document = deployment(containers=[container(resources=SMALL)], tolerations=[borne])
    document["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}
    workload = submit(bursar, document)
    bursar.until_state(workload, STATES.RUNNING)
    (made,) = bursar.objects(workload, "apps/v1/deployments")
    assert made["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    (pod,) = bursar.pods(workload)
    assert borne in pod["spec"]["tolerations"]


def test_what_the_server_refuses_stands_on_the_workload(bursar: Bursar) -> None:
    mounts = [{"name": "none-such", "mountPath": "/a"}]
    workload = submit(bursar, job(containers=[container(resources=SMALL, volumeMounts=mounts)]))

    def said() -> str:
        workload.refresh_from_db()
        return workload.state_message

    assert "volumeMounts[0].name" in bursar.until(said)
