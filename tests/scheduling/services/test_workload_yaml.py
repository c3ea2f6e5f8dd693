"""Submitting documents: as every other workload, and what becomes of it later."""

from __future__ import annotations

from typing import Any

import pytest

from orgs.access import Forbidden
from orgs.models import ClusterInfo, OrgUnit, ProjectInfo, User
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Pool
from scheduling.loops.reconcile import _objects
from scheduling.models import Priority, SubGroup, Workload, WorkloadSpec
from scheduling.selectors.detail import wishes_of
from scheduling.services.workload import same_again, workload_resume
from scheduling.services.workload_yaml import workload_submit_yaml
from tests import factories as make
from tests.documents import RESTRICTED, Document, container, deployment, job

pytestmark = pytest.mark.django_db
GIB = 1024**3
SECRET = {"name": "TOKEN", "value": "s3cret"}
KUBERNETES = ClusterInfo.Mode.KUBERNETES


def submit(user: User | None, project: OrgUnit, document: object, **beside: Any) -> Workload:
    return workload_submit_yaml(actor=make.actor_of(user), project=project, manifest=document, **beside)


def on_kubernetes(project: OrgUnit) -> None:
    ClusterInfo.objects.filter(unit=project.cluster_id).update(mode=KUBERNETES)


def refusal(project: OrgUnit, document: object, **beside: Any) -> dict[str, list[str]]:
    with pytest.raises(Refused) as caught:
        submit(None, project, document, **beside)
    return caught.value.message_dict


def ended(workload: Workload) -> Workload:
    workload.state, workload.is_active, workload.ended_at = workload.State.FAILED, False, workload.created_at
    workload.save()
    return workload


def test_a_document_is_a_workload_like_the_others(researcher: User, project: OrgUnit, pool: Pool) -> None:
    document = job(pods=4, nodeSelector={"zone": "a"})
    made = submit(researcher, project, document, priority=Priority.HIGH, preemptible=False, pools=["a100"])
    assert (made.kind, made.name, made.image) == (Workload.Kind.DISTRIBUTED, "train-1", "python:3.12")
    assert (made.priority, made.preemptible, made.submitted_by) == (Priority.HIGH, False, researcher.subject)
    assert (made.requested_gpu_milli, made.requested_cpu_millicores) == (4000, 16000)
    group = SubGroup.objects.get(workload=made)
    assert (group.wanted, group.min_members, group.placement) == (4, 4, {"nodes": {"zone": "a"}})
    assert AuditEvent.objects.get(action="submit").entity_id == made.pk


def test_the_cluster_is_given_what_was_checked(project: OrgUnit, pool: Pool) -> None:
    made = submit(None, project, deployment(containers=[container(env=[SECRET])]))
    ((given, _),) = _objects([made.pk])
    assert given.manifest["template"]["spec"]["containers"][0]["env"] == [SECRET]
    assert given.key.kind == "inference"


@pytest.mark.parametrize(("mode", "tries"), [(KUBERNETES, 6), (ClusterInfo.Mode.SIMULATED, 0)])
def test_a_job_is_tried_again_where_that_is_of_use(project: OrgUnit, pool: Pool, mode: str, tries: int) -> None:
    ClusterInfo.objects.filter(unit=project.cluster_id).update(mode=mode)
    assert WorkloadSpec.objects.get(workload=submit(None, project, job())).spec["retries"] == tries


