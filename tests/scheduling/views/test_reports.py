"""Reports: who used what, as far as the reader may know."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import OrgUnit, User
from quotas.models import Pool, UnitUsage, UsageHour
from scheduling.services.roll_up import roll_up
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MILLI_HOUR = 3600 * 1000


class Past:
    """Two departments; what their projects had in hours of one's choice, in GPUs."""

    def __init__(self) -> None:
        self.pool: Pool = make.make_pool("a100")
        self.vision = make.make_project("vision", make.make_department("north", self.pool.cluster))
        self.speech = make.make_project("speech", make.make_department("south", self.pool.cluster))
        self.today = timezone.now().replace(minute=0, second=0, microsecond=0, hour=0)

    def hour(self, at: datetime, unit: OrgUnit, gpus: float, **parts: float) -> None:
        for above in OrgUnit.objects.filter(pk__in=[part for part in unit.path.split("/") if part], cluster__gt=0):
            row, _ = UsageHour.objects.get_or_create(unit=above, pool=self.pool, at=at)
            row.gpu_milli_seconds += int(gpus * MILLI_HOUR)
            for name, amount in parts.items():
                column = f"{name}_gpu_milli_seconds"
                setattr(row, column, getattr(row, column) + int(amount * MILLI_HOUR))
            row.save()

    def days(self, number: int) -> None:
        """On each before today: vision 6 hours of 4 of 8, speech 6 hours of 3 over quota."""
        for day in range(1, number + 1):
            for hour in range(6):
                at = self.today - timedelta(days=day) + hour * HOUR
                self.hour(at, self.vision, 4, idle=4, waiting=1)
                self.hour(at, self.speech, 3, over=3)


@pytest.fixture
def past() -> Past:
    return Past()


def page(user: User, query: str = "") -> str:
    response = make.signed_in(user).get(f"/reports/{query}")
    assert response.status_code == 200
    return unescape(response.content.decode())


def table(user: User, query: str) -> dict[str, list[str]]:
    response = make.signed_in(user).get(f"/reports.csv{query}")
    assert response.status_code == 200
    assert "attachment" in response.headers["Content-Disposition"]
    return {row[0]: row[1:] for row in csv.reader(io.StringIO(response.content.decode()))}


@pytest.mark.parametrize("rolled", [False, True], ids=["hours", "days"])
def test_sums_are_the_same_from_hours_and_from_days(past: Past, rolled: bool) -> None:
    past.days(3)
    if rolled:
        roll_up()
    admin = make.make_user(role=make.ADMIN)
    shown = page(admin, "?last=7d")
    assert "126 GPU-hours were used in the last 7 days, 43 % of them over quota." in shown.replace("\u00a0", " ")
    assert "50 % of what was guaranteed lay idle and 18 GPU-hours were waited for." in shown.replace("\u00a0", " ")
    assert "not known: no source of metrics is connected" in shown
    found = table(admin, "?last=7d&by=project")
    assert found["Project"] == ["Above", "Used", "Guaranteed", "Over quota", "Lent", "Idle guarantee", "Waiting"]
    lent = "54.0" if rolled else "0.0"
    assert found["vision"] == ["north", "72.0", "72.0", "0.0", lent, "72.0", "18.0"]
    assert found["speech"] == ["south", "54.0", "0.0", "54.0", "0.0", "0.0", "0.0"]
    assert table(admin, "?last=12m&by=department")["north"][1:3] == ["72.0", "72.0"]
    assert table(admin, "?last=30d&by=pool")["a100"][1] == "126.0"
    day = (past.today - timedelta(days=2)).date().isoformat()
    assert table(admin, f"?from={day}&to={day}&by=pool")["a100"][1] == "42.0"
    assert table(admin, "?last=today&by=pool").keys() == {"Pool"}


def test_what_has_not_been_added_to_its_hour_yet_counts(past: Past) -> None:
    make.make_usage(past.vision, past.pool, 2, since=timezone.now() - timedelta(minutes=6))
    used = float(table(make.make_user(role=make.ADMIN), "?last=7d&by=project")["vision"][1])
    assert 0.2 <= used < 0.21
    UnitUsage.objects.all().delete()


def test_one_sees_departments_that_are_ones_own_as_a_whole(past: Past) -> None:
    past.days(2)
    roll_up()
    head = make.make_user(role=make.VIEWER, scope=past.vision.parent)
    assert table(head, "?last=7d").keys() == {"Department", "north"}
    researcher = make.make_user(role=make.RESEARCHER, scope=past.vision)
    assert table(researcher, "?last=7d").keys() == {"Department"}, "a project is not its department"
    assert table(researcher, "?last=7d&by=project").keys() == {"Project", "vision"}
    assert table(researcher, "?last=7d&by=pool")["a100"][1] == "48.0", "of the project, not of the pool"
    assert "speech" not in page(researcher, "?last=7d&by=project")


