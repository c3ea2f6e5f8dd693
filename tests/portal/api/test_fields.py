"""What a field makes of what was given."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from portal.api.fields import LARGEST, duration
from tests.factories import make_key, signed_in
from tests.world import make_world


def test_a_duration_longer_than_any_is_still_one() -> None:
    assert duration(60) == timedelta(minutes=1)
    assert duration(LARGEST) > timedelta(days=3650)


@pytest.mark.django_db
def test_who_lets_an_old_key_work_for_ever_is_told_how_long_it_may() -> None:
    person = make_world().people["admin"]
    key = make_key(person)
    address = reverse("access-keys-rotate", kwargs={"pk": key.key.pk})
    answer = signed_in(person).post(address, {"overlap_seconds": LARGEST}, content_type="application/json")
    assert answer.status_code == 422, answer.content
    assert "overlap" in answer.json()["errors"][0]["pointer"], answer.json()
