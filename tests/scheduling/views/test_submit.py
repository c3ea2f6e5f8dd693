"""Submit: the live answer, the submission, and what comes back after a mistake."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client

from orgs.models import ClusterInfo, OrgUnit, ProjectInfo, User
from quotas.models import Node, Pool, PoolSummary
from scheduling.models import SubGroup, Workload
from tests import factories as make

pytestmark = pytest.mark.django_db
URL = "/submit/"


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    pool = make.make_pool("h100", cluster=project.cluster)
    make.make_node(pool=pool)
    make.make_summary(pool, gpus=16, used=8)
    make.make_quota(project, pool, 4)
    make.make_quota(project.parent, pool, 4)  # type: ignore[arg-type]
    return pool


@pytest.fixture
def client(researcher: User) -> Client:
    return make.signed_in(researcher)


def typed(project: OrgUnit, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "2",
        "project": str(project.pk),
        "name": "train-1",
        "priority": "50",
        "image": "python:3.12",
        "pods": "1",
        "gpus": "4",
        "cores": "8",
        "memory": "64",
        "minutes": "",
        "pools": ["h100"],
        "preemptible": "on",
        "command": "",
        "env": "",
    } | changes


GROUP = {
    "groups": ["1"],
    "group_name": "workers",
    "group1_name": "launcher",
    "group1_pods": "1",
    "group1_minimum": "",
    "group1_gpus": "0",
    "group1_gpu_memory": "",
    "group1_cores": "0.5",
    "group1_memory": "2",
}


def said(client: Client, **data: Any) -> str:
    response = client.post(URL, data, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_the_first_look_has_an_answer(client: Client, project: OrgUnit, pool: Pool) -> None:
    shown = unescape(client.get(f"{URL}?project={project.pk}&pool=h100").content.decode())
    assert "Starts now in h100 with 1 GPU, all guaranteed." in shown


def test_the_answer_follows_the_form(client: Client, project: OrgUnit, pool: Pool) -> None:
    assert "Starts now in h100 with 4 GPUs, all guaranteed." in said(client, **typed(project))
    assert "Starts now in h100 with 8 GPUs, 4 guaranteed and 4 over quota." in said(client, **typed(project, gpus="8"))
    shown = said(client, **typed(project, gpus="8", pods="2"))
    assert "Waits for room in h100: 8 GPUs short, 8 of 16 free." in shown
    never = said(client, **typed(project, gpus="9"))
    assert "Never starts in h100: a pod asks for 9 GPUs, the largest node has 8." in never
    assert Workload.objects.count() == 0


def test_who_is_ahead_is_counted(client: Client, project: OrgUnit, pool: Pool) -> None:
    other = make.make_project(department=project.parent)
    make.make_usage(other, pool, position=1)
    make.make_usage(project, pool, position=2)
    for name in ("a", "b"):
        make.make_workload(name, other, pool)
    shown = said(client, **typed(project, gpus="8", pods="2"))
    assert "2 workloads are ahead of it." in shown


def test_numbers_that_make_no_sense_have_no_answer_yet(client: Client, project: OrgUnit, pool: Pool) -> None:
    shown = said(client, **typed(project, gpus="four", name=""))
    assert "Say what it asks for" in shown
    assert "field-error" not in shown, "nothing is held against who is still typing"
    assert 'value="four"' in shown


def test_pools_are_moved_left_out_and_added(client: Client, project: OrgUnit, pool: Pool) -> None:
    make.make_pool("a100", cluster=project.cluster)

    def order(**data: Any) -> list[str]:
        shown = said(client, **data)
        return [part.split('"')[0] for part in shown.split('name="pools" value="')[1:]]

    both = typed(project, pools=["h100", "a100"])
    assert order(**both) == ["h100", "a100"]
    assert order(**both, move="up:a100") == ["a100", "h100"]
    assert order(**both, move="down:h100") == ["a100", "h100"]
    assert order(**both, move="out:h100") == ["a100"]
    assert order(**typed(project), move="add:a100") == ["h100", "a100"]
    assert order(**typed(project), move="add:elsewhere") == ["h100"]
    assert order(**typed(project, pools=["none-such"])) == ["h100"]


def test_submission(client: Client, researcher: User, project: OrgUnit, pool: Pool) -> None:
    data = typed(
        project, gpus="0.5", cores="1.5", memory="0.5", minutes="2.5", command="python 'my train.py'", env="A=1\nB=x=y"
    )
    response = client.post(URL, data)
    workload = Workload.objects.get()
    assert response["Location"] == f"/workloads/{workload.pk}/"
    assert (workload.name, workload.submitted_by, workload.pool) == ("train-1", researcher.subject, pool)
    group = SubGroup.objects.get(workload=workload)
    assert (group.devices, group.device_milli, group.cpu_millicores) == (1, 500, 1500)
    assert group.memory_bytes == 512 * 1024**2
    assert workload.spec.spec["command"] == ["python", "my train.py"]
    assert workload.spec.spec["env"] == {"A": "1", "B": "x=y"}
    assert workload.spec.spec["run_seconds"] == 150


def test_submission_with_all_its_wishes(client: Client, project: OrgUnit, pool: Pool) -> None:
    racks = make.make_topology("racks", project.cluster)
    data = typed(
        project, kind="3", gpus="1", pods="4", gpu_memory="20", minimum="2", delay="1.5", **GROUP,
        near_required=f"{racks.pk}:example.org/hall", near_preferred=f"{racks.pk}:example.org/rack",
        node_labels="rack = r7\n\nzone=", tolerations="gpu=yes:NoSchedule\nold",
    )  # fmt: skip
    assert client.post(URL, data).status_code == 302
    workload = Workload.objects.get()
    assert (workload.near_topology, workload.near_required, workload.near_preferred) == (
        racks,
        "example.org/hall",
        "example.org/rack",
    )
    assert workload.preemption_delay_seconds == 90
    workers, launcher = SubGroup.objects.order_by("pk")
    assert (workers.name, workers.gpu_memory_mib, workers.min_members) == ("workers", 20 * 1024, 2)
    assert (launcher.name, launcher.devices, launcher.cpu_millicores) == ("launcher", 0, 500)
    assert workers.placement == {
        "nodes": {"rack": "r7", "zone": ""},
        "tolerations": [
            {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
            {"key": "old", "operator": "Exists"},
        ],
    }
    shown = unescape(client.get(f"/workloads/{workload.pk}/").content.decode())
    assert "workers: 4 pods of 20 GiB of GPU memory, at least 2 together; launcher: 0.5 cores" in shown
    for words in ("Each of launcher", "in one example.org/hall", "rack=r7", "gpu=yes:NoSchedule", "1 min 30 s"):
        assert words in shown


def test_groups_are_added_and_removed_by_buttons_without_scripts_too(
    client: Client, project: OrgUnit, pool: Pool
) -> None:
    plain = typed(project, kind="3", name="")
    for headers in ({}, {"HX-Request": "true"}):
        response = client.post(URL, plain | {"group": "add"}, headers=headers)
        shown = unescape(response.content.decode())
        assert response.status_code == 200
        assert 'name="group1_name"' in shown
        assert 'value="launcher"' in shown
        assert 'name="group_name" value="workers"' in shown
        assert "field-error" not in shown
        shown = client.post(URL, plain | GROUP | {"group": "add"}, headers=headers).content.decode()
        assert 'name="group1_name"' in shown
        assert 'name="group2_name"' in shown
        assert 'value="group-3"' in shown, "the usual name is taken"
        shown = client.post(URL, plain | GROUP | {"group": "drop:1"}, headers=headers).content.decode()
        assert "group1_name" not in shown
    assert not Workload.objects.exists()
    assert "Another group of pods" not in said(client, **typed(project)).split("<noscript>")[0]


def test_groups_are_in_the_answer(client: Client, project: OrgUnit, pool: Pool) -> None:
    group = GROUP | {"group1_gpus": "4", "group1_pods": "2"}
    assert "Starts now in h100 with 4 GPUs" in said(client, **typed(project, kind="3"))
    assert "with 8 GPUs" in said(client, **typed(project, kind="3", **(group | {"group1_pods": "1"})))
    assert "Waits for room in h100: 4 GPUs short" in said(client, **typed(project, kind="3", **group))
    assert "Say what it asks for" in said(client, **typed(project, kind="3", **(group | {"group1_cores": ""})))


def publish(pool: Pool, *nodes: tuple[Node, int]) -> None:
    """What the pool's loop says: so many GPUs are free on each of these ready nodes."""
    rows = [[node.pk, gpus, 0, 128_000, 1024 * 1024**3, 110, 1] for node, gpus in nodes]
    PoolSummary.objects.filter(pool=pool).update(free_nodes=rows, nodes=len(nodes), ready=len(nodes))


