"""Submit, filled in as a workload that is there: the same comes out, but for the one change."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from orgs.models import OrgUnit, User
from portal.actor import SYSTEM
from scheduling.models import SubGroup, Workload
from scheduling.prefill import next_name, prefilled
from scheduling.services.workload import workload_submit
from scheduling.services.workload_rules import PodGroup
from tests import factories as make

pytestmark = pytest.mark.django_db
GIB = 1024**3


@pytest.fixture
def project() -> OrgUnit:
    project = make.make_project("vision")
    for name in ("a100", "h100"):
        make.make_node(pool=make.make_pool(name, cluster=project.cluster))
    return project


def submitted(project: OrgUnit) -> Workload:
    return workload_submit(
        actor=SYSTEM,
        project=project,
        kind=Workload.Kind.DISTRIBUTED,
        name="train",
        image="torch:2.5",
        pools=["a100", "h100"],
        devices=8,
        pods=4,
        cpu_millicores=1500,
        memory_bytes=GIB // 2,
        preemptible=False,
        preemption_delay_seconds=90,
        command=["python", "my train.py"],
        env={"TOKEN": "s3cret"},
        node_labels={"rack": "r7"},
        tolerations=[{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}],
        near_topology=make.make_topology("racks", project.cluster),
        near_required="example.org/rack",
        more_groups=[
            PodGroup(name="launcher", pods=1, devices=0, cpu_millicores=500, memory_bytes=GIB),
        ],
    )


SHAPE = ("name", "wanted", "min_members", "devices", "device_milli", "cpu_millicores", "memory_bytes", "placement")
SAME = ("kind", "image", "priority", "preemptible", "preemption_delay_seconds", "near_topology_id", "near_required")


def groups(workload: Workload) -> list[dict[str, Any]]:
    return list(SubGroup.objects.filter(workload=workload).order_by("pk").values(*SHAPE))


def again(source: Workload, user: User, **change: str) -> Workload:
    """Submitted as the form is filled in."""
    given = prefilled(source, list(SubGroup.objects.filter(workload=source)), "again", shows_env=True, **change)
    response = make.signed_in(user).post(
        "/submit/", given.urlencode(), content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 302, response.content.decode()
    return Workload.objects.get(name="again")


def test_what_is_submitted_is_the_same(project: OrgUnit, researcher: User) -> None:
    source = submitted(project)
    made = again(source, researcher)
    assert groups(made) == groups(source)
    assert {name: getattr(made, name) for name in SAME} == {name: getattr(source, name) for name in SAME}
    assert made.spec.spec == source.spec.spec


@pytest.mark.parametrize(
    ("change", "to", "differs"),
    [
        ("fewer_devices", "4", lambda made: [group["devices"] for group in groups(made)] == [4, 0]),
        ("smaller_minimum", "2", lambda made: [group["min_members"] for group in groups(made)] == [2, 1]),
        ("preemptible", "", lambda made: made.preemptible),
        ("without_selector", "", lambda made: "nodes" not in groups(made)[0]["placement"]),
        ("without_topology", "", lambda made: not made.near_required),
        ("wider_topology", "example.org/hall", lambda made: made.near_required == "example.org/hall"),
        ("pool_first", "h100", lambda made: made.spec.spec["pools"] == ["h100", "a100"]),
        ("quota", "9", lambda made: made.near_required == "example.org/rack"),
    ],
)
def test_one_change(
    project: OrgUnit, researcher: User, change: str, to: str, differs: Callable[[Workload], bool]
) -> None:
    assert differs(again(submitted(project), researcher, change=change, to=to))


def test_the_page_says_whose_form_it_is_and_hides_variables_of_others(project: OrgUnit, researcher: User) -> None:
    source = submitted(project)

    def shown(user: User, query: str = "") -> str:
        response = make.signed_in(user).get(f"/submit/?from={source.pk}{query}")
        return unescape(response.content.decode())

    page = shown(researcher, "&change=fewer_devices&to=4")
    assert 'value="train-2"' in page
    assert 'name="gpus" value="4"' in page
    assert "which stays as it is" in page
    assert "s3cret" not in page, "it is not the reader's"
    assert "s3cret" in shown(make.make_user(role=make.ADMIN))


def test_a_workload_that_one_may_not_see_fills_in_nothing(project: OrgUnit) -> None:
    source = submitted(project)
    stranger = make.make_user(role=make.RESEARCHER, scope=make.make_project(department=project.parent))
    for asked in (str(source.pk), "0", "x", "9" * 30):
        assert make.signed_in(stranger).get("/submit/", {"from": asked}).status_code == 404


def test_the_next_name_is_free() -> None:
    assert next_name("train", set()) == "train"
    assert next_name("train", {"train", "train-2"}) == "train-3"
    assert len(next_name("x" * 50, {"x" * 50})) <= 50
