"""The pages of pools and nodes in the browser: silent, accessible, nothing sideways; and the preview of a label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from quotas.models import Node, Pool, Quota, Topology
from tests.e2e.conftest import axe, choose_unit, over_the_edge, sideways
from tests.factories import (
    ADMIN,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_usage,
    make_user,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


@pytest.fixture
def node() -> Node:
    north = make_cluster("north")
    a100 = make_pool("a100", north)
    make_quota(make_project(department=make_department(parent=north)), a100, gpus=4)
    for number in range(3):
        make_node(f"cpu-{number}", make_pool(f"cpu-{number}", north), gpus=0)
        make_node(f"spare-{number}", default_pool_of(north), gpus=4, labels={"rack": "r07"})
    make_node("a100-2", a100, state=Node.State.NOT_READY)
    taints = [{"key": "example.org/gpu", "value": "yes", "effect": "NoSchedule"}]
    return make_node("a100-1", a100, taints=taints)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(
    new_page: Callable[..., Page], live_server: Any, sign_in: SignIn, node: Node, theme: str, width: int
) -> None:
    page = new_page(color_scheme=theme, viewport={"width": width, "height": 900})
    sign_in(page, make_user(role=ADMIN))
    for path in (
        "pools/",
        "pools/new/",
        "pools/table/",
        f"pools/{node.pool_id}/",
        "nodes/",
        f"nodes/{node.pk}/",
        "quotas/",
    ):
        page.goto(f"{live_server.url}/{path}")
        expect(page.locator("h1")).to_be_visible()
        assert axe(page) == [], path
        assert sideways(page) == [], path
        assert over_the_edge(page) == [], path


def test_making_changing_and_deleting_a_pool(page: Page, live_server: Any, sign_in: SignIn, node: Node) -> None:
    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/pools/")
    page.get_by_role("link", name="New pool").click()
    page.get_by_label("Name").fill("rack-7")
    page.get_by_label("Label key").fill("example.org/class")
    page.get_by_label("Label value").fill("a100")
    expect(page.locator("#matching")).to_contain_text("2 of the 2 nodes already belong to a100.")
    page.get_by_label("Label key").fill("rack")
    page.get_by_label("Label value").fill("r07")
    expect(page.locator("#matching")).to_contain_text("3 nodes match")
    page.get_by_role("button", name="Create pool").click()
    expect(page.get_by_text("Pool rack-7 is there.")).to_be_visible()
    pool = Pool.objects.get(name="rack-7")
    assert pool.nodes.count() == 3
    page.get_by_role("link", name="rack-7", exact=True).click()
    page.locator("label", has_text="spread").first.click()
    page.get_by_role("button", name="Save pool").click()
    expect(page.get_by_text("Pool rack-7 is saved.")).to_be_visible()
    page.get_by_role("link", name="rack-7", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete pool rack-7?")
    expect(dialog).to_contain_text("Nodes go to default, with 12 GPUs")
    assert axe(page) == []
    dialog.get_by_role("button", name="Delete pool").click()
    expect(page.get_by_text("Pool rack-7 is deleted.")).to_be_visible()
    assert not Pool.objects.filter(name="rack-7").exists()


def test_from_the_map_to_a_node(page: Page, live_server: Any, sign_in: SignIn, node: Node) -> None:
    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/pools/")
    page.get_by_role("link", name="a100-1: 0 of 8 in use").click()
    expect(page.locator("h1")).to_have_text("0 of 8 GPUs in use on a100-1.")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Node pools").click()
    page.get_by_role("link", name="Nodes", exact=True).click()
    page.get_by_label("Search a part of the name").fill("spare")
    expect(page.locator("tbody tr")).to_have_count(3)


def test_making_choosing_and_deleting_a_topology(page: Page, live_server: Any, sign_in: SignIn, node: Node) -> None:
    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/pools/?scope={node.cluster_id}")
    page.get_by_role("link", name="New topology").click()
    dialog = page.get_by_role("dialog", name="New topology")
    dialog.get_by_label("Name").fill("racks")
    dialog.get_by_label("Levels").fill("example.org/hall\nra ck")
    dialog.get_by_role("button", name="Create topology").click()
    expect(dialog.get_by_text("This is no label key.")).to_be_visible()
    page.said[:] = [line for line in page.said if "422" not in line]  # type: ignore[attr-defined]
    dialog.get_by_label("Levels").fill("example.org/hall\nrack")
    assert axe(page) == []
    dialog.get_by_role("button", name="Create topology").click()
    expect(page.get_by_text("Topology racks is there.")).to_be_visible()
    page.get_by_role("link", name="a100", exact=True).click()
    page.get_by_label("Topology").select_option("racks")
    page.get_by_role("button", name="Save pool").click()
    expect(page.get_by_text("topology racks", exact=True)).to_be_visible()
    page.get_by_role("link", name="Delete racks").click()
    page.get_by_role("button", name="Delete topology").click()
    expect(page.get_by_text("a100 has this topology.")).to_be_visible()
    page.said[:] = [line for line in page.said if "422" not in line]  # type: ignore[attr-defined]


def test_a_pool_is_made_in_the_cluster_that_is_chosen(
    page: Page, live_server: Any, sign_in: SignIn, node: Node
) -> None:
    south = make_cluster("south")
    for number in range(2):
        make_node(f"south-{number}", default_pool_of(south), labels={"rack": "r09"})
    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/pools/new/")
    page.get_by_label("Label key").fill("rack")
    page.get_by_label("Label value").fill("r09")
    matching = page.locator("#matching")
    expect(matching).to_contain_text("No node")
    cluster = page.get_by_role("group", name="Cluster", exact=True)
    cluster.get_by_role("button").press("Enter")
    search = cluster.get_by_role("searchbox", name="Find a unit")
    expect(search).to_be_focused()
    assert axe(page) == []
    search.press_sequentially("sou")
    expect(cluster.get_by_role("radio", name="north")).to_be_hidden()
    search.press("Enter")
    expect(cluster.get_by_role("radio", name="south")).to_be_checked()
    expect(matching).to_contain_text("2 nodes")
    page.keyboard.press("Enter")
    expect(search).to_be_hidden()
    expect(cluster.get_by_role("button")).to_be_focused()
    expect(cluster.get_by_role("button")).to_contain_text("south")
    page.get_by_label("Name", exact=True).fill("r09")
    page.get_by_role("button", name="Create pool").click()
    expect(page.get_by_text("Pool r09 is there.")).to_be_visible()
    assert Pool.objects.get(name="r09").cluster == south

    page.goto(f"{live_server.url}/pools/new/")
    page.get_by_role("link", name="New topology").click()
    dialog = page.get_by_role("dialog")
    choose_unit(page.get_by_role("dialog"), "Cluster", "south")
    assert axe(page) == []
    dialog.get_by_label("Name", exact=True).fill("racks")
    dialog.get_by_label("Levels").fill("rack")
    dialog.get_by_role("button", name="Create topology").click()
    expect(page.get_by_text("Topology racks is there.")).to_be_visible()
    assert Topology.objects.get().cluster == south


def test_pools_are_closed_once_it_was_said_who_has_work_there(
    page: Page, live_server: Any, sign_in: SignIn, node: Node
) -> None:
    assert node.pool is not None
    project = Quota.objects.get().unit
    make_usage(project, node.pool, 1, running=1)
    make_account()
    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/settings/")
    page.get_by_role("link", name="Close pools").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{project.name} would start nothing in a100 as its department has no quota there")
    assert axe(page) == []
    dialog.get_by_role("button", name="Close pools").click()
    expect(page.get_by_text("Pools are closed to units without a quota.")).to_be_visible()
    page.goto(f"{live_server.url}/quotas/")
    cell = page.locator(f"#cell-{project.parent_id}-{node.pool_id}")
    expect(cell).to_contain_text("blocked")
    assert axe(page) == []
    page.goto(f"{live_server.url}/settings/")
    page.get_by_role("link", name="Open pools").click()
    dialog.get_by_role("button", name="Open pools").click()
    expect(page.get_by_text("Pools are open, as best effort.")).to_be_visible()