def test_taints_and_levels_are_in_the_answer(client: Client, project: OrgUnit, pool: Pool) -> None:
    topology = make.make_topology("racks", project.cluster, levels=["rack"])
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    racks = [make.make_node(pool=pool, labels={"rack": rack}) for rack in ("r1", "r2")]
    publish(pool, *((node, 4) for node in racks), (make.make_node(pool=pool, taints=[taint]), 8))
    assert "Waits for room in h100" in said(client, **typed(project, gpus="8"))
    assert "Starts now in h100" in said(client, **typed(project, gpus="8", tolerations="gpu=yes:NoSchedule"))
    two = typed(project, pods="2", gpus="4")
    assert "Starts now in h100 with 8 GPUs" in said(client, **two)
    shown = said(client, **two, near_required=f"{topology.pk}:rack")
    assert "all of it has to be inside one rack; of 2 domains the best has room for 1 of 2 pods." in shown
    shown = said(client, **typed(project, node_labels=f"kubernetes.io/hostname={racks[0].name}"))
    assert "none of its 3 ready nodes has the labels" in shown
    Node.objects.filter(pk=racks[0].pk).update(labels={"kubernetes.io/hostname": racks[0].name})
    shown = said(client, **typed(project, node_labels=f"kubernetes.io/hostname={racks[0].name}"))
    assert "Not known in h100: whether the nodes that it asks for are free." in shown


