"""Workloads by the API: tried before they are submitted, cloned, and explained."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from orgs.models import OrgUnit, User
from quotas.models import Pool
from scheduling.models import Decision, Question, SubGroup, Workload, WorkloadSpec
from tests import factories as make
from tests.documents import container, job

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


@pytest.fixture
def pool(roomy_pool: Pool) -> Pool:
    return roomy_pool


@pytest.fixture
def client(researcher: User) -> Client:
    return make.signed_in(researcher)


def wanted(project: OrgUnit, devices: int) -> dict[str, Any]:
    shape = {"devices": devices, "cpu_millicores": 4000, "memory_bytes": 2**30, "pools": ["a100"]}
    return {"project": project.pk, "kind": "training", "name": "train-1", "image": "python:3.12", **shape}


def test_a_submission_is_tried_as_submit_answers(client: Client, project: OrgUnit, pool: Pool) -> None:
    url = "/api/v1/workloads/?dry_run=true"
    (first, *_) = client.post(url, wanted(project, 4), content_type=JSON).json()["effect"]
    assert (first["text"], first["figure"], first["tone"]) == (
        "Starts now in a100 with 4 GPUs, all over quota.",
        "a100",
        "kept",
    )
    waits = client.post(url, wanted(project, 8), content_type=JSON).json()["effect"]
    assert "ahead" not in waits[0]["names"], "it does not stand in line before itself"
    assert [line["text"] for line in waits[1:]] == ["6 GPUs a pod instead of 8"]
    assert not Workload.objects.exists()


def test_a_clone_is_the_same_but_for_what_is_sent(client: Client, project: OrgUnit, pool: Pool) -> None:
    made = client.post("/api/v1/workloads/", wanted(project, 4) | {"env": {"TOKEN": "s3cret"}}, content_type=JSON)
    url = f"/api/v1/workloads/{made.json()['id']}/clone/"
    clone = client.post(url, {"cpu_millicores": 8000}, content_type=JSON)
    assert clone.status_code == 201
    assert clone.json()["name"] == "train-1-2"
    group = SubGroup.objects.get(workload=clone.json()["id"])
    assert (group.devices, group.cpu_millicores) == (4, 8000)
    assert WorkloadSpec.objects.get(workload=clone.json()["id"]).spec["env"] == {"TOKEN": "s3cret"}
    other = make.signed_in(make.make_user(role=make.RESEARCHER, scope=project))
    theirs = other.post(url, {"name": "mine"}, content_type=JSON).json()
    assert WorkloadSpec.objects.get(workload=theirs["id"]).spec["env"] == {}, "secrets of whoever submitted it"


def test_a_document_is_tried_submitted_once_and_cloned(client: Client, project: OrgUnit, pool: Pool) -> None:
    url, variable = "/api/v1/workloads/from-manifest/", {"name": "TOKEN", "value": "s3cret"}
    document = job(pods=2, containers=[container(env=[variable])])
    sent = {"project": project.pk, "manifest": yaml.safe_dump(document), "priority": "high", "pools": ["a100"]}
    tried = client.post(f"{url}?dry_run=true", sent, content_type=JSON).json()
    assert tried["effect"][0]["text"] == "Starts now in a100 with 2 GPUs, all over quota."
    assert not Workload.objects.exists()
    made = [client.post(url, sent, content_type=JSON, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    assert (made[0].json()["kind"], made[0].json()["priority"]) == ("distributed training", "high")
    assert "s3cret" not in made[0].content.decode()

    clone_url = f"/api/v1/workloads/{made[0].json()['id']}/clone/"
    refused = client.post(clone_url, {"devices": 4, "image": "a"}, content_type=JSON).json()["errors"]
    assert [error["pointer"] for error in refused] == ["/devices", "/image"]
    assert "Submit that with the change." in refused[0]["detail"]
    clone = client.post(clone_url, {"priority": "low"}, content_type=JSON).json()
    assert "s3cret" in str(WorkloadSpec.objects.get(workload=clone["id"]).spec)
    other = make.signed_in(make.make_user(role=make.RESEARCHER, scope=project))
    theirs = other.post(clone_url, {}, content_type=JSON).json()
    assert "s3cret" not in str(WorkloadSpec.objects.get(workload=theirs["id"]).spec), "secrets of whoever submitted it"


def test_what_is_wrong_with_a_document_is_said_by_its_path(client: Client, project: OrgUnit, pool: Pool) -> None:
    url = "/api/v1/workloads/from-manifest/"
    hostile = job(nodeName="a", volumes=[{"name": "a", "hostPath": {"path": "/"}}])
    answer = client.post(url, {"project": project.pk, "manifest": hostile}, content_type=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/manifest", "detail": "spec.template.spec.nodeName: Bursar chooses the node. Use nodeSelector."},
        {
            "pointer": "/manifest",
            "detail": "spec.template.spec.volumes[0].hostPath: A pod may not reach the files of its node. "
            "Use a persistentVolumeClaim.",
        },
    ]
    for odd in ("a: [", "", 7, [], True):
        answer = client.post(url, {"project": project.pk, "manifest": odd}, content_type=JSON)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/manifest")


def test_what_its_cluster_kept_goes_on_and_else_there_is_a_new_one(
    client: Client, project: OrgUnit, pool: Pool, researcher: User
) -> None:
    stopped = {"state": Workload.State.STOPPED, "desired": Workload.Desired.STOPPED, "by": researcher}
    kept = make.make_workload("kept", project, pool, applied=True, **stopped)
    tried = client.post(f"/api/v1/workloads/{kept.pk}/resume/?dry_run=true")
    assert (tried.status_code, tried.json()["result"]["id"]) == (200, kept.pk)
    headers = {"Idempotency-Key": "once"}
    for _ in range(2):
        goes_on = client.post(f"/api/v1/workloads/{kept.pk}/resume/", {}, content_type=JSON, headers=headers)
        assert (goes_on.status_code, goes_on.json()["id"]) == (200, kept.pk)
        assert "Location" not in goes_on
    lost = make.make_workload("lost", project, pool, **stopped)
    again = client.post(f"/api/v1/workloads/{lost.pk}/resume/")
    assert (again.status_code, again.json()["name"]) == (201, "lost")
    assert again["Location"].endswith(f"/api/v1/workloads/{again.json()['id']}/")
    assert again.json()["id"] != lost.pk


def test_what_waits_is_explained_as_on_its_page(client: Client, project: OrgUnit, pool: Pool, researcher: User) -> None:
    workload = make.make_workload("nerf-city", project, pool, gpus=8, by=researcher)
    numbers = {"resource": "gpu_milli", "pods": 1, "requested": 8000, "slots": 0, "free": 10000, "largest": 6000}
    make.make_waiting(workload, "fragmented", **numbers)
    url = f"/api/v1/workloads/{workload.pk}"
    told = client.get(f"{url}/explain/").json()
    assert told["sentence"].startswith("Waits for room in a100")
    assert told["ahead"] == 0
    (chain,) = told["pools"]
    assert (chain["pool"], chain["waits_here"]) == ("a100", True)
    assert [step["step"] for step in chain["steps"]] == ["limit", "guarantee", "fair share", "room"]
    assert (told["answer"]["state"], told["answer"]["waits"]) == ("never", False)

    tried = client.post(f"{url}/ask/?dry_run=true")
    assert tried.json()["dry_run"]
    assert not Question.objects.exists()
    assert client.post(f"{url}/ask/").json()["answer"]["waits"]
    Question.objects.all().delete()
    remedy = {"code": "fewer_devices", "numbers": {"devices": 6, "instead_of": 8}, "raises": [], "units": []}
    attempt = {"step": "reclaim", "code": "nobody_above", "numbers": {}}
    make.make_answer(workload, [attempt], [remedy | {"is_least": True}])
    answer = client.get(f"{url}/explain/").json()["answer"]
    assert (answer["state"], answer["cycle"]) == ("known", 48_211)
    assert [one["title"] for one in answer["helps"]] == ["6 GPUs a pod instead of 8"]
    assert [way["sign"] for way in answer["ways"]] == ["dash", "dash", "cross", "dash"]


def test_what_has_ended_is_explained_without_a_question(client: Client, project: OrgUnit, pool: Pool) -> None:
    ended = make.make_workload("done", project, pool, state=Workload.State.COMPLETED)
    told = client.get(f"/api/v1/workloads/{ended.pk}/explain/").json()
    assert told["sentence"].startswith("Completed")
    assert (told["pools"], told["answer"], told["ahead"]) == ([], None, None)
    assert client.post(f"/api/v1/workloads/{ended.pk}/ask/").status_code == 200
    assert not Question.objects.exists()


def test_decisions_tell_as_much_as_one_may_know(client: Client, project: OrgUnit, pool: Pool) -> None:
    own = make.make_workload("mine", project, pool)
    theirs = make.make_workload("hidden", make.make_project(), pool, gpus=4)
    node = make.make_node(pool=pool)
    common = {"pool": pool.pk, "epoch": 1, "cycle": 7, "pod_uid": "u", "node": node.pk, "deadline_at": timezone.now()}
    Decision.objects.create(kind=Decision.Kind.PLACE, workload=theirs.pk, batch=theirs.pk, pod=1, **common)
    evicted = {"workload": own.pk, "for_workload": theirs.pk, "code": "preempt", "batch": theirs.pk, "pod": 2}
    Decision.objects.create(kind=Decision.Kind.EVICT, **evicted, **common)
    url = f"/api/v1/decisions/?pool={pool.pk}&cycle=7"
    (told,) = client.get(url).json()["items"]
    assert told["workload"] == {"id": own.pk, "name": "mine"}
    assert told["reason"].startswith("Stopped for a workload of another department, 4 GPUs")
    assert told["node"] is None, "who may not see nodes"
    everything = make.signed_in(make.make_user(role=make.ADMIN)).get(url).json()["items"]
    assert [one["workload"]["name"] for one in everything] == ["mine", "hidden"], "the newest first"
    assert everything[0]["node"]["name"] == node.name
    assert client.get(f"{url}&since=yesterday").status_code == 400
    assert client.get(f"{url}&since=2998-01-01T00:00:00Z").json()["items"] == []


def test_what_was_found_says_as_what_and_is_not_cloned(client: Client, project: OrgUnit, pool: Pool) -> None:
    pod = make.make_workload("alone", project, pool, kind=Workload.Kind.OTHER, origin="Pod/alone")
    shown = client.get(f"/api/v1/workloads/{pod.pk}/").json()
    assert (shown["kind"], shown["origin"]) == ("other", {"kind": "Pod", "name": "alone"})
    submitted = make.make_workload("train", project, pool)
    assert client.get(f"/api/v1/workloads/{submitted.pk}/").json()["origin"] is None
    refused = client.post(f"/api/v1/workloads/{pod.pk}/clone/", {}, content_type=JSON)
    assert refused.status_code == 422
    assert "Pod alone was found in the cluster" in refused.content.decode()
