"""Deliveries to a real receiver that fails in every way: once, in order, again, and given up."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orgs.models import Delivery, OrgUnit, Webhook
from orgs.services import delivery as services
from orgs.services.delivery import (
    FIRST_BACK_OFF,
    LONGEST_BACK_OFF,
    back_off,
    deliveries_claim,
    deliveries_purge,
    delivery_again,
    delivery_tried,
)
from orgs.webhooks.deliverer import Deliverer, deliver
from orgs.webhooks.sending import Outcome
from portal.errors import Refused
from portal.models import AuditEvent
from tests.examples import examples
from tests.factories import actor_of, make_delivery, make_project, make_webhook
from tests.orgs.webhooks.test_signing import example
from tests.receiver import Answer, Got, Receiver, receiving

State = Delivery.State


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def project(db: Any) -> OrgUnit:
    return make_project()


@pytest.fixture
def webhook(project: OrgUnit, receiver: Receiver) -> Webhook:
    return make_webhook(project, receiver.url)


def send_due(rounds: int = 1) -> int:
    """How many attempts were made. Whatever waits for its time or a pause is due at once."""
    made = 0
    for _ in range(rounds):
        Delivery.objects.filter(state=State.WAITING).update(next_try_at=timezone.now())
        Webhook.objects.update(paused_until=None)
        for claimed in deliveries_claim(most=50):
            deliver(claimed)
            made += 1
    return made


def test_it_is_signed_and_has_what_happened(webhook: Webhook, receiver: Receiver) -> None:
    row = make_delivery(webhook, payload={"text": "Failed: é"})
    send_due()
    row.refresh_from_db()
    assert (row.state, row.status, row.attempts, row.answer, row.problem) == (State.DELIVERED, 200, 1, "taken", "")
    (got,) = receiver.got
    (secret,) = services.secrets_of(webhook, timezone.now())
    content = example()(secret, got.headers, got.body)
    assert (content["type"], content["subject"], content["data"]) == (
        "workload.failed",
        "workload:1",
        {"text": "Failed: é"},
    )
    assert (content["sequence"], got.uid, got.headers["content-type"]) == (row.pk, str(row.uid), "application/json")


def test_of_a_subject_each_waits_for_the_one_before_and_others_go_on(webhook: Webhook, receiver: Receiver) -> None:
    for subject in ("a", "b", "a", "a", "b"):
        make_delivery(webhook, subject)
    receiver.answer = lambda got: Answer(500 if got.content["subject"] == "a" else 200)
    send_due(3)
    assert [row.state for row in Delivery.objects.filter(subject="a")] == [State.WAITING] * 3
    assert [row.attempts for row in Delivery.objects.filter(subject="a").order_by("pk")] == [3, 0, 0]
    assert set(Delivery.objects.filter(subject="b").values_list("state", flat=True)) == {State.DELIVERED}
    receiver.answer = lambda got: Answer()
    send_due(3)
    assert not Delivery.objects.exclude(state=State.DELIVERED).exists()


@pytest.mark.django_db
@examples(2)
@given(seed=st.integers(0, 10**6))
def test_whatever_fails_each_arrives_in_order_and_with_one_id(seed: int) -> None:
    """The first time that each is taken is in the order of its subject."""
    chance = random.Random(seed)
    Webhook.objects.all().delete()
    with receiving() as receiver:
        webhook = make_webhook(OrgUnit.objects.filter(kind=4).first() or make_project(), receiver.url)
        rows = [make_delivery(webhook, chance.choice("abc")) for _ in range(9)]
        receiver.answer = lambda got: Answer(chance.choice([200, 200, 429, 500, 404]))
        taken: list[Got] = []
        while Delivery.objects.filter(state=State.WAITING).exists():
            before = len(receiver.got)
            send_due()
            done = {str(uid) for uid in Delivery.objects.filter(state=State.DELIVERED).values_list("uid", flat=True)}
            taken += [got for got in receiver.got[before:] if got.uid in done]
        by_subject: dict[str, list[int]] = defaultdict(list)
        for got in taken:
            by_subject[got.content["subject"]].append(got.content["sequence"])
        assert len(taken) == len(rows) == Delivery.objects.filter(state=State.DELIVERED).count()
        assert all(order == sorted(order) for order in by_subject.values())


def test_what_a_killed_worker_had_is_sent_by_another_with_the_same_id(webhook: Webhook, receiver: Receiver) -> None:
    row = make_delivery(webhook)
    (claimed,) = deliveries_claim(most=5)
    assert deliveries_claim(most=5) == []
    Delivery.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    (again,) = deliveries_claim(most=5)
    deliver(again)
    assert not delivery_tried(claimed=claimed, outcome=Outcome(500, "late")), "back from the dead, it notes nothing"
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.DELIVERED, 1)
    assert [got.uid for got in receiver.got] == [str(row.uid)]


def test_it_waits_ever_longer_never_sooner_than_asked_and_is_given_up_in_a_day(webhook: Webhook) -> None:
    waits = [back_off(attempts) for attempts in range(1, 40)]
    assert all(FIRST_BACK_OFF / 2 <= wait <= LONGEST_BACK_OFF for wait in waits)
    assert min(waits[-10:]) >= LONGEST_BACK_OFF / 2
    assert back_off(1, 600) == 600
    row = make_delivery(webhook)
    (claimed,) = deliveries_claim(most=1)
    delivery_tried(claimed=claimed, outcome=Outcome(500, "It answered 500."))
    row.refresh_from_db()
    assert row.state == State.WAITING
    assert 2 < (row.next_try_at - timezone.now()).total_seconds() <= 5
    assert deliveries_claim(most=1) == []
    old = timezone.now() - services.GIVEN_UP_AFTER
    Delivery.objects.update(next_try_at=old, first_try_at=old)
    (claimed,) = deliveries_claim(most=1)
    delivery_tried(claimed=claimed, outcome=Outcome(500, "It answered 500."))
    row.refresh_from_db()
    assert (row.state, row.attempts, row.problem) == (State.GIVEN_UP, 2, "It answered 500.")


def test_who_asks_for_time_gets_it_for_everything(webhook: Webhook, receiver: Receiver) -> None:
    for subject in "abcde":
        make_delivery(webhook, subject)
    receiver.answer = lambda got: Answer(429, headers={"Retry-After": "120"})
    for claimed in deliveries_claim(most=1):
        deliver(claimed)
    assert deliveries_claim(most=10) == []
    webhook.refresh_from_db()
    assert webhook.paused_until is not None
    assert 110 < (webhook.paused_until - timezone.now()).total_seconds() <= 120
    assert Delivery.objects.filter(next_try_at__gt=timezone.now() + timedelta(seconds=110)).count() == 1


def test_a_receiver_in_trouble_is_tried_one_at_a_time(webhook: Webhook, receiver: Receiver) -> None:
    for number in range(20):
        make_delivery(webhook, f"subject:{number}")
    receiver.answer = lambda got: Answer(500)
    assert [send_due() for _ in range(5)] == [4, 4, 1, 1, 1]
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.trouble) == (11, "It answered 500.")
    receiver.answer = lambda got: Answer()
    assert [send_due() for _ in range(2)] == [1, 4]
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.failing_since, webhook.trouble) == (0, None, "")


def test_gone_switches_off_and_so_do_days_without_success(webhook: Webhook, receiver: Receiver) -> None:
    rows = [make_delivery(webhook, subject) for subject in "ab"]
    receiver.answer = lambda got: Answer(410)
    (claimed,) = deliveries_claim(most=1)
    deliver(claimed)
    webhook.refresh_from_db()
    assert not webhook.is_active
    assert "410" in webhook.trouble
    assert {row.state for row in Delivery.objects.filter(pk__in=[row.pk for row in rows])} == {State.GIVEN_UP}
    assert AuditEvent.objects.get(entity="webhook").after["active"] is False
    other = make_webhook(webhook.scope, receiver.url, failing_since=timezone.now() - timedelta(days=4), failures=90)
    make_delivery(other)
    receiver.answer = lambda got: Answer(500)
    send_due()
    other.refresh_from_db()
    assert not other.is_active
    assert other.trouble.startswith("Switched off after 3 days")


def test_once_more_and_only_what_is_done(webhook: Webhook, receiver: Receiver) -> None:
    row = make_delivery(webhook)
    with pytest.raises(Refused, match="waits to be sent already"):
        delivery_again(actor=actor_of(), delivery=row)
    send_due()
    assert delivery_again(actor=actor_of(), delivery=row).state == State.WAITING
    send_due()
    assert len({got.uid for got in receiver.got}) == 1
    assert len(receiver.got) == 2
    Webhook.objects.update(is_active=False)
    with pytest.raises(Refused, match="switched off"):
        delivery_again(actor=actor_of(), delivery=row)


def test_they_are_kept_for_a_week(webhook: Webhook) -> None:
    make_delivery(webhook, created_at=timezone.now() - timedelta(days=8))
    make_delivery(webhook, created_at=timezone.now() - timedelta(days=6))
    assert deliveries_purge() == 1
    assert Delivery.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.skipif(configured.EMBEDDED, reason="one writer at a time on SQLite")
@pytest.mark.django_db(transaction=True)
def test_two_workers_send_nothing_twice() -> None:
    with receiving() as receiver:
        receiver.answer = lambda got: Answer(200 if hash((got.uid, len(receiver.got))) % 4 else 500, seconds=0.005)
        webhooks = [make_webhook(make_project(), receiver.url) for _ in range(2)]
        rows = [make_delivery(webhook, f"subject:{number % 9}") for number in range(30) for webhook in webhooks]
        stop = threading.Event()

        def work() -> None:
            deliverer = Deliverer()
            try:
                while not stop.is_set():
                    deliverer.step()
                deliverer.wait(10)
            finally:
                connection.close()

        def due() -> None:
            """Nothing has to wait for its time."""
            Delivery.objects.filter(state=State.WAITING).update(next_try_at=timezone.now())
            Webhook.objects.update(paused_until=None)

        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        deadline = timezone.now() + timedelta(seconds=20)
        while Delivery.objects.filter(state=State.WAITING).exists() and timezone.now() < deadline:
            due()
        stop.set()
        for worker in workers:
            worker.join()
        assert Delivery.objects.filter(state=State.DELIVERED).count() == len(rows)
        assert receiver.most_under_way == 1
        assert len(receiver.got) == sum(Delivery.objects.values_list("attempts", flat=True))
