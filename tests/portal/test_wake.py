"""Wake-ups through a real Redis; embedded mode has none, and nothing breaks when Redis is away."""

from __future__ import annotations

import threading

import pytest
from django.db import transaction
from pytest_django import Settings

from portal.wake import WakeListener, wake_on_commit
from tests.factories import make_account

needs_redis = pytest.mark.postgres


@needs_redis
@pytest.mark.django_db(transaction=True)
def test_a_commit_wakes_who_listens_and_a_rollback_does_not() -> None:
    stop, woken = threading.Event(), threading.Event()
    listener = WakeListener(stop)
    listener.add(woken)
    listener.start()
    try:
        for _ in range(50):  # until the subscription stands
            with transaction.atomic():
                wake_on_commit()
            if woken.wait(0.1):
                break
        assert woken.is_set()

        woken.clear()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            wake_on_commit()
            raise ZeroDivisionError
        assert not woken.wait(0.3)
    finally:
        stop.set()
        listener.join(3)
    assert not listener.is_alive()


@pytest.mark.django_db(transaction=True)
def test_an_act_stands_when_the_wake_up_is_lost(settings: Settings) -> None:
    settings.WAKE_URL = "redis://127.0.0.1:1/0"
    with transaction.atomic():
        wake_on_commit()
        account = make_account()
    assert type(account).objects.filter(pk=account.pk).exists()
