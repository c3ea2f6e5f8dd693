"""What a submitted workload may be made of: groups of pods, GPU memory, wishes of nodes, nearness, delays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orgs.models import ClusterInfo, OrgUnit
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Pool, Topology
from scheduling.models import SubGroup, Workload
from scheduling.services.workload import workload_resume, workload_submit
from scheduling.services.workload_rules import PodGroup
from tests import factories as make

pytestmark = pytest.mark.django_db
GIB = 1024**3
HALL, RACK = "example.org/hall", "example.org/rack"
LAUNCHER = PodGroup("launcher", pods=1, cpu_millicores=500, memory_bytes=GIB)


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    return make.make_pool("h100", cluster=project.cluster)


@pytest.fixture
def racks(project: OrgUnit) -> Topology:
    return make.make_topology("racks", project.cluster, [HALL, RACK])


def submit(project: OrgUnit, **changes: Any) -> Workload:
    values: dict[str, Any] = {"kind": Workload.Kind.DISTRIBUTED, "name": "train-1", "image": "python:3.12"}
    values |= {"cpu_millicores": 4000, "memory_bytes": 16 * GIB, "devices": 2, "pods": 4, "pools": ["h100"]}
    return workload_submit(actor=make.actor_of(), project=project, **(values | changes))


def refusal(project: OrgUnit, **changes: Any) -> dict[str, list[str]]:
    with pytest.raises(Refused) as refused:
        submit(project, **changes)
    assert not Workload.objects.exists()
    found: dict[str, list[str]] = refused.value.message_dict
    return found


def test_groups_of_pods(project: OrgUnit, pool: Pool) -> None:
    evaluator = PodGroup("evaluator", 2, 1000, GIB, min_pods=1, devices=1, device_milli=500)
    workload = submit(project, more_groups=[LAUNCHER, evaluator])
    groups = list(SubGroup.objects.filter(workload=workload).order_by("pk"))
    assert [(g.name, g.wanted, g.min_members, g.devices, g.device_milli) for g in groups] == [
        ("workers", 4, 4, 2, 1000),
        ("launcher", 1, 1, 0, 1000),
        ("evaluator", 2, 1, 1, 500),
    ]
    assert len({group.request_class for group in groups}) == 1, "they wait for one reason"
    assert (workload.pods_wanted, workload.requested_gpu_milli) == (7, 9000)
    assert workload.requested_cpu_millicores == 16_000 + 500 + 2000
    after = AuditEvent.objects.get(action="submit").after
    assert [group["name"] for group in after["more_groups"]] == ["launcher", "evaluator"]
    other = submit(project, name="other", more_groups=[LAUNCHER])
    assert other.sub_groups.first().request_class != groups[0].request_class  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"more_groups": [LAUNCHER], "kind": Workload.Kind.TRAINING}, "more_groups", "Only distributed training"),
        ({"more_groups": [LAUNCHER, LAUNCHER]}, "more_groups", "launcher: There are two groups of this name"),
        ({"more_groups": [LAUNCHER], "group": "launcher"}, "more_groups", "two groups of this name"),
        ({"more_groups": [PodGroup("x", 0, 500, GIB)]}, "more_groups", "x: 0 is outside 1 to 1,000 pods"),
        ({"more_groups": [PodGroup("x", 1, 500, GIB, min_pods=2)]}, "more_groups", "x: 2 is more than its 1 pod."),
        ({"more_groups": [PodGroup("X y", 1, 500, GIB)]}, "more_groups", "small letters"),
        ({"min_pods": 5}, "min_pods", "5 is more than its 4 pods. Start with fewer."),
        ({"gpu_memory_mib": 1024, "devices": 0}, "gpu_memory_mib", "There is no GPU to take memory of"),
        ({"gpu_memory_mib": 1024, "device_milli": 500}, "gpu_memory_mib", "a share or for GPU memory, not for both"),
        ({"node_labels": {"a b": "c"}}, "node_labels", "This is no label key"),
        ({"node_labels": {"a": "c d"}}, "node_labels", "This is no label value"),
        ({"tolerations": [{"key": "a", "effect": "PreferNoSchedule"}]}, "tolerations", "NoSchedule or NoExecute"),
        ({"tolerations": [{"key": "a", "tolerationSeconds": 30}]}, "tolerations", "needs the effect NoExecute"),
        ({"near_required": HALL}, "near_topology", "Choose one of its levels"),
        ({"preemption_delay_seconds": -60}, "preemption_delay_seconds", "0 to 43,200 minutes"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(
    project: OrgUnit, pool: Pool, changes: dict[str, Any], field: str, says: str
) -> None:
    found = refusal(project, **changes)
    assert list(found) == [field]
    assert says in found[field][0]


def test_a_training_may_start_with_some_of_its_pods(project: OrgUnit, pool: Pool) -> None:
    workload = submit(project, kind=Workload.Kind.TRAINING, min_pods=2)
    group = SubGroup.objects.get(workload=workload)
    assert (group.wanted, group.min_members) == (4, 2)


def test_gpu_memory_counts_as_its_part_of_the_smallest_gpu(project: OrgUnit, pool: Pool) -> None:
    whole = submit(project, name="early", gpu_memory_mib=20 * 1024, devices=1, pods=2)
    assert whole.requested_gpu_milli == 2000, "without a node nothing better is known"
    make.make_node(pool=pool, gpu_memory_bytes=80 * GIB)
    make.make_node(pool=pool, gpu_memory_bytes=40 * GIB)
    make.make_node(pool=pool, gpus=0)
    workload = submit(project, gpu_memory_mib=20 * 1024, devices=1, pods=2)
    assert workload.requested_gpu_milli == 1000
    group = SubGroup.objects.get(workload=workload)
    assert (group.devices, group.device_milli, group.gpu_memory_mib) == (1, 1000, 20 * 1024)


def test_wishes_of_nodes_are_those_of_every_group(project: OrgUnit, pool: Pool) -> None:
    tolerations = [{"key": "gpu", "value": "yes", "effect": "NoExecute"}, {"operator": "Exists"}]
    workload = submit(project, node_labels={"rack": "r7"}, tolerations=tolerations, more_groups=[LAUNCHER])
    expected = {
        "nodes": {"rack": "r7"},
        "tolerations": [
            {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoExecute"},
            {"operator": "Exists"},
        ],
    }
    assert [group.placement for group in workload.sub_groups.all()] == [expected, expected]


def test_nearness_is_a_level_of_a_topology_of_the_cluster(project: OrgUnit, pool: Pool, racks: Topology) -> None:
    found = refusal(project, near_topology=make.make_topology(), near_required=HALL)
    assert list(found) == ["near_topology"]
    found = refusal(project, near_topology=racks, near_preferred="example.org/row")
    assert found == {"near_preferred": [f"This is no level of racks. Choose {HALL}, {RACK}, or none."]}
    found = refusal(project, near_topology=racks, near_required=RACK, near_preferred=HALL)
    assert found["near_preferred"][0].startswith(f"It is not narrower than {RACK}")
    workload = submit(project, near_topology=racks, near_required=HALL, near_preferred=RACK)
    workload.refresh_from_db()
    assert (workload.near_topology, workload.near_required, workload.near_preferred) == (racks, HALL, RACK)
    nowhere = submit(project, name="b", near_topology=racks)
    assert nowhere.near_topology is None, "a topology without a level says nothing"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"device_milli": 500, "devices": 1}, "device_milli"),
        ({"gpu_memory_mib": 1024}, "gpu_memory_mib"),
    ],
)
def test_what_kubernetes_cannot_run_is_refused(changes: dict[str, Any], field: str) -> None:
    project = on_kubernetes({})
    found = refusal(project, **changes)
    assert list(found) == [field]
    assert "Kubernetes clusters" in found[field][0]
    assert submit(project, node_labels={"rack": "r7"}, tolerations=[{"operator": "Exists"}], min_pods=2)


def on_kubernetes(watched: dict[str, int]) -> OrgUnit:
    """A project there. `watched`: what its observer has written down of the cluster's kinds."""
    cluster = make.make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
    ClusterInfo.objects.filter(pk=cluster.pk).update(watched=watched)
    make.make_pool("h100", cluster=cluster)
    return make.make_project(department=make.make_department(parent=cluster))