def test_what_would_start_sooner_is_offered_and_taken(client: Client, project: OrgUnit, pool: Pool) -> None:
    other = make.make_pool("a100", cluster=project.cluster)
    make.make_node(pool=other)
    make.make_summary(other, gpus=8)
    publish(pool, *((make.make_node(pool=pool), free) for free in (4, 3)))
    asked = typed(project, gpus="8", pods="1")
    shown = said(client, **asked)
    assert 'value="pool:a100"' in shown
    assert "4 GPUs a pod instead of 8" in shown
    taken = said(client, **asked, set="gpus:4")
    assert "Starts now in h100 with 4 GPUs, all guaranteed." in taken
    assert 'name="gpus" value="4"' in taken
    assert "What would start sooner" not in taken
    assert "Starts now in a100" in said(client, **asked, set="pool:a100")
    gang = said(client, **typed(project, gpus="4", pods="2"))
    assert "Start with 1 pod instead of 2; the rest follow" in gang
    fixed = said(client, **typed(project, gpus="4", pods="1", preemptible=""))
    assert "What would start sooner" not in fixed, "it starts as it is"
    make.make_usage(project, pool, 4, non_preemptible_gpu_milli=4000)
    assert "May be stopped for others</span>" in said(client, **typed(project, preemptible=""))
    for nonsense in ("gpus:x", "pool:none-such", "kind:9", "", "x"):
        assert client.post(URL, asked | {"set": nonsense}, headers={"HX-Request": "true"}).status_code == 200


def test_labels_and_gpu_memory_are_in_the_answer(client: Client, project: OrgUnit, pool: Pool) -> None:
    Node.objects.filter(pool=pool).update(labels={"rack": "r7", "zone": "z1"})
    assert "Starts now in h100" in said(client, **typed(project, node_labels="rack=r7\nzone=z1"))
    shown = said(client, **typed(project, node_labels="rack=r7\nzone=z2"))
    assert "none of its 2 ready nodes has the labels it asks for" in shown
    shown = said(client, **typed(project, gpus="1", gpu_memory="20"))
    assert "Starts now in h100 with 0.25 GPUs" in shown
    shown = said(client, **typed(project, gpus="1", gpu_memory="96"))
    assert "a pod asks for 96 GiB of GPU memory, the largest node has 80 GiB" in shown


def test_levels_are_offered_where_the_cluster_has_topologies(client: Client, project: OrgUnit, pool: Pool) -> None:
    url = f"{URL}?project={project.pk}"
    assert "near_required" not in client.get(url).content.decode()
    make.make_topology("racks", project.cluster)
    make.make_topology("elsewhere", levels=["other"])
    shown = client.get(url).content.decode()
    assert "in one example.org/rack" in shown
    assert "in one other" not in shown
    assert "<optgroup" not in shown
    make.make_topology("halls", project.cluster)
    assert '<optgroup label="halls">' in client.get(url).content.decode()


def test_levels_of_two_topologies_do_not_go_together(client: Client, project: OrgUnit, pool: Pool) -> None:
    one, other = (
        make.make_topology("one", project.cluster, ["a", "b"]),
        make.make_topology("two", project.cluster, ["c"]),
    )
    data = typed(project, near_required=f"{one.pk}:a", near_preferred=f"{other.pk}:c")
    response = client.post(URL, data)
    assert response.status_code == 422
    assert "This is no level of one. Choose a, b, or none." in unescape(response.content.decode())


