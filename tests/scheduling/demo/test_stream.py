"""The example organization and its stream of work."""

from __future__ import annotations

import pytest
from django.db.models import Count

from orgs.models import AccessRule, OrgUnit, UnitKind
from quotas.models import Node, Pool
from scheduling.demo import stream
from scheduling.demo.content import demo_create
from scheduling.models import Workload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _aldergrove() -> None:
    demo_create()


def test_what_is_there() -> None:
    kinds = dict(OrgUnit.objects.values_list("kind").annotate(Count("id")))
    assert kinds == {UnitKind.ACCOUNT: 1, UnitKind.CLUSTER: 1, UnitKind.DEPARTMENT: 4, UnitKind.PROJECT: 8}
    assert AccessRule.objects.values("subject").distinct().count() == 12 + 2, "people and groups"
    assert set(Pool.objects.values_list("name", flat=True)) == {"h100", "cpu", "default"}
    assert Node.objects.count() == 0, "nodes come from the simulated cluster, by observing it"


def test_the_opening_comes_in_two_waves_and_then_it_goes_on() -> None:
    submitted = [stream.stream_step() for _ in range(2)]
    assert submitted == [stream.FIRST_WAVE, len(stream.OPENING) - stream.FIRST_WAVE]
    for _ in range(40):
        assert stream.stream_step() > 0


def test_it_never_comes_to_a_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_ACTIVE", len(stream.OPENING))
    for _ in range(3):
        stream.stream_step()
    given_up = Workload.objects.filter(desired=Workload.Desired.STOPPED)
    assert given_up.count() == stream.GIVING_UP
    given_up.update(is_active=False, state=Workload.State.STOPPED, ended_at="2026-01-01T00:00Z")
    assert stream.stream_step() > 0
