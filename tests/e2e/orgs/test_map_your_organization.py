"""The steps of docs/map-your-organization.md, in its order and with its words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orgs.models import OrgUnit, UnitState, User
from quotas.models import GuardSetting, Quota
from tests.e2e.conftest import axe, sideways
from tests.factories import (
    ADMIN,
    default_pool_of,
    make_cluster,
    make_guard,
    make_node,
    make_pool,
    make_user,
    make_workload,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHAPTER = Path(__file__).parents[3] / "docs" / "map-your-organization.md"
LIST = "\n".join(
    line.strip() for line in CHAPTER.read_text().split("\n       department,")[1].split("\n\n")[0].split("\n")
)
LIST = f"department,{LIST}"


@pytest.fixture
def cluster(db: None) -> OrgUnit:
    cluster = make_cluster("north")
    make_node(pool=default_pool_of(cluster), gpus=8)
    make_node(pool=make_pool("a100", cluster=cluster), gpus=8)
    make_user("mira@example.org", "Mira Okafor")
    return cluster


@pytest.fixture
def opened(
    live_server: Any, new_page: Callable[..., Page], sign_in: Callable[[Page, Any], None]
) -> Callable[..., Page]:
    def at(path: str, **options: Any) -> Page:
        page = new_page(**options)
        sign_in(page, make_user(role=ADMIN))
        page.goto(f"{live_server.url}{path}")
        return page

    return at


def refused(page: Page) -> None:
    """A form that is refused answers 422, which Chromium tells the console."""
    said: list[str] = page.said  # type: ignore[attr-defined]
    said[:] = [line for line in said if "422" not in line]


def import_again(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Organization").click()
    to_the_list(page, "Organizational structure")


def to_the_list(page: Page, pattern: str) -> None:
    page.get_by_role("link", name="Import list").click()
    page.get_by_role("radio", name=pattern).check()
    page.get_by_role("radio", name="north").check()
    page.get_by_role("button", name="Next: list").click()


def test_import_a_list_and_take_it_back(opened: Callable[..., Page], cluster: OrgUnit) -> None:
    page = opened("/organization/")
    to_the_list(page, "Organizational structure")
    assert axe(page) == []
    page.get_by_role("textbox", name="List").fill(f"{LIST}\nproduct,Chat Bot")
    page.get_by_role("button", name="Next: quotas").click()
    page.get_by_label("How a100 is given").select_option(label="Evenly")
    page.get_by_label("GPUs of a100").fill("4")
    page.get_by_label("How default is given").select_option(label="By head count")
    assert axe(page) == []
    page.get_by_role("button", name="Next: preview").click()
    # Nobody knows Ben, and a name is not allowed: marked where they are.
    expect(page.get_by_role("heading", name="2 conflicts to mend first.")).to_be_visible()
    expect(page.get_by_text("Nobody signs in as ben@example.org.")).to_be_visible()
    expect(page.get_by_role("row", name="Chat Bot")).to_contain_text("Use lower-case letters")
    assert axe(page) == []
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("GPUs of a100")).to_have_value("4")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("textbox", name="List")).to_have_value(f"{LIST}\nproduct,Chat Bot")
    page.get_by_role("textbox", name="List").fill(LIST)
    page.get_by_label("Make accounts for people who have none").check()
    page.get_by_role("button", name="Next: quotas").click()
    # The guard warns of more than there is until it enforces.
    page.get_by_label("GPUs of a100").fill("12")
    page.get_by_role("button", name="Next: preview").click()
    over = "4 over: 12 GPUs asked for in a100, 8 available (8 ready, 0 given to others)."
    expect(page.get_by_role("group", name="The over-subscription guard warns")).to_contain_text(over)
    expect(page.get_by_role("heading", name="are about to be made")).to_be_visible()
    make_guard(cluster, GuardSetting.Mode.ENFORCE)
    page.get_by_role("button", name="Make organization").click(force=True)
    expect(page.get_by_role("alert")).to_contain_text(over)
    refused(page)
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Next: preview").click()
    expect(page.get_by_role("heading", name="1 conflict to mend first.")).to_be_visible()
    expect(page.get_by_role("group", name="The over-subscription guard refuses this")).to_contain_text(over)
    page.get_by_role("button", name="Back").click()
    make_guard(cluster, GuardSetting.Mode.WARN)
    page.get_by_label("GPUs of a100").fill("4")
    page.get_by_role("button", name="Next: preview").click()
    expect(page.get_by_role("heading", name="are about to be made")).to_be_visible()
    assert not OrgUnit.objects.filter(name="vis-4d").exists()
    page.get_by_role("button", name="Make organization").click()
    expect(page.get_by_role("heading", name="3 departments, 2 projects and 1 new person are there.")).to_be_visible()
    assert axe(page) == []
    quotas = {
        (unit, pool): milli for unit, pool, milli in Quota.objects.values_list("unit__name", "pool__name", "gpu_milli")
    }
    assert quotas["vis-4d", "a100"] == quotas["asr", "a100"] == 2000
    assert (quotas["vis-4d", "default"], quotas["research", "default"]) == (8000, 8000)
    made = page.url
    import_again(page)
    page.get_by_role("textbox", name="List").fill(LIST)
    page.get_by_role("button", name="Next: quotas").click()
    page.get_by_role("button", name="Next: preview").click()
    expect(page.get_by_role("heading", name="Everything in the list is there already.")).to_be_visible()
    expect(page.get_by_text("there already", exact=True)).to_have_count(5)
    expect(page.get_by_role("button", name="Make organization")).to_have_attribute("aria-disabled", "true")
    assert axe(page) == []
    page.get_by_role("button", name="Back").click()
    page.get_by_label("How a100 is given").select_option(label="By hand")
    page.get_by_role("button", name="Back").click()
    longer = LIST.replace("name", "name,a100", 1) + ",,,\nresearch/speech,tts,,,1"
    page.get_by_role("textbox", name="List").fill(longer.replace("Mira Okafor", "Mira Okafor,3"))
    page.get_by_role("button", name="Next: quotas").click()
    expect(page.get_by_label("GPUs of a100 for tts")).to_have_value("1")
    page.get_by_role("button", name="Next: preview").click()
    expect(page.get_by_role("heading", name="1 project is about to be made.")).to_be_visible()
    expect(page.get_by_text("a100: the list says 3, it has 2.")).to_be_visible()
    expect(page.get_by_text("0 available (speech has 2, 2 given to others)")).to_be_visible()
    page.goto(made)
    page.get_by_role("link", name="Take it back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("heading", name="were taken back.")).to_be_visible()
    assert not OrgUnit.objects.filter(name__in=["research", "vision", "vis-4d"]).exists()
    assert not User.objects.filter(email="ben@example.org").exists()


def test_what_was_built_upon_is_said(opened: Callable[..., Page], cluster: OrgUnit) -> None:
    page = opened("/organization/")
    to_the_list(page, "Individuals")
    page.get_by_role("textbox", name="List").fill("mira@example.org")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Next: quotas").click()
    page.get_by_label("How a100 is given").select_option(label="By hand")
    page.get_by_role("button", name="Next: preview").click()
    page.get_by_label("GPUs of a100 for mira").fill("1.5")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Make organization").click()
    expect(page.get_by_role("heading", name="1 project is there.")).to_be_visible()
    assert Quota.objects.get().gpu_milli == 1500
    make_workload(project=OrgUnit.objects.get(name="mira"))
    page.reload()
    expect(page.get_by_text("The new projects have 1 workload, ended ones included.")).to_be_visible()
    expect(page.get_by_role("link", name="Take it back")).to_have_count(0)


def test_a_file_instead_of_typing(opened: Callable[..., Page], cluster: OrgUnit, tmp_path: Path) -> None:
    page = opened("/organization/")
    to_the_list(page, "Business units")
    (tmp_path / "list.csv").write_text("department,project\nvision,vis-4d\n")
    page.get_by_label("Or a CSV file").set_input_files(tmp_path / "list.csv")
    page.get_by_role("button", name="Next: quotas").click()
    page.get_by_role("button", name="Next: preview").click()
    expect(page.get_by_role("row", name="vis-4d")).to_be_visible()


def test_by_hand_create_rename_move_and_delete(opened: Callable[..., Page], cluster: OrgUnit) -> None:
    page = opened("/organization/")
    dialog = page.get_by_role("dialog")
    for name in ("vision", "robots"):
        page.get_by_role("link", name="New department").first.click()
        dialog.get_by_label("Name").fill(name)
        dialog.get_by_role("button", name="Create department").click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("link", name="New project").click()
    dialog.get_by_label("Name").fill("arms")
    dialog.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name="arms")).to_be_visible()
    page.get_by_role("link", name="Rename").click()
    dialog.get_by_label("Name").fill("legs")
    dialog.get_by_role("button", name="Save name").click()
    expect(page.get_by_role("heading", name="legs")).to_be_visible()
    page.get_by_role("link", name="Move").click()
    dialog.get_by_role("radio", name="vision").check()
    expect(dialog.get_by_text("No sum of quotas changes")).to_be_visible()
    dialog.get_by_role("button", name="Move project").click()
    expect(page.locator(".panel").get_by_text("Project in vision")).to_be_visible()
    page.get_by_role("link", name="Delete").click()
    dialog.get_by_role("button", name="Delete project").click()
    expect(page.get_by_role("heading", name="vision")).to_be_visible()
    assert OrgUnit.objects.get(name="legs").state == UnitState.DELETING


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_wizard_in_every_width_and_theme(
    opened: Callable[..., Page], cluster: OrgUnit, width: int, scheme: str
) -> None:
    page = opened("/organization/new/", viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert axe(page) == []
    assert sideways(page) == []
    page.get_by_role("button", name="Next: list").click()
    page.get_by_role("textbox", name="List").fill(f"{LIST}\nproduct,Chat Bot")
    page.get_by_role("button", name="Next: quotas").click()
    assert sideways(page) == []
    page.get_by_label("How a100 is given").select_option(label="Evenly")
    page.get_by_label("GPUs of a100").fill("12")
    for mode, word in ((GuardSetting.Mode.WARN, "warns"), (GuardSetting.Mode.ENFORCE, "refuses")):
        make_guard(cluster, mode)
        page.get_by_role("button", name="Next: preview").click()
        expect(page.get_by_role("group", name=f"The over-subscription guard {word}")).to_contain_text("4 over: 12 GPUs")
        assert axe(page) == []
        assert sideways(page) == []
        page.get_by_role("button", name="Back").click()
