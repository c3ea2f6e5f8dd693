"""The steps of the handbook's part on over-subscription, and what happens when a simulated node leaves."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from playwright.sync_api import Locator, Page, expect

from orgs.models import ClusterInfo, OrgUnit
from orgs.services.cluster import cluster_create
from quotas.guard import Level
from quotas.models import GuardSetting, Node, Pool, Quota
from quotas.tasks import refresh_findings
from scheduling.clusters.simulated.seen import seen
from scheduling.clusters.simulated.store import KIND, objects, writing
from scheduling.loops.observed import Observed
from tests.e2e.conftest import axe, sideways
from tests.factories import (
    ADMIN,
    actor_of,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_node,
    make_project,
    make_quota,
    make_user,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


@pytest.fixture
def pool() -> Pool:
    """16 ready GPUs; vision has 12 and has given vis-3d 8 of them, vis-med nothing yet."""
    vision = make_department("vision", make_cluster("north"))
    pool = default_pool_of(OrgUnit.objects.get(name="north"))
    make_node("one", pool), make_node("two", pool)
    make_quota(vision, pool, gpus=12), make_quota(make_project("vis-3d", vision), pool, gpus=8)
    make_project("vis-med", vision)
    return pool


def _cell(page: Page, pool: Pool, name: str) -> Locator:
    return page.locator(f"#cell-{OrgUnit.objects.get(name=name).pk}-{pool.pk}")


def _menu(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Main").get_by_role("link", name=name)


def _type(page: Page, cell: Locator, text: str) -> None:
    # There is somebody to hear the keys once the scripts of the page with the cell have run.
    cell.wait_for()
    page.wait_for_load_state()
    cell.focus()
    with page.expect_response(re.compile(r"/quotas/effect/")):
        page.keyboard.type(text)
        page.keyboard.press("Enter")


def _save(page: Page, **values: str) -> None:
    """Saves, and waits until the cells (by names of units, hyphens as underscores) show it."""
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#side")).to_be_hidden()
    for name, value in values.items():
        row = page.locator(f"#unit-{OrgUnit.objects.get(name=name.replace('_', '-')).pk}")
        expect(row.locator(".cell-value").first).to_have_text(value)


def _switch(page: Page, what: str, choice: str) -> None:
    _menu(page, "Settings").click()
    page.get_by_role("link", name=f"Change {what}").click()
    dialog = page.get_by_role("dialog", name=re.compile("^Guard "))
    dialog.locator("label", has_text=choice).click()
    assert axe(page) == []
    dialog.get_by_role("button", name="Save guard").click()
    expect(page.get_by_text("is saved for")).to_be_visible()


def _enforce() -> None:
    for level in (Level.CHILDREN, Level.HARDWARE):
        GuardSetting.objects.create(
            scope=make_account(), level=level, mode=GuardSetting.Mode.ENFORCE, resources=["gpu", "cpu", "memory"]
        )


def test_the_steps_of_the_handbook(page: Page, live_server: Any, sign_in: SignIn, pool: Pool) -> None:
    make_account()
    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/settings/")
    _switch(page, "inside departments of Aldergrove", "is refused: enforce")
    expect(page.locator(f"#guard-{pool.cluster_id}")).to_contain_text("enforce GPU, CPU, Memory, as the account")

    _menu(page, "Quotas").click()
    vis_med, side = _cell(page, pool, "vis-med"), page.locator("#side")
    words = "2 over: 6 GPUs asked for in default, 4 available (vision has 12, 8 given to others)."
    _type(page, vis_med, "6")
    expect(side).to_contain_text(words)
    expect(vis_med).to_have_attribute("aria-invalid", "true")
    assert axe(page) == []
    _type(page, vis_med, "4")
    expect(vis_med).not_to_have_attribute("aria-invalid", "true")
    _save(page, vis_med="4")
    _type(page, vis_med, "6")
    _type(page, _cell(page, pool, "vis-3d"), "6")
    _save(page, vis_med="6", vis_3d="6")
    assert set(Quota.objects.filter(unit__parent__name="vision").values_list("gpu_milli", flat=True)) == {6_000}

    _switch(page, "inside departments of north", "passes with a warning: warn")
    _menu(page, "Quotas").click()
    _type(page, vis_med, "9")
    expect(side).to_contain_text("3 over: 9 GPUs asked for in default, 6 available (vision has 12, 6 given to others).")
    _save(page, vis_med="9")
    _menu(page, "Findings").click()
    expect(_menu(page, "Findings")).to_contain_text("1 open")
    expect(page.locator("h1")).to_have_text("vision has given out 15 GPUs in default and has 12.")
    row = page.locator("tr", has_text="vision has given out")
    expect(row).to_contain_text("vis-med 9, vis-3d 6")
    assert axe(page) == []
    row.get_by_role("link", name="Quotas").click()
    _type(page, vis_med, "6")
    _save(page, vis_med="6")
    _menu(page, "Findings").click()
    expect(page.locator("h1")).to_have_text("All that is guaranteed adds up.")
    page.get_by_role("link", name="Resolved").click()
    expect(page.locator("tr", has_text="vision has given out 15 GPUs")).to_be_visible()
    page.get_by_role("searchbox", name="Search units and pools").fill("nobody")
    expect(page.locator("h1")).to_have_text("0 findings match.")
    page.get_by_role("searchbox", name="Search units and pools").fill("vis")
    expect(page.locator("h1")).to_have_text("1 finding matches.")
    page.get_by_text("Compared", exact=True).first.click()
    page.get_by_label("inside departments").check()
    expect(page).to_have_url(re.compile("level=departments"))
    expect(page).to_have_url(re.compile("state=resolved"))
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "vis-3d 6000; vis-med 6000" in download.value.path().read_text()


def _observe(observed: Observed) -> None:
    with transaction.atomic():
        observed.write(seen(list(objects(observed.cluster)), asked_at=time.monotonic()))
    refresh_findings()


def test_a_simulated_node_leaves_and_the_damage_is_repaired(page: Page, live_server: Any, sign_in: SignIn) -> None:
    """Nothing is changed by itself; what makes it worse is refused, what makes it better is not."""
    make_account()
    north = cluster_create(actor=actor_of(), name="north", mode=ClusterInfo.Mode.SIMULATED)
    pool, observed = default_pool_of(north), Observed(north.pk)
    _observe(observed)
    ready = sum(Node.objects.values_list("gpu_count", flat=True))
    make_quota(make_department("vision", north), pool, gpus=ready)
    _enforce()
    lost = Node.objects.filter(gpu_count__gt=0).order_by("name")[0]
    with writing(north.pk) as change:
        item = change.get(KIND.NODE, lost.uid)
        assert item is not None
        change.delete(item, int(time.time() * 1000))
    _observe(observed)
    left = ready - lost.gpu_count

    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/findings/")
    expect(page.locator("h1")).to_have_text(f"default of north guarantees {ready} GPUs, {left} are ready.")
    row = page.locator("tr", has_text="default of north")
    expect(row).to_contain_text(f"vision {ready}")
    row.get_by_role("link", name="Quotas").click()
    vision, side = _cell(page, pool, "vision"), page.locator("#side")
    _type(page, vision, str(ready + 1))
    over = lost.gpu_count + 1
    expect(side).to_contain_text(f"{over} over: {ready + 1} GPUs asked for in default, {left} available ({left} ready")
    _type(page, vision, str(ready - 1))
    _save(page, vision=str(ready - 1))
    _menu(page, "Findings").click()
    expect(page.locator("h1")).to_have_text(f"default of north guarantees {ready - 1} GPUs, {left} are ready.")
    page.get_by_role("link", name=re.compile("^Quotas to mend")).click()
    _type(page, vision, str(left))
    _save(page, vision=str(left))
    _menu(page, "Findings").click()
    expect(page.locator("h1")).to_have_text("All that is guaranteed adds up.")


def test_a_pool_that_would_take_too_many_nodes(page: Page, live_server: Any, sign_in: SignIn, pool: Pool) -> None:
    _enforce()
    Node.objects.filter(name="two").update(labels={"class": "a100"})
    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/pools/new/")
    page.get_by_label("Name").fill("a100")
    page.get_by_label("Label key").fill("class")
    page.get_by_label("Label value").fill("a100")
    page.get_by_role("button", name="Create pool").click()
    expect(page.get_by_text("4 over: 8 GPUs would be ready in default, 12 guaranteed there.")).to_be_visible()
    expect(page.get_by_label("Label value")).to_have_value("a100")
    page.said[:] = [line for line in page.said if "422" not in line]  # type: ignore[attr-defined]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(
    new_page: Callable[..., Page], live_server: Any, sign_in: SignIn, pool: Pool, theme: str, width: int
) -> None:
    Node.objects.filter(name="two").update(state=Node.State.NOT_READY)
    make_quota(OrgUnit.objects.get(name="vis-med"), pool, gpus=6)
    refresh_findings(thorough=True)
    page = new_page(color_scheme=theme, viewport={"width": width, "height": 900})
    sign_in(page, make_user(role=ADMIN))
    for path in ("findings/", "findings/?state=resolved", "settings/", f"settings/guard/{pool.cluster_id}/1/"):
        page.goto(f"{live_server.url}/{path}")
        expect(page.locator("h1")).to_be_visible()
        assert axe(page) == [], path
        assert sideways(page) == [], path
