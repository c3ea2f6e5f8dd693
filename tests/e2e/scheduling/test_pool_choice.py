"""What docs/pools-and-quotas.md tells of the choice of pools, in the browser; loops take their steps in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from scheduling.models import PoolChoice
from tests import factories as make
from tests.e2e.conftest import axe, sideways
from tests.scheduling.loops.two_pools import Pools

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


def test_it_waits_in_its_first_pool_moves_to_its_second_and_runs_there(
    page: Page, live_server: Any, sign_in: SignIn
) -> None:
    pools = Pools(wait_seconds=3600)
    pools.fill()
    workload = pools.submit("nerf-lobby", devices=2)
    pools.round()
    sign_in(page, make.make_user(role=make.ADMIN))
    page.goto(f"{live_server.url}/workloads/{workload.pk}/")
    answer = page.get_by_role("heading", level=1)
    expect(answer).to_contain_text("Waits for room in gpu")

    page.goto(f"{live_server.url}/settings/")
    setting = page.get_by_role("region", name="Choice of pools")
    expect(setting).to_contain_text("after 1 h")
    setting.get_by_role("link", name="Change the choice of pools").click()
    dialog = page.get_by_role("dialog")
    wait = dialog.get_by_label("Wait in a pool, in seconds")
    expect(wait).to_have_value("3600")
    wait.fill("0")
    assert axe(page) == []
    dialog.get_by_role("button", name="Save choice of pools").click()
    expect(page.get_by_text("The choice of pools is saved.")).to_be_visible()
    assert PoolChoice.objects.get().wait_seconds == 0
    assert sideways(page) == []

    pools.round()
    pools.steps.later(3)
    page.goto(f"{live_server.url}/workloads/{workload.pk}/")
    expect(answer).to_contain_text("Runs in second on 2 GPUs")
    expect(page.get_by_text("Moved from gpu to second, where it starts at once; it had waited")).to_be_visible()
    assert axe(page) == []
