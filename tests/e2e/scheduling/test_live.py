"""Pages follow what happens, and leave in place what one is reading."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from scheduling.models import Workload
from tests import factories as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


def test_a_workload_starts_while_one_looks(page: Page, live_server: Any, sign_in: SignIn) -> None:
    project = make.make_project("vis-3d")
    pool = make.make_pool("h100", cluster=project.cluster)
    workload = make.make_workload("nerf-lobby", project, pool, gpus=4)
    sign_in(page, make.make_user(role=make.ADMIN))
    page.goto(f"{live_server.url}/workloads/{workload.pk}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Waits to be looked at.")
    Workload.objects.filter(pk=workload.pk).update(
        state=Workload.State.RUNNING,
        state_since=timezone.now(),
        started_at=timezone.now(),
        pods_running=1,
        allocated_gpu_milli=4000,
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs in h100 on 4 GPUs, all guaranteed.")


def test_filters_change_the_address_and_a_row_under_the_pointer_stays(
    page: Page, live_server: Any, sign_in: SignIn
) -> None:
    project = make.make_project("vis-3d")
    pool = make.make_pool("h100", cluster=project.cluster)
    make.make_workload("alpha", project, pool)
    make.make_workload("beta", project, pool)
    sign_in(page, make.make_user(role=make.ADMIN))
    page.goto(f"{live_server.url}/workloads/")
    page.get_by_label("Search the start of a name").fill("al")
    expect(page.get_by_role("link", name="beta")).to_be_hidden()
    assert "q=al" in page.url

    page.get_by_role("link", name="alpha").hover()
    with page.expect_response(lambda response: "q=al" in response.url):
        make.make_workload("alps", project, pool, state_since=timezone.now() - timedelta(hours=1))
    with page.expect_response(lambda response: "q=al" in response.url):
        pass
    expect(page.get_by_role("link", name="alps")).to_be_hidden()
    page.get_by_role("heading", level=1).hover()
    expect(page.get_by_role("link", name="alps")).to_be_visible()
