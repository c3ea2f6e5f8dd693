"""Organization and Settings in Chromium: keyboard, dialogs, widths, accessibility."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orgs.models import AccessRule, OrgUnit, UnitState
from scheduling.models import Workload
from tests.e2e.conftest import axe, sideways
from tests.factories import (
    ADMIN,
    RESEARCHER,
    VIEWER,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_projects,
    make_quota,
    make_usage,
    make_user,
    make_workload,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


@pytest.fixture
def project(db: None) -> OrgUnit:
    north = make_cluster("north")
    vision = make_department("vision", parent=north)
    project = make_project("vis-3d", department=vision)
    make_project("speech", department=make_department("language", parent=north))
    pool = make_pool("a100", cluster=north)
    for unit in (project, vision):
        make_quota(unit, pool, 24)
    for unit in (project, vision, north):
        make_usage(unit, pool, 18)
    make_user("mira@example.org", "Mira Okafor", role=RESEARCHER, scope=project)
    return project


@pytest.fixture
def opened(live_server: Any, new_page: Callable[..., Page], sign_in: SignIn) -> Callable[..., Page]:
    def at(path: str, role: str = ADMIN, **options: Any) -> Page:
        page = new_page(**options)
        sign_in(page, make_user(role=role))
        page.goto(f"{live_server.url}{path}")
        return page

    return at


def refused(page: Page) -> None:
    """A form that is refused answers 422, which Chromium tells the console."""
    said: list[str] = page.said  # type: ignore[attr-defined]
    said[:] = [line for line in said if "422" not in line]


def test_making_renaming_and_deleting_a_project(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened(f"/organization/?unit={project.parent_id}")
    page.get_by_role("link", name="New project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("vis-3d")
    dialog.get_by_role("button", name="Create project").click()
    expect(dialog.get_by_text("There is a project called “vis-3d” in this cluster already.")).to_be_visible()
    refused(page)
    dialog.get_by_label("Name").fill("robotics")
    dialog.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name="robotics")).to_be_visible()
    page.get_by_role("link", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("robots")
    page.get_by_role("button", name="Save name").click()
    expect(page.get_by_role("heading", name="robots")).to_be_visible()
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("dialog").get_by_text("Delete project robots?")).to_be_visible()
    expect(page.get_by_role("button", name="Keep project")).to_be_focused()
    page.get_by_role("button", name="Delete project").click()
    expect(page.get_by_role("heading", name="vision")).to_be_visible()
    assert OrgUnit.objects.get(name="robots").state == UnitState.DELETING


def test_the_name_has_to_be_typed_while_work_runs(opened: Callable[..., Page], project: OrgUnit) -> None:
    make_workload(project=project, state=Workload.State.RUNNING)
    page = opened(f"/organization/?unit={project.pk}")
    page.get_by_role("link", name="Delete").click()
    button = page.get_by_role("button", name="Delete project")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    assert OrgUnit.objects.get(pk=project.pk).state == UnitState.ACTIVE
    page.get_by_label("Type vis-3d to confirm").fill("vis-3d")
    button.click()
    expect(page.get_by_role("heading", name="vision")).to_be_visible()
    assert OrgUnit.objects.get(pk=project.pk).state == UnitState.DELETING


def test_giving_a_role_and_taking_it_away(opened: Callable[..., Page], project: OrgUnit) -> None:
    make_user("ben@example.org", "Ben Adeyemi")
    page = opened(f"/organization/?unit={project.pk}")
    page.get_by_role("link", name="Give a role").click()
    page.get_by_label("Person, group or application", exact=True).fill("ben@example.org")
    page.get_by_label("Role", exact=True).select_option(label=VIEWER)
    page.get_by_role("button", name="Give role").click()
    panel = page.locator(".panel")
    expect(panel.get_by_text("Ben Adeyemi")).to_be_visible()
    page.get_by_role("link", name="Take Viewer from Ben Adeyemi").click()
    page.get_by_role("button", name="Take role away").click()
    expect(panel.get_by_text("Mira Okafor")).to_be_visible()
    expect(panel.get_by_text("Ben Adeyemi")).to_have_count(0)
    assert not AccessRule.objects.filter(subject__name="ben@example.org").exists()


def test_the_tree_by_keyboard(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened("/organization/")
    row = page.locator("#units tbody tr").first
    row.focus()
    page.keyboard.press("v")
    vision = page.locator(f"#unit-{project.parent_id}")
    expect(vision).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(f"#unit-{project.pk}")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"#unit-{project.pk}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="vis-3d")).to_be_visible()
    assert page.url.endswith(f"?unit={project.pk}")


def test_searching_narrows_while_typing(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened("/organization/")
    page.get_by_role("searchbox", name="Find a department or project").fill("vis")
    expect(page.get_by_role("row", name="speech")).to_have_count(0)
    expect(page.locator(f"#unit-{project.pk}")).to_be_visible()


def test_a_new_person_and_the_password(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened("/access/people/")
    page.get_by_role("link", name="New person").click()
    page.get_by_label("Name", exact=True).fill("Chloe Ng")
    page.get_by_label("E-mail address").fill("chloe@example.org")
    page.get_by_role("button", name="Create person").click()
    expect(page.get_by_text("It is kept nowhere")).to_be_visible()
    page.get_by_role("link", name="Back to people").click()
    expect(page.get_by_text("chloe@example.org")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 768, 390])
def test_every_width_and_theme(opened: Callable[..., Page], project: OrgUnit, width: int, scheme: str) -> None:
    paths = ("/organization/", f"/organization/?unit={project.pk}", "/settings/", f"/organization/{project.pk}/rename/")
    for path in paths:
        page = opened(path, viewport={"width": width, "height": 900}, color_scheme=scheme)
        assert axe(page) == [], path
        assert sideways(page) == [], path


def test_dialogs_are_accessible(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened(f"/organization/?unit={project.pk}")
    for name in ("Give a role", "Rename", "Delete"):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert axe(page) == [], name
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_moving_by_button_shows_whose_sums_change(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened(f"/organization/?unit={project.pk}")
    page.get_by_role("link", name="Move").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox", name="Find a unit").fill("lang")
    expect(dialog.get_by_text("vision", exact=True)).to_be_hidden()
    dialog.get_by_role("radio", name="language").check()
    expect(dialog.get_by_text("GPUs guaranteed inside vision, pool a100")).to_be_visible()
    expect(dialog.get_by_text("24 → 0 of 24")).to_be_visible()
    assert axe(page) == []
    dialog.get_by_role("button", name="Move project").click()
    expect(page.locator(".panel").get_by_text("Project in language")).to_be_visible()
    assert OrgUnit.objects.get(pk=project.pk).parent.name == "language"  # type: ignore[union-attr]


def test_moving_by_keyboard_and_by_dragging(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened("/organization/")
    language = page.locator("#units tr", has_text="language")
    page.locator(f"#unit-{project.pk}").focus()
    page.keyboard.press("Control+x")
    expect(page.locator("#said")).to_contain_text("vis-3d is taken up.")
    language.focus()
    page.keyboard.press("Control+v")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="language")).to_be_checked()
    expect(dialog.get_by_text("24 → 0 of 24")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(f"#unit-{project.pk}").drag_to(language)
    expect(dialog.get_by_text("24 → 0 of 24")).to_be_visible()
    dialog.get_by_role("button", name="Move project").click()
    expect(page.locator(".panel").get_by_text("Project in language")).to_be_visible()
    row = page.locator(f"#unit-{project.pk}")
    row.focus()
    page.keyboard.press("F2")
    expect(dialog.get_by_text("Rename project vis-3d")).to_be_visible()
    page.keyboard.press("Escape")
    row.focus()
    page.keyboard.press("Delete")
    expect(dialog.get_by_text("Delete project vis-3d?")).to_be_visible()


def test_a_large_tree_is_opened_part_by_part(opened: Callable[..., Page], project: OrgUnit) -> None:
    assert project.parent is not None
    make_projects(project.parent, 650)
    page = opened("/organization/")
    vision = page.locator(f"#unit-{project.parent_id}")
    expect(vision).to_have_attribute("aria-expanded", "false")
    rows = page.locator("#units tbody tr[aria-level='4']:not(.more)")
    expect(rows).to_have_count(0)
    vision.focus()
    page.keyboard.press("ArrowRight")
    expect(rows).to_have_count(200)
    expect(vision).to_be_focused()
    expect(vision).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowLeft")
    expect(rows.first).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(rows.first).to_be_visible()
    page.get_by_role("link", name="Show more").click()
    expect(rows).to_have_count(400)
    page.reload()
    expect(rows).to_have_count(400)
    page.locator("#units tr", has_text="language").get_by_label("Open language").click()
    expect(page.locator("#units tr", has_text="speech")).to_be_visible()

    page.goto(page.url.split("?")[0])
    expect(vision).to_have_attribute("aria-expanded", "false")
    vision.focus()
    page.keyboard.press("*")
    for department in ("vision", "language"):
        row = page.locator(f"#unit-{OrgUnit.objects.get(name=department).pk}")
        expect(row).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#units tr", has_text="speech")).to_be_visible()
    expect(rows).to_have_count(201)
    expect(vision).to_be_focused()
