"""The list of workloads."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.models import Workload
from scheduling.selectors import workloads
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db
URL = "/workloads/"
RUNNING, WAITING, COMPLETED = Workload.State.RUNNING, Workload.State.WAITING, Workload.State.COMPLETED


@pytest.fixture
def admin() -> Client:
    return make.signed_in(make.make_user(role=make.ADMIN))


def text(client: Client, url: str = URL) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_heading_counts_what_is_active(project: OrgUnit, pool: Pool, admin: Client) -> None:
    make.make_workload(project=project, pool=pool, gpus=8)
    make.make_workload(project=project, pool=pool, gpus=4, state=RUNNING)
    make.make_workload(project=project, pool=pool, gpus=4, state=COMPLETED)
    page = text(admin)
    assert "1 workload</a> waits for 8 GPUs" in page
    assert ">1</a> runs on 4 GPUs." in page


def test_second_line_counts_causes(project: OrgUnit, pool: Pool, admin: Client) -> None:
    for code in ("fragmented", "fragmented", "short"):
        workload = make.make_workload(project=project, pool=pool)
        make.make_waiting(workload, code, resource="gpu_milli", pods=1, requested=1000, slots=0, free=0, short=1000)
    assert "<p>2 need more room on one node, 1 is short of room.</p>" in text(admin)


def test_a_waiting_row_says_why(project: OrgUnit, pool: Pool, admin: Client) -> None:
    workload = make.make_workload("nerf-city", project, pool, gpus=8)
    make.make_waiting(workload, "short", resource="gpu_milli", short=6000, requested=8000, free=2000)
    page = text(admin)
    assert "6 GPUs short in a100" in page
    assert "Waiting" in page


def test_a_running_row_says_what_is_over_quota(project: OrgUnit, pool: Pool, admin: Client) -> None:
    make.make_workload(project=project, pool=pool, gpus=8, state=RUNNING)
    make.make_usage(project, pool, 8, over_gpu_milli=3000)
    assert "3 over quota" in text(admin)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"alpha", "beta"}),
        ("?state=waiting", {"alpha"}),
        ("?state=completed", {"gamma"}),
        ("?state=completed&state=running", {"beta", "gamma"}),
        ("?kind=workspace", {"beta"}),
        ("?q=AL", {"alpha"}),
        ("?mine=1", {"beta"}),
        ("?state=none-such&size=7&sort=-nothing&after=x", {"alpha", "beta"}),
        ("?q=%00", {"alpha", "beta"}),
        ("?pool=99999999999999999999999999", {"alpha", "beta"}),
        ("?project=0", set()),
    ],
)
def test_filters(project: OrgUnit, pool: Pool, query: str, shown: set[str]) -> None:
    user = make.make_user(role=make.RESEARCHER, scope=project)
    make.make_workload("alpha", project, pool)
    make.make_workload("beta", project, pool, state=RUNNING, kind=Workload.Kind.WORKSPACE, by=user)
    make.make_workload("gamma", project, pool, state=COMPLETED)
    gone = make.make_workload("delta", project, pool, state=COMPLETED)
    Workload.objects.filter(pk=gone.pk).update(desired=Workload.Desired.DELETED)
    page = text(make.signed_in(user), URL + query)
    assert {name for name in ("alpha", "beta", "gamma", "delta") if f">{name}</a>" in page} == shown


def test_waiting_first_then_longest(project: OrgUnit, pool: Pool, admin: Client) -> None:
    now = timezone.now()
    for name, state, minutes in (("running", RUNNING, 9), ("young", WAITING, 1), ("old", WAITING, 5)):
        make.make_workload(name, project, pool, state=state, state_since=now - timedelta(minutes=minutes))
    page = text(admin)
    assert page.index(">old</a>") < page.index(">young</a>") < page.index(">running</a>")


def test_only_what_one_may_see(project: OrgUnit, pool: Pool) -> None:
    make.make_workload("mine", project, pool)
    make.make_workload("theirs", make.make_project(department=project.parent), pool)
    page = text(make.signed_in(make.make_user(role=make.RESEARCHER, scope=project)))
    assert ">mine</a>" in page
    assert "theirs" not in page


def test_nothing_matches_offers_to_clear(project: OrgUnit, pool: Pool, admin: Client) -> None:
    make.make_workload(project=project, pool=pool)
    assert "Clear filters" in text(admin, URL + "?q=zzz")
    assert "Clear filters" not in text(admin, URL + "?scope=" + str(make.make_project(department=project.parent).pk))


def test_pages_by_cursor(project: OrgUnit, pool: Pool, admin: Client) -> None:
    for _ in range(30):
        make.make_workload(project=project, pool=pool)
    page = text(admin)
    assert "1 to 25 of 30" in page
    following = page.split('rel="next" href="')[1].split('"')[0]
    assert "26 to 30 of 30" in text(admin, URL + following)


def test_names_are_text_whatever_is_in_them(project: OrgUnit, pool: Pool, admin: Client) -> None:
    make.make_workload("<script>alert(1)</script>", project, pool, state=RUNNING, state_message="<b>bold</b>")
    response = admin.get(URL).content.decode()
    assert "<script>alert(1)" not in response
    assert "<b>bold" not in response


def test_queries_do_not_grow_with_rows(
    project: OrgUnit, pool: Pool, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workloads, "SIZES", (500,))
    people = [make.make_user() for _ in range(20)]

    def rows(number: int) -> None:
        for index in range(number):
            workload = make.make_workload(
                project=project, pool=pool, by=people[index % 20], state=RUNNING if index % 2 else WAITING
            )
            if index % 2 == 0:
                make.make_waiting(workload, "blocked", unit=project.pk)

    make.make_usage(project, pool, 8, over_gpu_milli=3000)
    assert assert_same_queries(admin, URL + "?size=500", lambda: rows(5), lambda: rows(495)) < 25
