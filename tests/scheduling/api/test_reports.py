"""Use and reports by the API: the figures of the pages, as far as one may know them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.models import PoolSample
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


@pytest.fixture
def vision() -> OrgUnit:
    return make.make_project("vision", make.make_department("research"))


@pytest.fixture
def pool(vision: OrgUnit) -> Pool:
    """A project that is seen has 2 GPUs of it for an hour now, another 4."""
    pool = make.make_pool("a100", cluster=vision.cluster)
    begun = timezone.now() - timedelta(hours=1)
    other = make.make_project("protein", make.make_department("life-science", vision.cluster))
    for project, gpus in ((vision, 2), (other, 4)):
        work = make.make_workload(f"in-{project.name}", project, pool, gpus=gpus)
        make.make_allocation(work, make.make_node(pool=pool), begun)
        make.make_usage(project, pool, gpus, since=begun)
    return pool


@pytest.fixture
def client(vision: OrgUnit) -> Client:
    return make.signed_in(make.make_user(role=make.RESEARCHER, scope=vision))


def test_use_is_of_what_one_may_see(client: Client, pool: Pool) -> None:
    report = client.get("/api/v1/reports/use/?by=project&last=today").json()
    assert [line["name"] for line in report["items"]] == ["vision"]
    assert report["total"]["used"] == report["items"][0]["used"] > 0
    admin = make.signed_in(make.make_user(role=make.ADMIN))
    everything = admin.get("/api/v1/reports/use/?by=project&last=today&limit=1").json()
    assert [line["name"] for line in everything["items"]] == ["protein"], "the most first"
    assert everything["previous"] is None
    rest = admin.get(everything["next"]).json()
    assert [line["name"] for line in rest["items"]] == ["vision"]
    assert rest["next"] is None
    (held,) = client.get("/api/v1/reports/held/").json()["items"]
    assert (held["name"], held["gpu_milli"]) == ("in-vision", 2000)
    assert [row["used"] > 0 for row in admin.get("/api/v1/reports/people/").json()["items"]] == [True]


def test_what_cannot_be_a_time_is_refused(client: Client) -> None:
    for asked in ("from=yesterday", "last=9d", "cursor=at.x", "limit=0", "pool=x", "colour=red"):
        answer = client.get(f"/api/v1/reports/use/?{asked}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["parameter"] == asked.partition("=")[0]


def test_usage_and_samples(client: Client, pool: Pool) -> None:
    (row,) = client.get(f"/api/v1/usage/?pool={pool.pk}").json()["items"]
    assert (row["unit"]["name"], row["unit"]["kind"], row["gpu_milli"]) == ("vision", "project", 2000)
    PoolSample.objects.create(
        pool=pool, at=timezone.now(), gpu_milli=8000, guaranteed_gpu_milli=0, over_gpu_milli=0,
        requested_gpu_milli=0, pending=0,
    )  # fmt: skip
    assert client.get("/api/v1/pool-samples/").json()["items"] == [], "totals of a shared pool"
    admin = make.signed_in(make.make_user(role=make.ADMIN))
    assert [one["gpu_milli"] for one in admin.get("/api/v1/pool-samples/").json()["items"]] == [8000]
