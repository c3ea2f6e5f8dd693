"""Aldergrove as it begins."""

from __future__ import annotations

import pytest
from django.db.models import Count

from orgs.models import AccessRule, Group, OrgUnit, UnitKind
from quotas.models import GuardFinding, Node, Pool, PoolPreference, Quota, Topology
from quotas.tasks import refresh_findings
from scheduling.demo.content import demo_create
from scheduling.models import SimObject
from tests.factories import signed_in

pytestmark = pytest.mark.django_db


def test_what_is_there() -> None:
    demo_create()
    kinds = dict(OrgUnit.objects.values_list("kind").annotate(Count("id")))
    assert kinds == {UnitKind.ACCOUNT: 1, UnitKind.CLUSTER: 2, UnitKind.DEPARTMENT: 5 + 2, UnitKind.PROJECT: 20}
    assert OrgUnit.objects.get(name="manipulation").parent.name == "robotics"  # type: ignore[union-attr]
    assert AccessRule.objects.values("subject").distinct().count() == 40 + 4, "people and groups"
    pools = Pool.objects.values_list("cluster__name", "name")
    assert set(pools) == {(site, pool) for site, pool in (
        ("harbor", "h100"), ("harbor", "l40s"), ("harbor", "default"),
        ("ridge", "a100"), ("ridge", "t4"), ("ridge", "default"),
    )}  # fmt: skip
    assert Node.objects.count() == 0, "nodes come from the simulated clusters, by observing them"
    nodes = SimObject.objects.filter(kind=SimObject.Kind.NODE)
    assert nodes.count() == 80
    assert {node.spec["gpu_type"] for node in nodes} == {
        "", "NVIDIA H100 80GB", "NVIDIA L40S", "NVIDIA A100 40GB", "NVIDIA T4"
    }  # fmt: skip
    assert Topology.objects.count() == 2
    assert PoolPreference.objects.values("unit").distinct().count() == 7
    assert Quota.objects.filter(reclaim_min_runtime_seconds=600).count() == 1


def test_groups_and_the_one_finding_that_is_there_from_the_start() -> None:
    demo_create()
    refresh_findings(thorough=True)
    found = GuardFinding.objects.exclude(unit__kind=UnitKind.CLUSTER)
    assert [finding.unit.name for finding in found if finding.unit] == ["biology"]
    rules = AccessRule.objects.filter(subject__group__isnull=False).values_list("subject__name", "scope__name")
    assert dict(rules) == {
        "model-evaluation": "language",
        "lab-managers": "robotics",
        "structure-club": "biology",
        "forecast-desk": "climate",
    }
    assert set(Group.objects.annotate(number=Count("members")).values_list("number", flat=True)) == {3, 4}
    administrator = AccessRule.objects.filter(role__name="System administrator").get().subject.user
    assert administrator is not None
    assert "lab-managers" in signed_in(administrator).get("/access/").content.decode()
