"""The handbook's chapter "Who may do what" (docs/access.md), step by step, and the Access page at every width."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from orgs.models import AccessRule, Group, OrgUnit, Role, User
from tests.e2e.conftest import axe, choose_unit, sideways
from tests.factories import (
    ADMIN,
    RESEARCHER,
    VIEWER,
    make_cluster,
    make_department,
    make_group,
    make_project,
    make_role,
    make_rule,
    make_user,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def vision(db: None) -> OrgUnit:
    vision = make_department("vision", parent=make_cluster("north"))
    for name in ("vis-3d", "vis-med"):
        make_project(name, department=vision)
    for name in ("Mira Okafor", "Noor Haddad"):
        make_user(f"{name.split()[0].lower()}@example.org", name)
    return vision


@pytest.fixture
def opened(live_server: Any, new_page: Callable[..., Page], sign_in: Any) -> Callable[..., Page]:
    admin: list[Any] = []

    def at(path: str, **options: Any) -> Page:
        page = new_page(**options)
        admin.append(admin[0] if admin else make_user("ana@example.org", "Ana Krol", role=ADMIN))
        sign_in(page, admin[0])
        page.goto(f"{live_server.url}{path}")
        return page

    return at


def test_give_somebody_a_role(opened: Callable[..., Page], vision: OrgUnit) -> None:
    make_group("readers")
    page = opened("/access/")
    page.get_by_role("link", name="New rules").click()
    page.get_by_label("People, groups, applications").fill("mira@example.org\nreaders\nnobody@example.org\n")
    find = page.get_by_label("Find a person or group")
    find.fill("noor@example.org")
    find.press("Enter")
    page.get_by_label("Role", exact=True).select_option(label=RESEARCHER)
    page.get_by_role("checkbox", name="vis-3d").check()
    page.get_by_role("checkbox", name="vis-med").check()
    day = timezone.now().date() + timedelta(days=30)
    page.get_by_label("Until").fill(day.isoformat())
    page.get_by_role("button", name="Give role").click()
    expect(page.get_by_text("Nobody signs in as nobody@example.org.")).to_be_visible()
    page.said[:] = [line for line in page.said if "422" not in line]  # type: ignore[attr-defined]
    expect(page.get_by_role("checkbox", name="vis-3d")).to_be_checked()
    people = page.get_by_label("People, groups, applications")
    people.fill(people.input_value().replace("nobody@example.org\n", ""))
    page.get_by_role("button", name="Give role").click()
    expect(page.get_by_text("6 rules made.")).to_be_visible()
    expect(page.get_by_role("row", name="Mira Okafor")).to_have_count(2)
    assert {rule.last_moment.date() for rule in AccessRule.objects.filter(role__name=RESEARCHER)} == {day}  # type: ignore[union-attr]
    page.goto(f"{page.url.split('/access/')[0]}/organization/?unit={vision.pk}")
    page.get_by_role("link", name="Give a role").click()
    page.get_by_label("Person, group or application").fill("readers")
    page.get_by_label("Role", exact=True).select_option(label=VIEWER)
    page.get_by_role("button", name="Give role").click()
    expect(page.locator(".panel")).to_contain_text(VIEWER)
    assert AccessRule.objects.filter(subject__name="readers", role__name=VIEWER, scope=vision).exists()


def test_change_a_rule_and_take_it_away(opened: Callable[..., Page], vision: OrgUnit) -> None:
    ended = make_rule(make_group("crew"), RESEARCHER, vision, expires_at=timezone.now() - timedelta(days=2))
    rule = make_rule(make_group("readers"), VIEWER, vision)
    page = opened("/access/")
    page.get_by_role("link", name=f"Change rule {rule.pk}").click()
    page.get_by_role("dialog").get_by_label("Role").select_option(label="Department viewer")
    page.get_by_role("button", name="Save rule").click()
    expect(page.get_by_role("row", name="readers")).to_contain_text("Department viewer")
    page.get_by_role("searchbox", name="Find a person, group or unit").fill("crew")
    expect(page.get_by_role("row", name="readers")).to_have_count(0)
    expect(page.locator(f"#rule-{ended.pk}")).to_contain_text("ended")
    page.get_by_role("link", name=f"Remove rule {ended.pk}").click()
    page.get_by_role("button", name="Take role away").click()
    expect(page.get_by_text("crew is no longer L1 researcher on vision.")).to_be_visible()
    assert list(AccessRule.objects.exclude(role__name=ADMIN)) == [rule]


def test_groups(opened: Callable[..., Page], vision: OrgUnit) -> None:
    page = opened("/access/groups/")
    page.get_by_role("link", name="New group").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("vision-research")
    page.get_by_role("button", name="Create group").click()
    panel = page.locator(".panel")
    expect(panel.get_by_role("heading", name="vision-research")).to_be_visible()
    panel.get_by_role("link", name="Add people").click()
    page.get_by_role("dialog").get_by_label("People", exact=True).fill("mira@example.org\nnoor@example.org")
    page.get_by_role("button", name="Add people").click()
    expect(panel.get_by_text("Noor Haddad")).to_be_visible()
    panel.get_by_role("link", name="Take Noor Haddad out").click()
    page.get_by_role("button", name="Take out").click()
    expect(panel.get_by_text("Mira Okafor")).to_be_visible()
    expect(panel.get_by_text("Noor Haddad")).to_have_count(0)
    assert [member.user.name for member in Group.objects.get().members.all()] == ["Mira Okafor"]


def test_roles_of_ones_own(opened: Callable[..., Page], vision: OrgUnit) -> None:
    page = opened("/access/roles/")
    page.get_by_role("link", name="L2 researcher").click()
    panel = page.locator(".panel")
    expect(panel.get_by_role("row", name="Training")).to_contain_text("CRUD")
    panel.get_by_role("link", name="Copy").click()
    page.get_by_label("Name", exact=True).fill("Night shift")
    page.get_by_label("Node: read").check()
    page.get_by_label("Quota: update").check()
    page.get_by_role("button", name="Create role").click()
    expect(panel.get_by_role("heading", name="Night shift")).to_be_visible()
    panel.get_by_role("link", name="Change").click()
    page.get_by_label("Quota: update").uncheck()
    page.get_by_role("button", name="Save role").click()
    expect(page.get_by_text("Role Night shift is saved.")).to_be_visible()
    role = Role.objects.get(name="Night shift")
    copied = set(Role.objects.get(name="L2 researcher").permissions.values_list("permission", flat=True))
    assert set(role.permissions.values_list("permission", flat=True)) == copied | {"node:read"}
    panel.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete role").click()
    expect(page.get_by_role("row", name="Night shift")).to_have_count(0)


def test_what_may_this_person_do_and_who_may_do_this_here(opened: Callable[..., Page], vision: OrgUnit) -> None:
    project = OrgUnit.objects.get(name="vis-3d")
    mira = User.objects.get(name="Mira Okafor")
    own = make_rule(mira, RESEARCHER, project)
    shared = make_rule(make_group("readers", mira), VIEWER, vision)
    page = opened("/access/effective/")
    asked = page.get_by_label("Person, group or application")
    asked.fill("mira@example.org")
    asked.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mira Okafor may submit trainings in 1 project.")
    page.get_by_role("row", name="vis-3d").get_by_role("link").first.click()
    panel = page.locator(".panel")
    expect(panel.get_by_role("heading", name="May create, read, change and delete training")).to_be_visible()
    expect(panel).to_contain_text(f"Rule {own.pk}")
    expect(panel).to_contain_text(f"Rule {shared.pk} from above")
    panel.get_by_label("What").select_option(label="Audit")
    expect(panel.get_by_role("heading", name="May do nothing with audit")).to_be_visible()
    page.get_by_role("link", name="Unit: who").click()
    choose_unit(page, "Unit", "vis-3d")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 people may create training in vis-3d.")
    page.locator("select[name=action]").select_option(label="read")
    expect(page.get_by_role("row", name="readers")).to_contain_text("Mira Okafor")


def test_what_nobody_can_do(opened: Callable[..., Page], vision: OrgUnit) -> None:
    page = opened("/access/")
    rule = AccessRule.objects.get()
    page.get_by_role("link", name=f"Remove rule {rule.pk}").click()
    page.get_by_role("button", name="Take role away").click()
    expect(page.get_by_text("This is the last System administrator")).to_be_visible()
    page.said[:] = [line for line in page.said if "422" not in line]  # type: ignore[attr-defined]
    assert AccessRule.objects.filter(pk=rule.pk).exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_width_and_theme(opened: Callable[..., Page], vision: OrgUnit, width: int, scheme: str) -> None:
    group = make_group("readers")
    make_rule(group, VIEWER, vision, expires_at=timezone.now() + timedelta(days=9))
    make_role("Night shift", "project:read")
    page = opened("/access/", viewport={"width": width, "height": 900}, color_scheme=scheme)
    base = page.url.removesuffix("/access/")
    effective = f"/access/effective/?unit={vision.pk}&entity=training"
    paths = ("", "roles/", "people/", f"groups/?group={group.pk}", "rules/new/", "roles/new/", "effective/?view=scope")
    for path in [*(f"/access/{path}" for path in paths), effective]:
        page.goto(f"{base}{path}")
        assert axe(page) == [], path
        assert sideways(page) == [], path
