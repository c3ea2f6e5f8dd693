"""Submit a document: the live answer, what is wrong by its path, the submission, and the document of a workload."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
import yaml
from django.test import Client

from orgs.models import OrgUnit, User
from quotas.models import Pool
from scheduling.models import Priority, Workload, WorkloadSpec
from tests import factories as make
from tests.documents import Document, container, job, job_set, stateful_set

pytestmark = pytest.mark.django_db
URL = "/submit/yaml/"
SECRET = {"name": "TOKEN", "value": "s3cret"}


@pytest.fixture
def pool(roomy_pool: Pool) -> Pool:
    return roomy_pool


@pytest.fixture
def client(researcher: User, pool: Pool) -> Client:
    return make.signed_in(researcher)


def typed(project: OrgUnit, document: Document | str, **changes: Any) -> dict[str, Any]:
    text = document if isinstance(document, str) else yaml.safe_dump(document)
    wishes = {"project": str(project.pk), "priority": "75", "minutes": "", "pools": ["a100"], "preemptible": "on"}
    return wishes | {"manifest": text} | changes


def said(client: Client, **data: Any) -> str:
    response = client.post(URL, data, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_the_first_look_asks_for_a_document(client: Client, project: OrgUnit) -> None:
    shown = unescape(client.get(URL).content.decode())
    assert "Paste a Job, a JobSet, a StatefulSet or a Deployment" in shown
    assert "There is no document yet." in shown
    assert URL in client.get("/submit/").content.decode()


def test_the_answer_follows_the_document(client: Client, project: OrgUnit) -> None:
    shown = said(client, **typed(project, job(pods=2)))
    assert "Distributed training train-1: 2 pods with 1 GPU, 4 cores and 16 GiB each." in shown
    assert "Starts now in a100 with 2 GPUs, all over quota." in shown
    assert "Waits" in said(client, **typed(project, job(pods=16)))


def test_a_job_set_is_a_training_of_several_groups(client: Client, project: OrgUnit) -> None:
    document = job_set(leader=1, workers=2)
    shown = said(client, **typed(project, document))
    assert "1 pod with 1 GPU, 4 cores and 16 GiB; 2 pods with 1 GPU, 4 cores and 16 GiB each." in shown
    assert "Starts now in a100 with 3 GPUs, all over quota." in shown
    client.post(URL, typed(project, document))
    workload = Workload.objects.get()
    assert (workload.kind, workload.pods_wanted) == (Workload.Kind.DISTRIBUTED, 3)
    assert list(workload.sub_groups.order_by("pk").values_list("name", "min_members")) == [
        ("leader", 1),
        ("workers", 2),
    ]
    shown = client.get(f"/workloads/{workload.pk}/").content.decode()
    assert "<dt>Image of leader</dt><dd><code>leader:1</code></dd>" in shown
    assert "<dt>Image of workers</dt><dd><code>workers:1</code></dd>" in shown
    again = yaml.safe_load(client.get(f"{URL}?from={workload.pk}").context["form"]["manifest"].value())
    assert [part["name"] for part in again["spec"]["replicatedJobs"]] == ["leader", "workers"]
    twice = typed(project, job_set("other", a=1, b=1))
    twice["manifest"] = twice["manifest"].replace("name: b", "name: a")
    refused = client.post(URL, twice).context["form"].errors["manifest"]
    assert refused == ["spec.replicatedJobs: a: There are two groups of this name. Name each differently."]


def test_an_image_of_all_groups_is_shown_once(client: Client, project: OrgUnit) -> None:
    document = typed(project, job_set(leader=1, workers=2))
    document["manifest"] = document["manifest"].replace("image: workers:1", "image: leader:1")
    client.post(URL, document)
    shown = client.get(f"/workloads/{Workload.objects.get().pk}/").content.decode()
    assert "<dt>Image</dt><dd><code>leader:1</code></dd>" in shown
    assert "Image of" not in shown


def test_what_would_be_refused_is_said_while_one_types(client: Client, project: OrgUnit) -> None:
    shown = said(client, **typed(project, job(hostPID=True)))
    assert "It would be refused:" in shown
    assert "spec.template.spec.hostPID: A pod has no part in its node's network or processes." in shown
    assert "not valid YAML in line 1" in said(client, **typed(project, "a: ["))
    huge = container(resources={"limits": {"cpu": 10**9, "memory": "9Ei", "nvidia.com/gpu": 10**9}})
    assert "Starts now" not in said(client, **typed(project, job(containers=[huge])))


def test_it_is_submitted(client: Client, project: OrgUnit, researcher: User) -> None:
    response = client.post(URL, typed(project, stateful_set()))
    workload = Workload.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/workloads/{workload.pk}/")
    assert (workload.kind, workload.priority, workload.name) == (Workload.Kind.WORKSPACE, Priority.HIGH, "notebook")
    assert workload.submitted_by == researcher.subject


def test_what_is_wrong_stands_at_the_document_and_nothing_typed_is_lost(client: Client, project: OrgUnit) -> None:
    text = yaml.safe_dump(job(nodeName="a", containers=[container(env=[SECRET])]))
    response = client.post(URL, typed(project, text))
    assert response.status_code == 422
    assert response.context["form"].errors == {
        "manifest": ["spec.template.spec.nodeName: Bursar chooses the node. Use nodeSelector."]
    }
    assert text in unescape(response.content.decode())
    client.post(URL, typed(project, job()))
    again = client.post(URL, typed(project, job()))
    assert again.status_code == 422
    assert "metadata.name: train-1 is still active" in again.context["form"].errors["manifest"][0]


def test_a_workload_that_came_as_a_document_is_edited_as_one(client: Client, project: OrgUnit) -> None:
    client.post(URL, typed(project, job(containers=[container(env=[SECRET])], nodeSelector={"zone": "a"})))
    workload = Workload.objects.get()
    link = client.get(f"/submit/?from={workload.pk}&change=preemptible")
    assert (link.status_code, link["Location"]) == (302, f"{URL}?from={workload.pk}&change=preemptible")
    page = client.get(link["Location"])
    document = yaml.safe_load(page.context["form"]["manifest"].value())
    assert document["metadata"]["name"] == "train-1-2"
    assert document["spec"]["template"]["spec"]["containers"][0]["env"] == [SECRET]
    assert client.post(URL, typed(project, document)).status_code == 302
    first, second = (one.spec for one in WorkloadSpec.objects.order_by("pk"))
    assert first == second

    other = make.signed_in(make.make_user(role=make.RESEARCHER, scope=project))
    assert "s3cret" not in other.get(f"{URL}?from={workload.pk}").content.decode()
    plain = make.make_workload("plain", project, workload.pool)
    assert client.get(f"{URL}?from={plain.pk}").context["source"] is None
