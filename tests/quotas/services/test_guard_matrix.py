"""Every comparison of the guard, for each resource: refused when it increases an excess, and not when it mends one."""

from __future__ import annotations

from typing import Any

import pytest

from orgs.models import OrgUnit
from portal.errors import Refused
from quotas.guard import RESOURCES, Level
from quotas.models import GuardFinding, GuardSetting, Node, Pool, Quota
from quotas.services.finding import findings_refresh
from quotas.services.quota import quota_set
from quotas.services.quota_rules import values_of
from tests.factories import (
    actor_of,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.parametrize("resource", ["gpu_milli", "cpu_millicores", "memory_bytes"]),
]
AT = {"gpu_milli": 0, "cpu_millicores": 1, "memory_bytes": 2}


@pytest.fixture
def pool() -> Pool:
    """A node, enforced. deep lies in inner, that in vision; sandbox lies in the default department."""
    north = make_cluster("north")
    for level in (Level.CHILDREN, Level.HARDWARE):
        enforce = {"mode": GuardSetting.Mode.ENFORCE, "resources": ["gpu", "cpu", "memory"]}
        GuardSetting.objects.create(scope=make_account(), level=level, **enforce)
    vision = make_department("vision", north)
    make_project("vis-3d", vision), make_project("deep", make_department("inner", vision))
    make_project("sandbox", OrgUnit.objects.get(name="default"))
    pool = default_pool_of(north)
    make_node("one", pool)
    return pool


def ready(resource: str) -> int:
    node = Node.objects.get(name="one")
    return node.gpu_count * 1000 if resource == "gpu_milli" else int(getattr(node, resource))


def give(name: str, pool: Pool, **amounts: int) -> None:
    unit = OrgUnit.objects.get(name=name)
    row = values_of(Quota.objects.filter(unit=unit, pool=pool).first()) | amounts
    quota_set(actor=actor_of(), unit=unit, pool=pool, **row)


def refused(name: str, pool: Pool, **amounts: int) -> str:
    with pytest.raises(Refused) as refusal:
        give(name, pool, **amounts)
    (field, words), *others = refusal.value.message_dict.items()
    assert (field, others) == (next(iter(amounts)), [])
    return str(words[0])


def test_projects_and_sub_departments_with_their_department(pool: Pool, resource: str) -> None:
    whole = ready(resource)
    half, quarter = whole // 2, whole // 4
    give("vision", pool, **{resource: half})
    give("inner", pool, **{resource: quarter})
    assert "given to others)" in refused("vis-3d", pool, **{resource: half})
    give("vis-3d", pool, **{resource: half - quarter})
    assert "in default, " in refused("inner", pool, **{resource: half})
    assert "inner has" in refused("deep", pool, **{resource: half})
    give("deep", pool, **{resource: quarter})
    assert "given to the units in it" in refused("inner", pool, **{resource: 0})
    assert "given to the units in it" in refused("vision", pool, **{resource: quarter})


def test_departments_with_the_hardware_and_default_as_the_sum_of_its_projects(pool: Pool, resource: str) -> None:
    whole = ready(resource)
    give("vision", pool, **{resource: whole // 2})
    give("sandbox", pool, **{resource: whole // 2})
    said = refused("sandbox", pool, **{resource: whole})
    assert " ready, " in said
    assert " available (" in said
    assert " asked for in default" in said
    assert " over: " in said
    assert " ready, " in refused("vision", pool, **{resource: whole})
    give("sandbox", pool, **{resource: 0})
    give("vision", pool, **{resource: whole})


def test_a_cluster_over_its_pools_is_found_and_may_only_get_better(pool: Pool, resource: str) -> None:
    other, whole = make_pool("a100", pool.cluster), ready(resource)
    vision = OrgUnit.objects.get(name="vision")
    for place in (pool, other):
        row: dict[str, Any] = {resource: whole}
        make_quota(vision, place, gpus=0, **({} if resource == "gpu_milli" else row))
        Quota.objects.filter(pool=place).update(**row)
    Node.objects.update(state=Node.State.NOT_READY)
    findings_refresh(thorough=True)
    found = GuardFinding.objects.filter(resolved_at=None, level=Level.HARDWARE, resource=AT[resource])
    assert {(one.pool, one.sum, one.ceiling) for one in found} == {
        (pool, whole, 0), (other, whole, 0), (None, 2 * whole, 0)
    }  # fmt: skip
    assert Quota.objects.filter(**{resource: whole}).count() == 2, "nothing was changed"
    step = whole // 8 // 1000 * 1000
    assert " over: " in refused("vision", other, **{resource: whole + step})
    give("vision", other, **{resource: whole - step})
    assert found.get(pool=None).sum == 2 * whole - step
    assert len(RESOURCES) == len(AT)