def test_history_stays_with_the_department_that_it_was_in(past: Past) -> None:
    past.days(2)
    roll_up()
    head = make.make_user(role=make.VIEWER, scope=past.speech.parent)
    past.vision.path = f"{past.speech.parent.path}{past.vision.pk}/"  # type: ignore[union-attr]
    past.vision.parent = past.speech.parent
    past.vision.save()
    assert table(head, "?last=7d&by=project").keys() == {"Project", "speech"}


def test_people_by_what_their_workloads_held(past: Past) -> None:
    ada = make.make_user("ada@example.org", "Ada", role=make.RESEARCHER, scope=past.vision)
    node = make.make_node("a100-1", past.pool)
    for gpus, began, ended in ((4, 5, 3), (2, 2, None)):
        workload = make.make_workload(project=past.vision, pool=past.pool, gpus=gpus, by=ada)
        end = timezone.now() - ended * HOUR if ended else None
        make.make_allocation(workload, node, timezone.now() - began * HOUR, end)
    make.make_allocation(
        make.make_workload(project=past.speech, pool=past.pool), node, past.today - HOUR, past.today - HOUR / 2
    )
    found = table(ada, "?tab=people&last=7d")
    assert found.keys() == {"Person", "Ada"}
    workloads, hours = found["Ada"]
    assert (workloads, round(float(hours), 2)) == ("2", 12.0)
    assert "nobody in particular" in page(make.make_user(role=make.ADMIN), "?tab=people&last=7d")


def test_who_held_what_at_a_minute(past: Past) -> None:
    ada = make.make_user("ada@example.org", "Ada", role=make.RESEARCHER, scope=past.vision)
    workload = make.make_workload("train-1", past.vision, past.pool, gpus=4, by=ada)
    hidden = make.make_workload("secret-1", past.speech, past.pool, gpus=4)
    at = (timezone.now() - timedelta(days=3)).replace(minute=30)
    for held in (workload, hidden):
        make.make_allocation(held, make.make_node(pool=past.pool), at - HOUR, at + HOUR)
    query = f"?tab=held&at={at:%Y-%m-%dT%H:%M}"
    shown = page(ada, query)
    assert "train-1" in shown
    assert "secret-1" not in shown
    assert "secret-1" in page(make.make_user(role=make.ADMIN), query)
    assert "Nobody held a GPU then" in page(ada, "?tab=held")
    assert table(ada, query)["train-1"][:3] == ["vision", "Ada", "a100"]


def test_lent_and_borrowed_between_departments(past: Past) -> None:
    past.days(2)
    roll_up()
    admin = make.make_user(role=make.ADMIN)
    assert table(admin, "?tab=lending&last=7d")["north"] == ["south", "36.0"]
    head = make.make_user(role=make.VIEWER, scope=past.vision.parent)
    assert table(head, "?tab=lending&last=7d")["north"] == ["others", "36.0"]
    researcher = make.make_user(role=make.RESEARCHER, scope=past.vision)
    assert table(researcher, "?tab=lending&last=7d").keys() == {"Lent by"}
    assert "No day is over yet" in page(researcher, "?tab=lending")


@pytest.mark.parametrize(
    "query",
    [
        "?from=yesterday",
        "?from=2026-13-40&to=x",
        "?last=ever&tab=none&by=all&sort=--x",
        "?tab=held&at=now",
        "?pool=x&page=-1",
    ],
)
def test_what_cannot_be_read_is_as_if_it_was_not_there(past: Past, query: str) -> None:
    page(make.make_user(role=make.ADMIN), query)


@pytest.mark.parametrize("tab", ["use", "people", "lending", "held"])
def test_the_same_queries_for_many(past: Past, tab: str) -> None:
    admin = make.make_user(role=make.ADMIN)
    past.days(1)
    roll_up()
    node = make.make_node("n", past.pool)

    def more(number: int) -> None:
        for _ in range(number):
            unit = make.make_project(department=past.vision.parent)
            past.hour(past.today, unit, 1)
            make.make_usage(unit, past.pool, 1, since=datetime.now(UTC), over_gpu_milli=500)
            workload: Any = make.make_workload(project=unit, pool=past.pool, by=admin)
            make.make_allocation(workload, node, datetime.now(UTC) - timedelta(minutes=1))

    assert_same_queries(
        make.signed_in(admin), f"/reports/?tab={tab}&by=project&last=7d", lambda: more(2), lambda: more(20)
    )
