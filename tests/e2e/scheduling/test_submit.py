"""A researcher's way from My work through the form to the workload, in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.db import connection
from playwright.sync_api import Browser, Page, expect

from orgs.models import OrgUnit, UnitKind, User
from quotas.models import Pool
from scheduling.models import Workload
from tests import factories as make
from tests.documents import job
from tests.e2e.conftest import axe, sideways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


@pytest.fixture
def project(db: None) -> OrgUnit:
    return make.make_project("vis-3d", make.make_department("vision"))


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    pool = make.make_pool("h100", cluster=project.cluster)
    make.make_node(pool=pool)
    make.make_summary(pool, gpus=16, used=8)
    make.make_quota(project, pool, 4)
    make.make_quota(project.parent, pool, 4)  # type: ignore[arg-type]
    make.make_pool("a100", cluster=project.cluster)
    return pool


@pytest.fixture
def mira(project: OrgUnit) -> User:
    return make.make_user("mira@example.org", "Mira Okafor", make.RESEARCHER, project)


def test_from_my_work_to_the_workload(page: Page, live_server: Any, sign_in: SignIn, mira: User, pool: Pool) -> None:
    sign_in(page, mira)
    page.goto(f"{live_server.url}/my-work/")
    expect(page.get_by_role("heading", level=1)).to_have_text("You can start 4 GPUs in h100 now, guaranteed.")
    page.get_by_role("link", name="Submit to h100 for vis-3d").click()

    answer = page.get_by_role("heading", level=1)
    expect(answer).to_have_text("Starts now in h100 with 1 GPU, all guaranteed.")
    page.get_by_role("button", name="More GPUs per pod").click(click_count=4)
    expect(answer).to_have_text("Starts now in h100 with 5 GPUs, 4 guaranteed and 1 over quota.")
    page.get_by_role("spinbutton", name="Pods").fill("4")
    expect(answer).to_contain_text("Waits for room in h100: 12 GPUs short")
    page.get_by_role("spinbutton", name="Pods").fill("1")
    page.get_by_label("Name").fill("nerf-lobby")
    expect(answer).to_contain_text("with 5 GPUs")
    expect(page.get_by_label("Name")).to_have_value("nerf-lobby")
    page.get_by_role("button", name="Submit workload").click()

    page.wait_for_url("**/workloads/*/")
    expect(answer).to_have_text("Waits to be looked at.")
    workload = Workload.objects.get(name="nerf-lobby")
    assert (workload.requested_gpu_milli, workload.pool) == (5000, pool)
    page.get_by_role("link", name="My work").first.click()
    expect(page.get_by_role("link", name="nerf-lobby").first).to_be_visible()


def test_a_mistake_keeps_what_was_typed(page: Page, live_server: Any, sign_in: SignIn, mira: User, pool: Pool) -> None:
    sign_in(page, mira)
    page.goto(f"{live_server.url}/submit/")
    page.get_by_role("radio", name="Distributed").check()
    page.get_by_label("Name").fill("Nerf Lobby")
    page.get_by_label("Container image").fill("registry.example.org/own:7")
    page.get_by_role("spinbutton", name="Memory per pod").fill("24.5")
    page.get_by_text("Command and environment variables").click()
    page.get_by_label("Environment variables").fill("SEED=7")
    page.get_by_label("May be stopped for others (preemptible)").uncheck()
    page.get_by_role("button", name="Submit workload").click()

    expect(page.get_by_text("Use small letters a to z")).to_be_visible()
    # Chromium tells the console of a page that answers 422.
    page.said[:] = [line for line in page.said if "422" not in line]  # type: ignore[attr-defined]
    assert page.get_by_label("Name").input_value() == "Nerf Lobby"
    assert page.get_by_label("Container image").input_value() == "registry.example.org/own:7"
    assert page.get_by_role("spinbutton", name="Memory per pod").input_value() == "24.5"
    assert not page.get_by_label("May be stopped for others (preemptible)").is_checked()
    assert page.get_by_role("radio", name="Distributed").is_checked()
    page.get_by_label("Name").fill("nerf-lobby")
    page.get_by_role("button", name="Submit workload").click()
    page.wait_for_url("**/workloads/*/")
    assert Workload.objects.get().spec.spec["env"] == {"SEED": "7"}


def test_what_is_open_stays_open(page: Page, live_server: Any, sign_in: SignIn, mira: User, pool: Pool) -> None:
    """Another kind brings and takes elements further up: the answer to it must not make the rest anew."""
    sign_in(page, mira)
    page.goto(f"{live_server.url}/submit/")
    page.get_by_text("Command and environment variables").click()
    page.get_by_label("Environment variables").fill("SEED=7")
    page.evaluate("window.variables = document.activeElement")
    for kind in ("Distributed", "Training", "Distributed"):
        with page.expect_response("**/submit/**"):
            page.get_by_role("radio", name=kind).check()
        expect(page.get_by_role("button", name="Another group of pods")).to_have_count(int(kind == "Distributed"))
        expect(page.get_by_label("Environment variables")).to_be_visible()
        assert page.evaluate("window.variables.isConnected")


def test_a_training_of_two_groups(page: Page, live_server: Any, sign_in: SignIn, mira: User, pool: Pool) -> None:
    make.make_topology("racks", pool.cluster)
    pool.nodes.update(labels={"example.org/hall": "east"})
    sign_in(page, mira)
    page.goto(f"{live_server.url}/submit/")
    answer = page.get_by_role("heading", level=1)
    expect(page.get_by_role("button", name="Another group of pods")).to_have_count(0)
    page.get_by_role("radio", name="Distributed").check()
    page.get_by_label("Name", exact=True).fill("nerf-city")
    page.get_by_role("button", name="Another group of pods").click()
    group = page.get_by_role("group", name="Another group of pods")
    expect(group.get_by_label("Name of the group")).to_have_value("launcher")
    expect(page.get_by_label("Name", exact=True)).to_have_value("nerf-city")
    group.get_by_role("spinbutton", name="GPUs per pod").fill("2")
    expect(answer).to_have_text("Starts now in h100 with 3 GPUs, all guaranteed.")
    page.get_by_role("button", name="Another group of pods").click()
    expect(page.get_by_role("button", name="Remove this group")).to_have_count(2)
    page.get_by_role("button", name="Remove this group").nth(1).click()
    expect(page.get_by_role("button", name="Remove this group")).to_have_count(1)
    expect(group.get_by_role("spinbutton", name="GPUs per pod")).to_have_value("2")
    page.get_by_text("Where its pods go").click()
    page.get_by_label("Keep its pods together").select_option("in one example.org/hall")
    page.get_by_label("Labels that a node must have").fill("rack=r7")
    expect(answer).to_contain_text("has the labels it asks for")
    page.get_by_label("Labels that a node must have").fill("")
    expect(answer).to_contain_text("Starts now in h100 with 3 GPUs")
    # Enter submits, and does not add a group.
    page.get_by_label("Name", exact=True).press("Enter")

    page.wait_for_url("**/workloads/*/")
    workload = Workload.objects.get(name="nerf-city")
    assert workload.near_required == "example.org/hall"
    assert list(workload.sub_groups.order_by("pk").values_list("name", "devices")) == [("workers", 1), ("launcher", 2)]


def test_groups_without_scripts(browser: Browser, live_server: Any, sign_in: SignIn, mira: User, pool: Pool) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        sign_in(page, mira)
        page.goto(f"{live_server.url}/submit/")
        page.get_by_role("radio", name="Distributed").check()
        page.get_by_role("button", name="Another group of pods").click()
        page.get_by_label("Name", exact=True).fill("nerf-city")
        page.get_by_role("button", name="Submit workload").click()
        page.wait_for_url("**/workloads/*/")
    finally:
        context.close()
    assert Workload.objects.get().sub_groups.count() == 2


def test_pools_are_put_in_order_by_buttons(
    page: Page, live_server: Any, sign_in: SignIn, mira: User, pool: Pool
) -> None:
    sign_in(page, mira)
    page.goto(f"{live_server.url}/submit/")
    page.get_by_label("Name").fill("kept")
    page.get_by_role("button", name="a100").click()
    page.get_by_role("button", name="Move up: a100").click()
    names = page.locator(".pool-order .name")
    expect(names).to_have_text(["a100", "h100"])
    expect(page.get_by_label("Name")).to_have_value("kept")
    page.get_by_role("button", name="Leave out: h100").click()
    expect(names).to_have_text(["a100"])


def test_stopping_asks_first(
    page: Page, live_server: Any, sign_in: SignIn, mira: User, pool: Pool, project: OrgUnit
) -> None:
    workload = make.make_workload("train", project, pool, by=mira)
    sign_in(page, mira)
    page.goto(f"{live_server.url}/workloads/{workload.pk}/")
    page.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog", name="Stop train?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Stop").click()
    dialog.get_by_role("button", name="Stop workload").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is being stopped.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_accessible_and_fits(
    new_page: Callable[..., Page],
    live_server: Any,
    sign_in: SignIn,
    mira: User,
    pool: Pool,
    project: OrgUnit,
    scheme: str,
    width: int,
) -> None:
    waiting = make.make_workload("nerf-city", project, pool, gpus=8, by=mira)
    numbers = {"resource": "gpu_milli", "pods": 1, "requested": 8000, "slots": 0, "free": 10000, "largest": 4000}
    make.make_waiting(waiting, "fragmented", **numbers)
    running = make.make_workload("train", project, pool, gpus=4, by=mira, state=Workload.State.RUNNING)
    make.make_pod(running, make.make_node(pool=pool), "0,1,2,3")
    make.make_usage(project, pool, 4, requested_gpu_milli=12_000, fair_gpu_milli=8000, pending=1, position=1)
    admin = make.make_user(role=make.ADMIN)
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    sign_in(page, admin)
    found = {}
    for path in (
        "/overview/",
        "/my-work/",
        "/submit/",
        "/workloads/",
        f"/workloads/{waiting.pk}/",
        f"/workloads/{running.pk}/?tab=pods",
        "/scheduler/",
    ):
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        found[path] = axe(page) + sideways(page)
    assert {path: problems for path, problems in found.items() if problems} == {}


def test_a_project_of_thousands_is_found_by_name(
    page: Page, live_server: Any, sign_in: SignIn, project: OrgUnit, pool: Pool
) -> None:
    assert project.parent is not None
    last = make.make_project("zebra", department=make.make_department("afar", project.cluster))
    units = [
        OrgUnit(kind=UnitKind.PROJECT, name=f"p-{number:05}", parent=project.parent, cluster=project.cluster)
        for number in range(10_000)
    ]
    OrgUnit.objects.bulk_create(units)
    for unit in units:
        unit.path = f"{project.parent.path}{unit.pk}/"
    OrgUnit.objects.bulk_update(units, ["path"], batch_size=2000)
    with connection.cursor() as cursor:
        # As the database does by itself, but not at a moment of its choice.
        cursor.execute("ANALYZE")
    sign_in(page, make.make_user("ines@example.org", "Ines", make.ADMIN))
    page.goto(f"{live_server.url}/submit/?project={project.pk}")
    field = page.get_by_role("group", name="Project", exact=True)
    button, search = field.get_by_role("button"), field.get_by_role("searchbox", name="Find a unit")
    expect(button).to_have_accessible_name(re.compile("vis-3d"))
    assert page.content().count('name="project"') < 160
    page.get_by_label("Name", exact=True).fill("nerf-lobby")

    button.press("Enter")
    expect(search).to_be_focused()
    expect(field.get_by_role("radio", name="vis-3d")).to_be_checked()
    expect(field.get_by_text("There are more than these")).to_be_visible()
    assert axe(page) == []
    search.press_sequentially("p-0777")
    expect(field.get_by_role("radio")).to_have_count(11)
    search.press("ArrowDown")
    page.keyboard.press("Space")
    expect(button).to_contain_text("p-07770")
    page.keyboard.press("Escape")
    expect(search).to_be_hidden()
    expect(button).to_be_focused()
    expect(page.get_by_role("complementary")).to_contain_text("what p-07770 has in the pool")

    button.press("Enter")
    search.fill("zebr")
    expect(field.get_by_role("radio", name="zebra")).to_be_visible()
    field.get_by_role("radio", name="zebra").click()
    expect(search).to_be_hidden()
    expect(button).to_have_accessible_name(re.compile("zebra"))
    expect(page.get_by_role("complementary")).to_contain_text("what zebra has in the pool")
    expect(page.get_by_label("Name", exact=True)).to_have_value("nerf-lobby")
    expect(button).to_contain_text("afar")
    page.get_by_role("button", name="Submit workload").click()
    page.wait_for_url("**/workloads/*/")
    assert Workload.objects.get().project == last


def test_a_document_is_pasted_put_right_and_submitted(
    page: Page, live_server: Any, sign_in: SignIn, mira: User, pool: Pool
) -> None:
    sign_in(page, mira)
    page.goto(f"{live_server.url}/submit/")
    page.get_by_role("link", name="YAML").click()
    answer, document = page.get_by_role("heading", level=1), page.get_by_label("Kubernetes document")
    expect(answer).to_have_text("Paste a Job, a JobSet, a StatefulSet or a Deployment, and see when it starts.")
    text = yaml.safe_dump(job("nerf-lobby", hostNetwork=True), sort_keys=False)
    document.fill(text)
    asks = page.get_by_role("region", name="What it asks for")
    expect(asks).to_contain_text("spec.template.spec.hostNetwork: A pod has no part in its node's network")
    page.get_by_role("button", name="Submit workload").click()
    expect(document).to_have_attribute("aria-invalid", "true")
    page.said[:] = [line for line in page.said if "422" not in line]  # type: ignore[attr-defined]
    expect(document).to_have_value(text)
    assert axe(page) == []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert sideways(page) == []
    document.fill(yaml.safe_dump(job("nerf-lobby"), sort_keys=False))
    expect(asks).to_contain_text("Training nerf-lobby: 1 pod with 1 GPU, 4 cores and 16 GiB.")
    expect(answer).to_have_text("Starts now in h100 with 1 GPU, all guaranteed.")
    page.get_by_role("button", name="Submit workload").click()
    page.wait_for_url(re.compile(r"/workloads/\d+/"))
    assert Workload.objects.get().name == "nerf-lobby"