def test_several_groups_need_job_sets_on_kubernetes(project: OrgUnit) -> None:
    assert "has no JobSets" in refusal(on_kubernetes({"nodes": 3}), more_groups=[LAUNCHER])["more_groups"][0]
    known = on_kubernetes({"nodes": 3, "job sets": 0})
    half = replace(LAUNCHER, devices=1, device_milli=500)
    assert "launcher: Kubernetes clusters hand out whole" in refusal(known, more_groups=[half])["more_groups"][0]
    long = "g" * 21
    assert "at most 20" in refusal(known, more_groups=[replace(LAUNCHER, name=long)])["more_groups"][0]
    assert "at most 20" in refusal(known, more_groups=[LAUNCHER], group=long)["group"][0]
    assert submit(known, more_groups=[LAUNCHER]).sub_groups.count() == 2
    assert submit(known, name="alone", group=long)
    assert submit(project, name="simulated", group=long, more_groups=[LAUNCHER], pools=[])


def test_run_again_submits_all_of_it(project: OrgUnit, pool: Pool, racks: Topology) -> None:
    first = submit(
        project,
        more_groups=[LAUNCHER],
        group="trainers",
        min_pods=3,
        near_topology=racks,
        near_required=HALL,
        node_labels={"rack": "r7"},
        tolerations=[{"operator": "Exists"}],
        preemption_delay_seconds=600,
    )
    Workload.objects.filter(pk=first.pk).update(
        state=Workload.State.STOPPED, is_active=False, ended_at=first.created_at
    )
    first.refresh_from_db()
    again = workload_resume(actor=make.actor_of(), workload=first)
    fields = ("name", "wanted", "min_members", "devices", "cpu_millicores", "placement", "request_class")
    rows = [list(one.sub_groups.order_by("pk").values_list(*fields)) for one in (first, again)]
    assert rows[0] == rows[1]
    assert [row[0] for row in rows[0]] == ["trainers", "launcher"]
    same = ("near_topology", "near_required", "near_preferred", "preemption_delay_seconds", "requested_gpu_milli")
    assert [getattr(again, field) for field in same] == [getattr(first, field) for field in same]

    Workload.objects.filter(pk=again.pk).update(
        state=Workload.State.STOPPED, is_active=False, ended_at=first.created_at, near_topology=None
    )
    again.refresh_from_db()
    third = workload_resume(actor=make.actor_of(), workload=again)
    assert (third.near_topology, third.near_required) == (None, ""), "its topology is gone"
