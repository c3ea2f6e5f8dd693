"""What docs/pools-and-quotas.md tells of pools, step by step in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orgs.models import OrgUnit
from quotas.models import Node, Pool
from quotas.selectors.pool_order import pool_order
from scheduling.models import Workload
from tests import factories as make
from tests.e2e.conftest import axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]
PRODUCT, RACK = "nvidia.com/gpu.product", "example.org/rack"


@pytest.fixture
def north() -> OrgUnit:
    """Six nodes in the default pool, two of them without GPUs."""
    north = make.make_cluster("north")
    default = make.default_pool_of(north)
    for number in range(4):
        product = "NVIDIA-H100" if number < 2 else "NVIDIA-T4"
        make.make_node(f"gpu-{number}", default, labels={PRODUCT: product, RACK: f"r{number % 2}"})
        if number < 2:
            make.make_node(f"cpu-{number}", default, gpus=0, labels={"example.org/role": "cpu"})
    return north


@pytest.fixture
def admin(page: Page, sign_in: SignIn, north: OrgUnit) -> Page:
    sign_in(page, make.make_user(role=make.ADMIN))
    return page


def nodes_of(north: OrgUnit) -> dict[str, list[str]]:
    found = {pool.name: pool.nodes.order_by("name") for pool in Pool.objects.filter(cluster=north).order_by("name")}
    return {name: [node.name for node in nodes] for name, nodes in found.items()}


def test_1_from_the_labels_that_nodes_have(admin: Page, live_server: Any, north: OrgUnit) -> None:
    admin.goto(f"{live_server.url}/pools/")
    admin.get_by_role("link", name="New pool").click()
    suggested = admin.get_by_role("region", name="Suggested from your labels")
    expect(suggested).to_contain_text("h100: 2 nodes, 16 GPUs; t4: 2 nodes, 16 GPUs. Out of default: 4 nodes, 32 GPUs.")
    expect(suggested).to_contain_text("Nodes without GPUs example.org/role")
    expect(suggested).to_contain_text("rack-r0: 2 nodes, 16 GPUs")
    assert axe(admin) == []
    suggested.get_by_role("link", name=f"Use By product of GPU, {PRODUCT}").click()
    dialog = admin.get_by_role("dialog", name=f"Pools by {PRODUCT}")
    expect(dialog).to_contain_text("4 nodes and 32 GPUs leave the default pool.")
    assert axe(admin) == []
    dialog.get_by_label("Name of the pool for NVIDIA-T4").fill("H100")
    dialog.get_by_role("button", name="Create pools").click()
    expect(dialog.get_by_text("1 to 63 small letters, digits and hyphens")).to_be_visible()
    admin.said[:] = [line for line in admin.said if "422" not in line]  # type: ignore[attr-defined]
    dialog.get_by_label("Name of the pool for NVIDIA-T4").fill("old")
    dialog.get_by_role("button", name="Create pools").click()
    expect(admin.get_by_text("2 pools are there: h100, old.")).to_be_visible()
    assert nodes_of(north) == {"default": ["cpu-0", "cpu-1"], "h100": ["gpu-0", "gpu-1"], "old": ["gpu-2", "gpu-3"]}


def test_2_by_hand(admin: Page, live_server: Any, north: OrgUnit) -> None:
    make.make_pool("l40s", north, RACK, "r1")
    admin.goto(f"{live_server.url}/pools/new/")
    admin.get_by_label("Name", exact=True).fill("h100")
    preview = admin.locator("#matching")
    admin.get_by_label("Label key").fill(PRODUCT)
    admin.get_by_label("Label value").fill("NVIDIA-H100")
    expect(preview).to_contain_text("2 nodes match: 2 with T900 (16 GPUs).")
    expect(preview).to_contain_text("1 of the 2 nodes already belongs to l40s.")
    expect(preview.get_by_role("row", name="gpu-1 l40s")).to_be_visible()
    assert axe(admin) == []
    admin.get_by_label("Label key").fill("example.org/role")
    admin.get_by_label("Label value").fill("cpu")
    expect(preview).to_contain_text("2 nodes match: 2 without GPUs.")
    expect(preview).to_contain_text("2 nodes leave default")
    admin.get_by_label("Label value").fill("later")
    expect(preview).to_contain_text("No node has this label now.")
    admin.get_by_label("Label value").fill("not a value")
    admin.get_by_role("button", name="Create pool").click()
    expect(admin.get_by_text("This is no label value.")).to_be_visible()
    admin.said[:] = [line for line in admin.said if "422" not in line]  # type: ignore[attr-defined]
    admin.get_by_label("Label value").fill("cpu")
    admin.get_by_role("button", name="Create pool").click()
    expect(admin.get_by_text("Pool h100 is there.")).to_be_visible()
    assert nodes_of(north)["h100"] == ["cpu-0", "cpu-1"]


def test_3_another_label_for_a_pool(admin: Page, live_server: Any, north: OrgUnit) -> None:
    pool = make.make_pool("h100", north, PRODUCT, "NVIDIA-H100")
    Node.objects.filter(name__in=["gpu-0", "gpu-1"]).update(pool=pool)
    vision = make.make_department("vision", north)
    make.make_quota(vision, pool, gpus=12)
    project = make.make_project("vis-3d", vision)
    make.make_workload("train-1", project, pool, state=Workload.State.RUNNING)
    admin.goto(f"{live_server.url}/pools/")
    admin.get_by_role("link", name="h100", exact=True).click()
    admin.get_by_label("Label key").fill(RACK)
    admin.get_by_label("Label value").fill("r0")
    expect(admin.locator("#matching")).to_contain_text("1 node goes to default, with 8 GPUs")
    for button in ("Keep the label", "Save pool"):
        admin.locator("aside .card-foot").get_by_role("button", name="Save pool").click()
        dialog = admin.get_by_role("dialog", name="Take 1 node out of h100?")
        expect(dialog).to_contain_text("vision keeps its quota there")
        expect(dialog).to_contain_text("Running workloads go on, charged to this pool until they end")
        assert axe(admin) == []
        dialog.get_by_role("button", name=button).click()
    expect(admin.get_by_text("Pool h100 is saved.")).to_be_visible()
    assert nodes_of(north)["h100"] == ["gpu-0", "gpu-2"]


def test_4_no_other_name(admin: Page, live_server: Any, north: OrgUnit) -> None:
    pool = make.make_pool("h100", north, PRODUCT, "NVIDIA-H100")
    Node.objects.filter(name__in=["gpu-0", "gpu-1"]).update(pool=pool)
    make.make_quota(make.make_department("vision", north), pool, gpus=12)
    admin.goto(f"{live_server.url}/pools/{pool.pk}/")
    expect(admin.get_by_text("The name stays: work carries it as a label.")).to_be_visible()
    admin.get_by_role("button", name="Delete").click()
    dialog = admin.get_by_role("dialog", name="Delete pool h100?")
    expect(dialog).to_contain_text("vision loses its quota there")
    expect(dialog).to_contain_text("Nodes go to default, with 16 GPUs")
    dialog.get_by_role("button", name="Delete pool").click()
    expect(admin.get_by_text("Pool h100 is deleted.")).to_be_visible()
    admin.get_by_role("link", name="default", exact=True).click()
    expect(admin.get_by_text("It cannot be deleted.")).to_be_visible()
    expect(admin.get_by_role("button", name="Delete")).to_have_count(0)


def test_5_a_node_that_two_pools_match(admin: Page, live_server: Any, north: OrgUnit) -> None:
    h100, rack = make.make_pool("h100", north, PRODUCT, "NVIDIA-H100"), make.make_pool("rack-1", north, RACK, "r1")
    Node.objects.filter(name="gpu-1").update(pool=h100, conflict=rack)
    admin.goto(f"{live_server.url}/pools/")
    expect(admin.get_by_role("heading", level=1)).to_contain_text("1 node lies in two pools.")
    named = admin.get_by_role("group", name="Nodes in two pools")
    expect(named).to_contain_text(f"gpu-1: h100 by {PRODUCT}=NVIDIA-H100, rack-1 by {RACK}=r1")
    assert axe(admin) == []
    named.get_by_role("link", name="gpu-1").click()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("gpu-1")
    expect(admin.get_by_text("Take one of the two labels off the node")).to_be_visible()
    assert axe(admin) == []
    admin.goto(f"{live_server.url}/nodes/?state=in-two-pools")
    expect(admin.locator("tbody tr")).to_have_count(1)
    expect(admin.locator("tbody")).to_contain_text("rack-1 matches it, too")


def test_6_in_which_pools_work_is_tried(
    new_page: Callable[..., Page], live_server: Any, sign_in: SignIn, north: OrgUnit
) -> None:
    for name in ("h100", "a100"):
        make.make_pool(name, north)
    vision = make.make_department("vision", north)
    project = make.make_project("vis-3d", vision)
    page = new_page(color_scheme="light")
    sign_in(page, make.make_user(role=make.DEPARTMENT_ADMIN, scope=vision))
    page.goto(f"{live_server.url}/organization/?unit={vision.pk}")
    page.get_by_role("link", name="Change order").click()
    dialog = page.get_by_role("dialog", name="Pools of department vision")
    names, listed = dialog.locator(".pool-order .name"), []
    for name in ("a100", "default", "h100"):
        dialog.get_by_role("button", name=f"Try it too: {name}").click()
        listed.append(name)
        expect(names).to_have_text(listed)
    dialog.get_by_role("button", name="Move up: h100").click()
    expect(names).to_have_text(["a100", "h100", "default"])
    assert axe(page) == []
    dialog.locator(".pool-order li", has_text="default").drag_to(dialog.locator(".pool-order li", has_text="a100"))
    expect(names).to_have_text(["default", "a100", "h100"])
    expect(dialog.locator(".pool-order .place")).to_have_text(["1", "2", "3"])
    dialog.get_by_role("button", name="Leave out: default").click()
    expect(names).to_have_text(["a100", "h100"])
    dialog.get_by_role("button", name="Save order").click()
    expect(page.get_by_text("Work of vision is tried in a100, h100.")).to_be_visible()
    page.goto(f"{live_server.url}/organization/?unit={project.pk}")
    expect(page.get_by_role("heading", name="Pools in the order to try")).to_contain_text("from department vision")
    assert pool_order(project).names == ["a100", "h100"]

    mira = new_page(color_scheme="light")
    sign_in(mira, make.make_user(role=make.RESEARCHER, scope=project))
    mira.goto(f"{live_server.url}/submit/")
    expect(mira.get_by_text("This order comes from department vision.")).to_be_visible()
    mira.get_by_label("Name").fill("train-1")
    mira.get_by_role("button", name="Submit workload").click()
    mira.wait_for_url("**/workloads/*/")
    expect(mira.get_by_text("(from department vision)")).to_be_visible()
    mira.goto(f"{live_server.url}/submit/")
    mira.locator(".pool-order li", has_text="h100").drag_to(mira.locator(".pool-order li", has_text="a100"))
    expect(mira.get_by_text("The usual order, from department vision, is another.")).to_be_visible()
    expect(mira.locator(".pool-order .name")).to_have_text(["h100", "a100"])
    mira.get_by_label("Name").fill("train-2")
    mira.get_by_role("button", name="Submit workload").click()
    mira.wait_for_url("**/workloads/*/")
    own = Workload.objects.get(name="train-2").spec.spec
    assert (own["pools"], own["pools_from"]) == (["h100", "a100"], "")
