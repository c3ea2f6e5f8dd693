"""What docs/cycles.md tells, step by step in the browser, with the pool's loop taking its steps in between."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Download, Page, expect

from scheduling.models import CycleReport
from tests import factories as make
from tests.e2e.conftest import axe, sideways
from tests.scheduling.loops.world import Steps, World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


def cycle(steps: Steps) -> int:
    """The next cycle that decides, also in a quiet pool: its number."""
    steps.loop._quiet_until = 0.0
    steps.cycle()
    return steps.tenure.cycle


def replayed(download: Download, folder: Path) -> str:
    file, said = folder / download.suggested_filename, StringIO()
    download.save_as(file)
    call_command("replay", file, decisions=True, stdout=said)
    return said.getvalue()


def test_look_at_cycles_save_them_and_replay_them(
    new_page: Callable[..., Page], page: Page, live_server: Any, sign_in: SignIn, tmp_path: Path
) -> None:
    world = World()
    project = world.project("vis-3d")
    steps = Steps(world)
    first = world.submit(project, "train-one", devices=4)
    steps.start()
    placed = CycleReport.objects.get(pool=world.pool).cycle
    admin = make.make_user(role=make.ADMIN)
    sign_in(page, admin)
    # Look at cycles
    page.goto(f"{live_server.url}/scheduler/?pool={world.pool.pk}")
    expect(page.locator(f"#loop-{world.pool.pk}")).to_contain_text("epoch 1, taken")
    expect(page.get_by_role("heading", name=f"Cycle {placed} of gpu")).to_be_visible()
    page.get_by_role("link", name="All cycles").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "1 cycle of the last hour decided something; none stopped any work."
    )
    page.locator("summary", has_text="Only").click()
    page.get_by_label("stopped or moved work").check()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_text("Choose one pool above to save a cycle of it.")).to_be_visible()
    page.locator("summary", has_text="Pool").click()
    page.get_by_role("group", name="Pool").get_by_label("gpu").check()
    expect(page.get_by_role("button", name="Save the next cycle of gpu")).to_be_visible()
    page.get_by_role("link", name="Took").click()
    expect(page.get_by_role("columnheader", name="Took")).to_have_attribute("aria-sort", "ascending")
    # Save a cycle: the very next one
    saved = page.get_by_role("region", name="Saved cycles")
    saved.get_by_role("button", name="Save the next cycle of gpu").click()
    expect(saved).to_contain_text("The next of gpu")
    quiet = cycle(steps)
    expect(saved.get_by_role("link", name=f"Cycle {quiet} of gpu", exact=True)).to_be_visible()
    assert axe(page) == []
    # the next one that decides something
    saved.get_by_role("button", name="Next that decides something").click()
    expect(saved).to_contain_text("The next that decides something of gpu")
    cycle(steps)
    world.submit(project, "train-two", devices=2, pods=2, kind=3)
    steps.observe()
    steps.observe()
    deciding = cycle(steps)
    saved.get_by_role("link", name=f"Cycle {deciding} of gpu", exact=True).click()
    # Its page
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Cycle {deciding} of gpu placed 2 pods.")
    expect(page.get_by_role("region", name="Decisions")).to_contain_text("Placed train-two")
    expect(page.get_by_role("region", name="Time")).to_contain_text("snapshot")
    order = page.get_by_role("region", name="Order of service")
    expect(order.get_by_role("row", name="vis-3d")).to_contain_text("8")
    assert axe(page) == []
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download to replay").click()
    # Replay it
    said = replayed(downloaded.value, tmp_path)
    assert f"Cycle {deciding} of gpu in {world.cluster.name}" in said
    assert said.count("of train-two on") == 2
    assert "The same, in all" in said
    page.get_by_role("link", name="Cycle before").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Cycle {quiet} of gpu decided nothing.")
    # From the timeline of a workload
    page.goto(f"{live_server.url}/workloads/{first.pk}/")
    page.get_by_role("link", name=f"gpu: 1 pod placed in cycle {placed}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Cycle {placed} of gpu placed 1 pod.")
    # Delete one
    page.goto(f"{live_server.url}/scheduler/cycles/?pool={world.pool.pk}")
    saved.get_by_role("button", name=f"Delete cycle {quiet} of gpu").click()
    expect(page.get_by_text("It is deleted.")).to_be_visible()
    expect(saved.get_by_role("link", name=f"Cycle {quiet} of gpu", exact=True)).to_be_hidden()
    phone = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    sign_in(phone, admin)
    for address in ("/scheduler/", "/scheduler/cycles/", f"/scheduler/cycles/{world.pool.pk}/{deciding}/"):
        phone.goto(f"{live_server.url}{address}")
        expect(phone.get_by_role("heading", level=1)).to_be_visible()
        assert sideways(phone) == []
        assert axe(phone) == []