def test_kubernetes_says_what_it_cannot_run_yet(researcher: User) -> None:
    cluster = make.make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
    project = make.make_project(department=make.make_department(parent=cluster))
    make.make_pool("h100", cluster=cluster)
    make.make_rule(researcher, make.RESEARCHER, project)
    client = make.signed_in(researcher)
    for changes in ({"gpus": "0.5"}, {"gpu_memory": "20"}, {"kind": "3", **GROUP}):
        response = client.post(URL, typed(project, **changes))
        assert response.status_code == 422
        assert "Kubernetes cluster" in response.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "Train 1", "Use small letters"),
        ("name", "ü" * 51, "at most 50"),
        ("name", "", "required"),
        ("gpus", "1.5", "neither whole nor below 1"),
        ("gpus", "-1", "greater than or equal to 0"),
        ("gpus", "65", "less than or equal to 64"),
        ("gpus", "1e400", "number"),
        ("gpus", "nan", "number"),
        ("pods", "0", "greater than or equal to 1"),
        ("pods", "99999999999999999999", "less than or equal to 1000"),
        ("cores", "0", "greater than or equal to 0.01"),
        ("memory", "much", "number"),
        ("kind", "9", "not one of the available choices"),
        ("project", "999999", "There is no such place here"),
        ("image", "two words", "letters a to z"),
        ("command", "echo 'open", "quot"),
        ("env", "NOVALUE", "Write NAME=value"),
        ("env", "1A=x", "no name of a variable"),
        ("minutes", "0", "greater than or equal to 0.1"),
        ("minimum", "2", "2 is more than its 1 pod."),
        ("gpu_memory", "0", "greater than or equal to 0.01"),
        ("gpu_memory", "2000", "less than or equal to 1024"),
        ("delay", "-1", "greater than or equal to 0"),
        ("node_labels", "rack", "Write key=value"),
        ("node_labels", "ra ck=r7", "no label key"),
        ("tolerations", "=yes", "Write key=value:effect"),
        ("tolerations", "gpu:Sometimes", "There is no such effect"),
    ],
)
def test_a_mistake_is_named_and_nothing_typed_is_lost(
    client: Client, project: OrgUnit, pool: Pool, field: str, value: str, says: str
) -> None:
    data = typed(project, image="registry.example.org/own:7", env="KEEP=me") | {field: value}
    response = client.post(URL, data)
    shown = unescape(response.content.decode())
    assert response.status_code == 422
    assert "field-error" in shown
    assert says in shown
    assert value in shown or field in ("kind", "project")
    assert field in ("image", "env") or ("registry.example.org/own:7" in shown and "KEEP=me" in shown)
    assert Workload.objects.count() == 0


def test_a_taken_name_is_told_beside_the_name(client: Client, project: OrgUnit, pool: Pool) -> None:
    make.make_workload("train-1", project, pool)
    shown = unescape(client.post(URL, typed(project)).content.decode())
    assert "train-1 is still active in vision" in shown


def test_run_times_are_not_offered_on_real_clusters(researcher: User) -> None:
    cluster = make.make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
    project = make.make_project(department=make.make_department(parent=cluster))
    make.make_rule(researcher, make.RESEARCHER, project)
    shown = make.signed_in(researcher).get(f"{URL}?project={project.pk}").content.decode()
    assert "id_minutes" not in shown


def test_another_projects_id_is_refused(client: Client, project: OrgUnit, pool: Pool) -> None:
    foreign = make.make_project(department=project.parent)
    response = client.post(URL, typed(foreign))
    assert response.status_code == 422
    assert not Workload.objects.exists()


def test_inference_of_a_researcher_is_forbidden(client: Client, project: OrgUnit, pool: Pool) -> None:
    response = client.post(URL, typed(project, kind="4"))
    assert response.status_code == 403
    assert not Workload.objects.exists()


def test_with_more_projects_than_the_list_holds_each_is_found(
    client: Client, project: OrgUnit, pool: Pool, monkeypatch: pytest.MonkeyPatch, researcher: User
) -> None:
    monkeypatch.setattr("orgs.scope_picker.MOST_ROWS", 1)
    last = make.make_project("zebra", department=make.make_department(parent=project.cluster))
    make.make_rule(researcher, make.RESEARCHER, last)
    shown = client.get(f"{URL}?project={last.pk}").content.decode()
    assert f'value="{last.pk}" checked' in shown
    assert f'value="{project.pk}"' not in shown
    assert "search by name" in shown
    assert client.get(f"{URL}?project={'9' * 30}").status_code == 200


def test_the_live_answer_carries_the_chosen_project_only(client: Client, project: OrgUnit, researcher: User) -> None:
    last = make.make_project("zebra", department=project.parent)
    make.make_rule(researcher, make.RESEARCHER, last)
    assert "zebra" in client.get(f"{URL}?project={project.pk}").content.decode()
    shown = said(client, **typed(project))
    assert f'value="{project.pk}" checked' in shown
    assert "zebra" not in shown


@pytest.mark.parametrize("restricted", [True, False])
def test_the_form_says_where_images_may_not_run_as_root(
    client: Client, project: OrgUnit, pool: Pool, restricted: bool
) -> None:
    ProjectInfo.objects.filter(pk=project.pk).update(restricted=restricted)
    page = client.get(URL, {"project": project.pk}).content.decode()
    assert ("Images that run as root do not start here" in page) is restricted