def test_the_namespace_is_that_of_the_project(project: OrgUnit, pool: Pool) -> None:
    document: Document = job()
    document["metadata"]["namespace"] = "kube-system"
    assert "metadata.namespace: Work of this project runs in" in refusal(project, document)["manifest"][0]
    document["metadata"]["namespace"] = ProjectInfo.objects.get(pk=project.pk).namespace
    assert submit(None, project, document).project == project


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (job("a" * 60), "metadata.name: 60 characters are too many."),
        (job("7-days"), "metadata.name: Use small letters"),
        (job(pods=2000), "spec.parallelism: This must be a whole number from 1 to 1000"),
        (job(nodeSelector={"a b": "c"}), "spec.template.spec.nodeSelector: This is no label key."),
        (
            job(tolerations=[{"operator": "Exists", "effect": "a"}]),
            "spec.template.spec.tolerations: There is no",
        ),
        (
            job(containers=[container(resources={"limits": {"cpu": 1, "memory": "1Gi", "nvidia.com/gpu": 65}})]),
            "spec.template.spec.containers: 65 is outside 0 to 64 GPUs per pod.",
        ),
        ("a: [", "It is not valid YAML in line 1."),
    ],
)
def test_refusals_name_the_document_and_the_path(project: OrgUnit, pool: Pool, document: object, words: str) -> None:
    (found,) = refusal(project, document)["manifest"]
    assert found.startswith(words)


def test_what_stands_beside_is_refused_by_its_own_name(project: OrgUnit, pool: Pool) -> None:
    assert list(refusal(project, job(), priority=51)) == ["priority"]
    assert list(refusal(project, job(), pools=["none-such"])) == ["pools"]
    submit(None, project, job())
    assert "metadata.name: train-1 is still active" in refusal(project, job())["manifest"][0]


def test_a_long_list_of_problems_is_cut(project: OrgUnit) -> None:
    lines = refusal(project, job(**{f"field{number}": 1 for number in range(50)}))["manifest"]
    assert (len(lines), lines[-1]) == (21, "And 30 more.")


def test_who_may_not_submit_such_work_may_not_by_a_document(project: OrgUnit, pool: Pool) -> None:
    with pytest.raises(Forbidden):
        submit(make.make_user(role=make.VIEWER, scope=project), project, job())


def test_run_again_it_is_the_same(project: OrgUnit, pool: Pool) -> None:
    on_kubernetes(project)
    made = ended(submit(None, project, job(containers=[container(env=[SECRET])])))
    again = workload_resume(actor=make.actor_of(), workload=made)
    assert again.pk != made.pk
    first, second = (WorkloadSpec.objects.get(workload=one).spec for one in (made, again))
    assert first == second


def test_others_do_not_get_the_values_of_variables(project: OrgUnit, pool: Pool) -> None:
    made = submit(None, project, job(containers=[container(env=[SECRET])]))
    assert "s3cret" in str(same_again(made))
    assert "s3cret" not in str(same_again(made, with_env=False))


def test_in_a_restricted_namespace_documents_have_to_satisfy_that(project: OrgUnit, pool: Pool) -> None:
    before = ended(submit(None, project, job()))
    ProjectInfo.objects.filter(pk=project.pk).update(restricted=True)
    (first, *_) = refusal(project, job("other"))["manifest"]
    assert first.startswith("spec.template.spec.securityContext.runAsNonRoot: The namespace of this project is")
    with pytest.raises(Refused, match=r"capabilities\.drop"):
        workload_resume(actor=make.actor_of(None), workload=before)
    assert submit(None, project, job("other", **RESTRICTED)).name == "other"
    ProjectInfo.objects.filter(pk=project.pk).update(restricted=False)
    assert workload_resume(actor=make.actor_of(None), workload=before).name == "train-1"


def test_how_long_a_taint_is_borne_stays(project: OrgUnit, pool: Pool) -> None:
    borne = {"key": "a.b/c", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
    made = submit(None, project, job(tolerations=[borne, {"operator": "Exists", "effect": "NoSchedule"}]))
    ((given, _),) = _objects([made.pk])
    assert given.tolerations[0] == borne
    assert same_again(made)["tolerations"][0] == borne
    told = wishes_of(made, SubGroup.objects.get(workload=made))
    assert told == [("Tolerates", "a.b/c:NoExecute for 30 s, every taint:NoSchedule")]
    words = "tolerationSeconds is a whole number, and needs the effect NoExecute."
    found = refusal(project, job("other", tolerations=[borne | {"effect": "NoSchedule"}]))
    assert found == {"manifest": [f"spec.template.spec.tolerations: {words}"]}
