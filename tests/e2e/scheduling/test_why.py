"""A workload that waits: its page asks the loop, shows what would help, and each help leads to where it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from scheduling.models import Question
from tests import factories as make
from tests.cluster.waiting import eventually
from tests.e2e.conftest import axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


def test_the_page_asks_the_loop_and_a_help_leads_to_submit_filled_in(
    page: Page, live_server: Any, sign_in: SignIn
) -> None:
    """As in docs/first-steps-researcher.md, steps 2 and 3."""
    project = make.make_project("vis-3d")
    pool, other = (make.make_pool(name, cluster=project.cluster) for name in ("h100", "l40s"))
    for one, free in ((pool, {"4": 2}), (other, {"8": 1})):
        make.make_node(pool=one)
        make.make_summary(one, gpus=16, used=8, free_slots=free)
    person = make.make_user(role=make.RESEARCHER, scope=project)
    workload = make.make_workload("nerf-lobby", project, pool, gpus=8, by=person)
    numbers = {"resource": "gpu_milli", "pods": 1, "requested": 8000, "slots": 0, "free": 8000, "largest": 4000}
    make.make_waiting(workload, "fragmented", **numbers)
    sign_in(page, person)
    page.goto(f"{live_server.url}/workloads/{workload.pk}/")
    expect(page.get_by_text("Asking the loop of h100")).to_be_visible()
    eventually(lambda: Question.objects.filter(is_open=True).exists())

    remedy = {"code": "fewer_devices", "numbers": {"devices": 4, "instead_of": 8}, "raises": [], "units": []}
    attempt = {"step": "start", "code": "fragmented", "numbers": numbers}
    answer = {"state": "known", "attempts": [attempt], "succeeds": None, "remedies": [remedy | {"is_least": True}]}
    Question.objects.update(is_open=False, answer=answer, cycle=48_211, as_of=timezone.now())
    expect(page.get_by_text("true of what cycle 48,211 left")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("link", name="Edit: 4 GPUs a pod instead of 8").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Starts now in h100 with 4 GPUs")
    expect(page.get_by_role("spinbutton", name="GPUs per pod")).to_have_value("4")
    expect(page.get_by_label("Name", exact=True)).to_have_value("nerf-lobby-2")
    page.get_by_role("spinbutton", name="GPUs per pod").fill("8")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Waits for room in h100")
    assert axe(page) == []
    page.get_by_role("button", name="Take: l40s first").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Starts now in l40s with 8 GPUs")
