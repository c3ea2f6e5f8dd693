"""Guards and findings by the API."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from quotas.guard import Level
from quotas.models import GuardFinding, GuardSetting
from tests import factories as make

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def client() -> Client:
    cache.clear()
    return make.signed_in(make.make_user(role=make.ADMIN))


def test_a_cluster_has_the_guard_of_the_account_until_it_has_its_own(client: Client) -> None:
    account, cluster = make.make_account(), make.make_cluster("north")
    of_account, of_cluster = (f"/api/v1/guards/{unit.pk}/" for unit in (account, cluster))
    changed = client.patch(of_account, {"hardware": {"mode": "enforce", "resources": ["gpu"]}}, content_type=JSON)
    assert changed.json()["hardware"] == {"mode": "enforce", "resources": ["gpu"], "own": True}
    seen = client.get(of_cluster)
    assert seen.json()["hardware"] == {"mode": "enforce", "resources": ["gpu"], "own": False}
    own = client.patch(of_cluster, {"hardware": {"mode": "off"}}, content_type=JSON)
    assert own.json()["hardware"] == {"mode": "off", "resources": ["gpu"], "own": True}
    late = client.patch(of_cluster, {"hardware": None}, content_type=JSON, headers={"If-Match": seen["ETag"]})
    assert late.status_code == 412
    client.patch(of_cluster, {"hardware": None}, content_type=JSON)
    assert GuardSetting.objects.count() == 1
    nothing = client.patch(of_account, {"departments": {"mode": "warn", "resources": []}}, content_type=JSON)
    assert nothing.status_code == 422
    assert nothing.json()["errors"][0]["pointer"] == "/departments/resources"
    assert client.patch(of_account, {"hardware": None}, content_type=JSON).json()["errors"][0]["pointer"]


def test_findings_say_whom_they_concern(client: Client) -> None:
    department = make.make_department("vision")
    pool = make.make_pool("a100", cluster=department.cluster)
    projects = [make.make_project(name, department) for name in ("vis-2d", "vis-3d")]
    for project in projects:
        make.make_quota(project, pool, 2)
    names = {"unit": department, "pool": pool, "resource": 0, "level": Level.CHILDREN}
    GuardFinding.objects.create(sum=4000, ceiling=1000, **names)
    (found,) = client.get("/api/v1/findings/?open=true&compared=departments&resource=gpu").json()["items"]
    assert (found["over"], found["measured_in"], found["resource"]) == (3000, "gpu_milli", "gpu")
    assert found["text"] == "vision has given out 4 GPUs in a100 and has 1."
    assert sorted((one["name"], one["guaranteed"]) for one in found["concerned"]) == [
        ("vis-2d", 2000),
        ("vis-3d", 2000),
    ]
    assert client.get("/api/v1/findings/?open=false").json()["items"] == []
