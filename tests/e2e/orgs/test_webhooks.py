"""The handbook's page about webhooks (docs/webhooks.md), step by step, with a receiver that really listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orgs.models import Delivery, Webhook
from orgs.services.delivery import secrets_of
from orgs.webhooks.deliverer import deliver_forever
from portal.actor import SYSTEM
from portal.services.audit import audit_record
from tests.e2e.conftest import axe, sideways
from tests.factories import ADMIN, make_cluster, make_department, make_project, make_user, make_workload
from tests.orgs.webhooks.test_signing import example
from tests.receiver import Answer, Receiver, receiving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def worker(db: None) -> Iterator[None]:
    """The part of a worker that sends."""
    stop = threading.Event()
    thread = threading.Thread(target=deliver_forever, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join()


def test_a_webhook_from_beginning_to_end(
    live_server: Any, new_page: Callable[..., Page], sign_in: Any, receiver: Receiver, worker: None
) -> None:
    work = make_workload("train-9", make_project("vis-3d", make_department("vision", make_cluster("north"))))
    # Numbers go on from rows that are there.
    work.events.create(code="seen")
    audit_record(actor=SYSTEM, action="see", entity=work, unit=None)
    admin = make_user("ana@example.org", "Ana Krol", role=ADMIN)
    page = new_page()
    sign_in(page, admin)
    page.goto(f"{live_server.url}/access/webhooks/")
    page.get_by_role("main").get_by_role("link", name="New webhook").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("chat of vision")
    dialog.get_by_label("Address").fill(receiver.url)
    dialog.get_by_role("button", name="Choose another than").click()
    dialog.get_by_text("vision", exact=True).click()
    dialog.get_by_role("button", name="Create webhook").click()
    shown = dialog.get_by_text("whsec_")
    expect(shown).to_be_visible()
    secret = shown.inner_text().strip()
    assert axe(page) == []
    dialog.get_by_role("link", name="Done").click()

    expect(page.get_by_role("heading", name="Nothing was sent yet.")).to_be_visible()
    receiver.answer = lambda got: Answer(500, "no such channel")
    page.get_by_role("button", name="Send test").click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_text("no such channel")).to_be_visible()
    expect(panel.get_by_text("Given up")).to_be_visible()
    receiver.answer = lambda got: Answer()
    panel.get_by_role("button", name="Send again").click()
    expect(panel.get_by_text("Delivered")).to_be_visible()
    expect(panel.get_by_text("A test by Ana Krol")).to_be_visible()
    assert axe(page) == []
    assert example()(secret, receiver.got[-1].headers, receiver.got[-1].body)["type"] == "test"
    assert len({got.uid for got in receiver.got}) == 1

    work.events.create(code="failed", numbers={"message": "Out of memory"})
    row = page.get_by_role("region", name="Deliveries").get_by_role("row").filter(has_text="Failed")
    expect(row.get_by_text("Delivered")).to_be_visible()
    assert receiver.got[-1].content["data"]["text"] == "Failed: Out of memory"
    page.goto(page.url.partition("?")[0])

    page.get_by_role("link", name="Rotate secret").click()
    dialog.get_by_role("button", name="Rotate secret").click()
    expect(dialog.get_by_text("whsec_")).to_be_visible()
    assert secrets_of(Webhook.objects.get(), Delivery.objects.latest("pk").created_at)[1] == secret
    dialog.get_by_role("link", name="Done").click()

    phone = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    sign_in(phone, admin)
    for path in (f"/access/webhooks/{Webhook.objects.get().pk}/deliveries/", "/access/webhooks/"):
        phone.goto(f"{live_server.url}{path}")
        expect(phone.get_by_role("heading", level=1)).to_be_visible()
        assert sideways(phone) == []
        assert axe(phone) == []
    page.get_by_role("link", name="Delete").click()
    dialog.get_by_role("button", name="Delete webhook").click()
    expect(page.get_by_role("heading", name="There are no webhooks yet.")).to_be_visible()
    # The page that was left may have asked for news of what was just deleted.
    page.said[:] = [line for line in page.said if "404" not in line]  # type: ignore[attr-defined]
