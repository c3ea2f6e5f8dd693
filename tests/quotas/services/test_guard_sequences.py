"""Whatever people do in whatever order, while nodes come and go: enforced, no act that is accepted makes an excess
larger, and the open findings are what does not add up."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.services.move import unit_move
from orgs.services.unit import unit_delete
from portal.errors import Refused
from quotas.guard import Excess, Key, Level, increased, together
from quotas.models import GuardFinding, GuardSetting, Node, Pool
from quotas.selectors.guard import Books
from quotas.services.finding import findings_refresh
from quotas.services.pool import pool_create, pool_delete
from quotas.services.quota import QuotaChange, quota_clear, quotas_save
from quotas.services.quota_rules import values_of
from tests.examples import examples
from tests.factories import (
    actor_of,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_node,
    make_project,
    make_quota,
)

pytestmark = pytest.mark.django_db
SYSTEM = actor_of()
WHAT = ["give", "give", "give two", "clear", "move", "move", "create pool", "delete pool", "delete unit", "nodes"]
STEPS = st.lists(st.tuples(st.sampled_from(WHAT), *[st.integers(0, 30)] * 3, st.integers(0, 12)), max_size=14)


def _organization() -> OrgUnit:
    for level in (Level.CHILDREN, Level.HARDWARE):
        setting = {"mode": GuardSetting.Mode.ENFORCE, "resources": ["gpu", "cpu", "memory"]}
        GuardSetting.objects.create(scope=make_account(), level=level, **setting)
    north = make_cluster("north")
    for rack in ("a", "b", "c"):
        make_node(f"node-{rack}", default_pool_of(north), gpus=4, labels={"rack": rack})
    vision = make_department("vision", north)
    sound, inner = make_department("sound", north), make_department("inner", vision)
    default = OrgUnit.objects.get(parent=north, name="default")
    make_quota(vision, default_pool_of(north), gpus=6, cpu_millicores=32_000)
    for number, parent in enumerate((vision, sound, inner, default)):
        make_project(f"p{number}", parent)
    return north


def _excesses(cluster: OrgUnit) -> dict[Key, Excess]:
    found = Books.read(cluster.pk, None).excesses()
    return found | together(cluster.pk, found)


def _act(cluster: OrgUnit, what: str, one: int, two: int, three: int, gpus: int) -> None:
    units = list(OrgUnit.objects.filter(cluster=cluster, state=UnitState.ACTIVE).order_by("pk"))
    pools = list(Pool.objects.filter(cluster=cluster).order_by("pk"))
    unit, other, pool = units[one % len(units)], units[two % len(units)], pools[three % len(pools)]
    if what in ("give", "give two"):
        values: dict[str, Any] = {"gpu_milli": gpus * 1000, "cpu_millicores": three * 8_000 if three % 3 else None}
        changes = [QuotaChange(one, pool, values_of(None) | values) for one in (unit, other)]
        quotas_save(actor=SYSTEM, changes=changes[: 1 if what == "give" else 2])
    elif what == "clear":
        quota_clear(actor=SYSTEM, unit=unit, pool=pool)
    elif what == "move":
        unit_move(actor=SYSTEM, unit=unit, parent=other)
    elif what == "create pool":
        rack = "abc"[two % 3]
        pool_create(actor=SYSTEM, cluster=cluster, name=f"rack-{rack}", label_key="rack", label_value=rack)
    elif what == "delete pool":
        pool_delete(actor=SYSTEM, pool=pool)
    elif what == "delete unit" and unit.kind != UnitKind.CLUSTER:
        unit_delete(actor=SYSTEM, unit=unit)


@examples(15)
@given(STEPS)
def test_no_accepted_act_makes_it_worse(steps: list[tuple[str, int, int, int, int]]) -> None:
    with transaction.atomic():
        north = _organization()
        for what, *numbers in steps:
            if what == "nodes":
                state = Node.State.READY if numbers[1] % 2 else Node.State.NOT_READY
                Node.objects.filter(name=f"node-{'abc'[numbers[0] % 3]}").update(state=state)
                findings_refresh()
            else:
                before = _excesses(north)
                with suppress(Refused), transaction.atomic():
                    _act(north, what, *numbers)
                assert increased(before, _excesses(north)) == {}
                if what == "delete unit":
                    findings_refresh()
            assert _found() == {key: excess for key, excess in _excesses(north).items() if key.level != Level.RUNNING}
        transaction.set_rollback(True)


def _found() -> dict[Key, Excess]:
    rows = GuardFinding.objects.filter(resolved_at=None)
    return {Key(row.unit_id, row.pool_id, row.resource, Level(row.level)): Excess(row.sum, row.ceiling) for row in rows}
