"""Blocks of cells in the matrix, splitting, looking back: what `docs/pools-and-quotas.md` says of quotas."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from orgs.models import OrgUnit
from orgs.services.unit import unit_delete, units_remove
from quotas.models import Pool, Quota, QuotaVersion
from quotas.services.quota import quota_set
from tests.e2e.conftest import axe
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    actor_of,
    default_pool_of,
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
PROJECTS = ("robotics", "vis-3d", "vis-med")
PASTE = """text => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(event);
}"""
COPIED = """() => {
  const data = new DataTransfer();
  const event = new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(event);
  return data.getData("text/plain");
}"""
COLUMNS = ("a100", "default")


@pytest.fixture
def pools() -> dict[str, Pool]:
    """vision has 10 GPUs in a100; its three projects have nothing yet, vis-3d uses 4 over quota."""
    vision = make_department("vision", make_cluster("north"))
    assert vision.cluster is not None
    a100 = make_pool("a100", vision.cluster)
    for pool in (a100, default_pool_of(vision.cluster)):
        make_node(pool=pool, gpus=16)
    for name in PROJECTS:
        make_project(name, vision)
    make_quota(vision, a100, gpus=10)
    make_usage(OrgUnit.objects.get(name="vis-3d"), a100, gpus=4)
    return {"a100": a100, "default": default_pool_of(vision.cluster)}


@pytest.fixture
def cell(page: Page, pools: dict[str, Pool]) -> Callable[[str, str], Locator]:
    return lambda name, pool: page.locator(f"#cell-{OrgUnit.objects.get(name=name).pk}-{pools[pool].pk}")


Cell = Callable[[str, str], Locator]


def _open(page: Page, live_server: Any, sign_in: SignIn, user: Any) -> None:
    sign_in(page, user)
    page.goto(f"{live_server.url}/quotas/")


def _select(page: Page, first: Locator, down: int, right: int) -> None:
    first.focus()
    for _ in range(down):
        page.keyboard.press("Shift+ArrowDown")
    for _ in range(right):
        page.keyboard.press("Shift+ArrowRight")


def _shown(cell: Cell) -> list[list[str]]:
    """What stands in the cells of the projects, the typed in place of the saved."""
    return [
        [cell(name, pool).locator(".cell-value").inner_text().split(" ")[-1] for pool in COLUMNS] for name in PROJECTS
    ]


def test_a_block_is_copied_pasted_and_filled(
    page: Page, live_server: Any, sign_in: SignIn, cell: Cell, pools: dict[str, Pool]
) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    cell("robotics", "a100").focus()
    page.evaluate(PASTE, "1\t2.5\r\n3\tblocked\r\n")
    expect(page.locator("#unsaved")).to_have_text("4 unsaved")
    assert _shown(cell) == [["1", "2.5"], ["3", "blocked"], ["0", "0"]]
    expect(cell("vis-3d", "default")).to_be_focused()
    assert page.locator('.cell[aria-selected="true"]').count() == 4
    assert page.evaluate(COPIED) == "1\t2.5\n3\tblocked"
    assert axe(page) == []
    _select(page, cell("robotics", "a100"), 2, 0)
    page.keyboard.press("Control+d")
    assert _shown(cell) == [["1", "2.5"], ["1", "blocked"], ["1", "0"]]
    _select(page, cell("robotics", "a100"), 2, 1)
    page.keyboard.press("Control+r")
    assert _shown(cell) == [["1", "1"], ["1", "1"], ["1", "1"]]
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    page.evaluate(PASTE, "2")
    expect(page.locator("#unsaved")).to_have_text("6 unsaved")
    page.get_by_role("button", name="Save 6 changes").click()
    expect(page.locator("#side")).to_be_hidden()
    assert set(Quota.objects.filter(unit__name__in=PROJECTS).values_list("gpu_milli", flat=True)) == {2_000}
    assert len(set(QuotaVersion.objects.filter(unit__name__in=PROJECTS).values_list("batch", flat=True))) == 1


def test_what_cannot_be_pasted_is_said_and_harms_nothing(
    page: Page, live_server: Any, sign_in: SignIn, cell: Cell, pools: dict[str, Pool]
) -> None:
    head = make_user(role=DEPARTMENT_ADMIN, scope=OrgUnit.objects.get(name="vision"))
    _open(page, live_server, sign_in, head)
    cell("vision", "a100").focus()
    page.evaluate(PASTE, "\n".join(["99\t99\t99"] * 5))
    expect(page.locator("#toasts")).to_contain_text(
        "Of 15 cells, 2 may not be changed and stay as they are; 7 lie outside"
    )
    page.keyboard.press("Control+z")
    cell("robotics", "a100").focus()
    page.evaluate(PASTE, "-4\tNaN\n<script>alert(1)</script>\t1.234")
    expect(page.get_by_role("complementary")).to_contain_text("4 changes cannot be saved.")
    expect(page.get_by_role("button", name="Save 4 changes")).to_be_disabled()
    page.get_by_role("button", name="Discard").click()
    cell("robotics", "a100").focus()
    page.evaluate(PASTE, "\n".join(["1\t1"] * 1001))
    expect(page.locator("#toasts")).to_contain_text("2,002 cells are too many. Paste at most 2,000 at once.")
    page.evaluate(PASTE, "x" * 100_000)
    expect(page.locator("#toasts")).to_contain_text("That is text, not amounts.")
    cell("vision", "a100").focus()
    page.keyboard.type("9")
    expect(page.locator("#toasts")).to_contain_text("Quotas are changed with the right on the unit above")
    expect(page.locator("#side")).to_be_hidden()
    assert Quota.objects.count() == 1


def test_a_block_pasted_while_typing_goes_into_the_cells(
    page: Page, live_server: Any, sign_in: SignIn, cell: Cell, pools: dict[str, Pool]
) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    cell("robotics", "a100").click()
    expect(page.locator(".cell-input")).to_be_focused()
    page.evaluate(PASTE, "1\n2\n3")
    expect(page.locator("#unsaved")).to_have_text("3 unsaved")
    assert [line[0] for line in _shown(cell)] == ["1", "2", "3"]


def test_what_a_department_has_is_split_and_the_effect_shown(
    page: Page, live_server: Any, sign_in: SignIn, cell: Cell, pools: dict[str, Pool]
) -> None:
    _open(page, live_server, sign_in, make_user(role=DEPARTMENT_ADMIN, scope=OrgUnit.objects.get(name="vision")))
    cell("vision", "a100").click(button="right")
    page.get_by_role("menuitem", name="Split evenly below").click()
    expect(page.locator("#toasts")).to_contain_text("10 GPUs among 3: 3 each; what remains goes to robotics: 1 more.")
    assert [line[0] for line in _shown(cell)] == ["4", "3", "3"]
    side = page.get_by_role("complementary", name="What would change")
    expect(side).to_contain_text("3 units gain 10 guaranteed GPUs. Nothing is stopped when you save.")
    expect(side).to_contain_text("3 GPUs become safe")
    expect(side).to_contain_text("0 now, 3 then; 1 of 4 in use over it.")
    expect(side).to_contain_text("vision in a100 still adds up: 10 of 10.")
    assert axe(page) == []
    side.get_by_label("Reason").fill("Start of the year")
    page.get_by_role("button", name="Save 3 changes").click()
    expect(page.locator("#toasts")).to_contain_text("3 changes saved.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Taken back.")
    expect(cell("robotics", "a100").locator(".cell-value")).to_have_text("0")
    assert not Quota.objects.filter(unit__name__in=PROJECTS).exists()


def test_looking_back(
    page: Page, live_server: Any, sign_in: SignIn, cell: Cell, pools: dict[str, Pool], tmp_path: Path
) -> None:
    project = OrgUnit.objects.get(name="vis-3d")
    ana = actor_of(make_user(name="Ana Krol", role=ADMIN))
    quota_set(actor=ana, unit=project, pool=pools["a100"], gpu_milli=2_000, reason="First try")
    gone = make_project("vis-old", OrgUnit.objects.get(name="vision"))
    quota_set(actor=ana, unit=gone, pool=pools["a100"], gpu_milli=1_000)
    QuotaVersion.objects.update(since=timezone.now() - timedelta(days=3))
    quota_set(actor=ana, unit=project, pool=pools["a100"], gpu_milli=3_000)
    unit_delete(actor=ana, unit=gone)
    units_remove()
    OrgUnit.objects.exclude(name="vis-med").update(created_at=timezone.now() - timedelta(days=9))
    Pool.objects.update(created_at=timezone.now() - timedelta(days=9))
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    cell("vis-3d", "a100").focus()
    page.keyboard.press("Shift+F10")
    page.get_by_role("menuitem", name="History").press("Enter")
    side = page.get_by_role("complementary", name="vis-3d")
    expect(side).to_contain_text(re.compile(r"GPU quota\s*2\s*became\s*3"))
    expect(side).to_contain_text("“First try”")
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()
    expect(cell("vis-3d", "a100")).to_be_focused()
    page.get_by_label("As of", exact=True).fill(str((timezone.now() - timedelta(days=1)).date()))
    expect(page.locator("#quotas .banner")).to_contain_text("to read only")
    expect(cell("vis-3d", "a100").locator(".cell-value")).to_have_text("2")
    expect(page.get_by_role("list", name="Gone since")).to_contain_text("1 GPU; the project was removed")
    expect(cell("vis-med", "a100")).to_contain_text("not there yet")
    cell("vis-3d", "a100").focus()
    page.keyboard.type("9\n")
    expect(page.locator(".cell-input")).to_have_count(0)
    assert "day=" in page.url
    assert axe(page) == []
    page.get_by_role("link", name="Back to now").click()
    expect(cell("vis-3d", "a100").locator(".cell-value")).to_have_text("3")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "quotas.csv")
    lines = list(csv.reader((tmp_path / "quotas.csv").read_text().splitlines()))
    assert lines[0] == ["Kind", "Above", "Name", *COLUMNS]
    assert ["project", "vision", "vis-3d", "3", "0"] in lines
