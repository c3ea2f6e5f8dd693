"""What Prometheus reads, who may read it, and that the dashboard asks for what is there."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from orgs.models import OrgUnit
from portal.models import Lease
from scheduling import metrics
from scheduling.selectors.loops import lease_name
from tests.factories import (
    make_cluster,
    make_cycle,
    make_department,
    make_key,
    make_pool,
    make_quota,
    make_summary,
    make_usage,
    with_key,
)
from tests.queries import queries_of
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "bursar.json"
Found = dict[str, dict[tuple[str, ...], float]]


@pytest.fixture
def world() -> World:
    found = make_world()
    make_summary(found.pool, gpus=16, used=12)
    make_usage(found.department, found.pool, 12, fair_gpu_milli=10_000, requested_gpu_milli=20_000)
    make_quota(found.department, found.pool, 8)
    Lease.objects.create(name=lease_name(found.pool.pk), holder="one", expires_at=timezone.now() + timedelta(hours=1))
    make_cycle(found.pool, 48_212)
    return found


def read(client: Client) -> Found:
    """By metric and the values of its labels, these by the labels' names."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(answer.content.decode())
    }


def test_how_things_stand(world: World) -> None:
    found = read(with_key(make_key(world.people["admin"])))
    pool, department = ("north", "a100"), ("north", "vision", "a100")
    assert found["bursar_pool_gpus"][pool] == 16
    assert found["bursar_pool_gpus_allocated"][pool] == 12
    assert found["bursar_pool_on_time"] == {pool: 1, ("north", "default"): 0}
    assert found["bursar_pool_cycle_p95_seconds"][pool] == pytest.approx(0.061)
    assert found["bursar_department_gpus_allocated"] == {department: 12}
    assert found["bursar_department_gpus_quota"] == {department: 8}
    assert found["bursar_department_gpus_fair"] == {department: 10}
    assert found["bursar_cluster_connected"] == {("north",): 1}
    assert found["bursar_leases_held"] == {(): 1}
    assert 0 <= found["bursar_pool_lease_age_seconds"][pool] < 60


def test_who_may_read_it(world: World) -> None:
    """Who holds the rights on the whole account, by a key that has them."""
    assert Client().get("/metrics").status_code == 401
    for who, code in (("viewer", 200), ("department", 404), ("researcher", 404), ("nobody", 404)):
        assert with_key(make_key(world.people[who])).get("/metrics").status_code == code
    cut = make_key(world.people["admin"], permissions=["project:read"])
    assert with_key(cut).get("/metrics").status_code == 404
    cut = make_key(world.people["admin"], scope=world.department)
    assert with_key(cut).get("/metrics").status_code == 404


def test_neither_labels_nor_queries_grow_with_the_organization(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = with_key(make_key(world.people["viewer"]))
    few = len(queries_of(client, "/metrics"))
    south = make_cluster("south")
    for number in range(6):
        pool = make_pool(f"pool-{number}", cluster=south)
        make_summary(pool)
        make_usage(make_department(f"d-{number}", south), pool, number + 1)
    assert len(queries_of(client, "/metrics")) == few
    monkeypatch.setattr(metrics, "MOST_UNITS", 3)
    found = read(client)
    assert set(found["bursar_department_gpus_allocated"].values()) == {12, 6, 5}
    assert found["bursar_departments_left_out"] == {(): 1}
    labels = {name for key in found["bursar_pool_gpus"] for name in key}
    projects = set(OrgUnit.objects.filter(kind=4).values_list("name", flat=True))
    assert labels & projects == set()


def test_the_dashboard_asks_for_what_there_is(world: World) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [one["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    asked = {name for query in queries for name in re.findall(r"\bbursar_\w+", query)}
    known = read(with_key(make_key(world.people["admin"]))).keys()
    assert asked - known == set(), "the dashboard asks for metrics that there are not"
    assert known - asked == set(), "the dashboard leaves metrics out"
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert len({(place["x"], place["y"]) for place in places}) == len(places)
