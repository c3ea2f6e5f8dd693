"""The setting of the assigner: who may change it, what is told, what the Settings page says."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs.access import Forbidden
from portal.errors import Refused
from portal.models import AuditEvent, Change
from scheduling.loops.assigner import pool_choice
from scheduling.models import PoolChoice
from scheduling.services.pool_choice import pool_choice_set
from tests.factories import ADMIN, DEPARTMENT_ADMIN, actor_of, make_account, make_cluster, make_user, signed_in

pytestmark = pytest.mark.django_db


def test_it_is_changed_by_a_system_administrator_and_told() -> None:
    account, cluster = make_account(), make_cluster()
    assert (pool_choice().wait.total_seconds(), pool_choice().most_moves) == (60, 3)
    actor = actor_of(make_user(role=ADMIN))
    pool_choice_set(actor=actor, wait_seconds=300, most_moves=3, expected_version=0)
    assert pool_choice().wait.total_seconds() == 300
    event = AuditEvent.objects.get(action="update", entity_id=account.pk)
    assert (event.before, event.after) == ({"wait_seconds": 60}, {"wait_seconds": 300})
    assert Change.objects.filter(stream=f"cluster:{cluster.pk}", what=Change.What.CONFIG).exists()
    with pytest.raises(Refused, match="Somebody changed this meanwhile"):
        pool_choice_set(actor=actor, wait_seconds=1, most_moves=3, expected_version=0)
    pool_choice_set(actor=actor, wait_seconds=300, most_moves=3)
    assert AuditEvent.objects.filter(action="update").count() == 1, "nothing was changed"
    with pytest.raises(Forbidden):
        pool_choice_set(actor=actor_of(make_user(role=DEPARTMENT_ADMIN)), wait_seconds=0, most_moves=0)


def test_the_settings_page_says_what_holds_and_offers_to_change_it() -> None:
    make_account()
    client = signed_in(make_user(role=ADMIN))
    page = client.get(reverse("settings")).content.decode()
    assert "after 1 min" in page
    assert "at most 3 times" in page
    posted = {"wait_seconds": "120", "most_moves": "0", "expected_version": "0"}
    assert client.post(reverse("pool_choice"), posted).status_code == 302
    page = client.get(reverse("settings")).content.decode()
    assert "Every workload stays in the first of its pools." in page
    assert PoolChoice.objects.get().wait_seconds == 120
    answer = client.post(reverse("pool_choice"), posted | {"wait_seconds": "soon"})
    assert answer.status_code == 422
    assert "Use whole seconds" in answer.content.decode()
