"""What the guard does in each mode, to each kind of change, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from orgs import hooks
from orgs.hooks import Gift
from orgs.models import OrgUnit
from orgs.services.move import unit_move
from portal.errors import Refused
from portal.notices import noticed
from quotas.guard import Level
from quotas.models import GuardFinding, GuardSetting, Node, Pool, Quota
from quotas.services.guard import OverSubscribed, guarded
from quotas.services.pool import FIELDS, pool_create, pool_delete, pool_update
from quotas.services.quota import QuotaChange, RefusedCells, quota_clear, quota_set, quotas_check, quotas_save
from quotas.services.quota_rules import values_of
from tests.factories import (
    DEPARTMENT_ADMIN,
    actor_of,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_guard,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_usage,
    make_user,
)

pytestmark = pytest.mark.django_db
Mode = GuardSetting.Mode
SYSTEM = actor_of()


@pytest.fixture
def pool() -> Pool:
    """16 ready GPUs, enforced; vision has 12 and has given vis-3d 8 of them, vis-med nothing yet."""
    north = make_cluster("north")
    make_guard(make_account(), Mode.ENFORCE)
    pool = default_pool_of(north)
    make_node("one", pool), make_node("two", pool)
    vision = make_department("vision", north)
    make_quota(vision, pool, gpus=12)
    make_quota(make_project("vis-3d", vision), pool, gpus=8)
    make_project("vis-med", vision), make_project("vis-old", vision)
    return pool


def unit(name: str) -> OrgUnit:
    return OrgUnit.objects.get(name=name)


def give(name: str, pool: Pool, gpus: float, **more: Any) -> None:
    quota_set(actor=more.pop("actor", SYSTEM), unit=unit(name), pool=pool, gpu_milli=round(gpus * 1000), **more)


def refusal(*args: Any, **more: Any) -> dict[str, list[str]]:
    with pytest.raises(Refused) as refused:
        give(*args, **more)
    return refused.value.message_dict


def test_a_project_gets_no_more_than_its_department_has_left(pool: Pool) -> None:
    assert refusal("vis-med", pool, 6) == {
        "gpu_milli": [
            "2 over: 6 GPUs asked for in default, 4 available (vision has 12, 8 given to others). "
            "Ask for less, or raise vision first."
        ]
    }
    assert not Quota.objects.filter(unit=unit("vis-med")).exists()
    give("vis-med", pool, 4)


def test_a_department_does_not_go_below_what_it_has_given_or_beyond_the_hardware(pool: Pool) -> None:
    assert refusal("vision", pool, 6)["gpu_milli"] == [
        "2 over: 6 GPUs asked for vision in default, 8 given to the units in it. Lower those first."
    ]
    assert refusal("vision", pool, 17)["gpu_milli"] == [
        "1 over: 17 GPUs asked for in default, 16 available (16 ready, 0 given to others). "
        "Ask for less, or add nodes to default."
    ]
    with pytest.raises(Refused, match="8 given to the units in it"):
        quota_clear(actor=SYSTEM, unit=unit("vision"), pool=pool)


def test_cpu_and_memory_have_their_own_words(pool: Pool) -> None:
    gib = 1024**3
    give("vision", pool, 12, cpu_millicores=64_000, memory_bytes=512 * gib)
    found = refusal("vis-med", pool, 0, cpu_millicores=65_000, memory_bytes=513 * gib)
    assert found["cpu_millicores"][0].startswith(
        "1 over: 65 cores asked for in default, 64 available (vision has 64, 0 "
    )
    assert found["memory_bytes"][0].startswith(
        "1 GiB over: 513 GiB of memory asked for in default, 512 GiB available (vision has 512 GiB, 0 GiB given"
    )


def test_a_department_without_cpu_quota_passes_on_to_the_hardware(pool: Pool) -> None:
    """Two nodes have 256 cores; whether somebody between has a CPU quota makes no difference to that."""
    give("vis-med", pool, 0, cpu_millicores=200_000)
    assert (
        "56 available (256 ready, 200 given to others)"
        in refusal("vis-3d", pool, 8, cpu_millicores=57_000)["cpu_millicores"][0]
    )


def test_cordoned_nodes_count_and_lost_ones_do_not(pool: Pool) -> None:
    Node.objects.filter(name="one").update(schedulable=False)
    give("vision", pool, 16)
    Node.objects.filter(name="two").update(state=Node.State.NOT_READY)
    assert "8 ready" in refusal("vision", pool, 17)["gpu_milli"][0]


def test_a_damaged_state_can_be_repaired_step_by_step(pool: Pool) -> None:
    Node.objects.filter(name="two").update(state=Node.State.NOT_READY)
    make_quota(unit("vis-old"), pool, gpus=8)
    for gpus in (15, 12.5):
        assert "over" in refusal("vision", pool, gpus)["gpu_milli"][0]
    give("vis-old", pool, 7)
    give("vision", pool, 12, over_quota=False)  # neither better nor worse
    give("vis-old", pool, 0)
    give("vision", pool, 9)
    give("vision", pool, 8)
    assert not GuardFinding.objects.filter(resolved_at=None).exists()


def test_warned_of_in_the_same_words_and_done(pool: Pool) -> None:
    words = refusal("vis-med", pool, 6)["gpu_milli"]
    make_guard(pool.cluster, Mode.WARN)
    with noticed() as heard:
        give("vis-med", pool, 6)
    assert heard == words
    assert Quota.objects.get(unit=unit("vis-med")).gpu_milli == 6_000
    finding = GuardFinding.objects.get()
    assert (finding.unit, finding.pool, finding.level) == (unit("vision"), pool, Level.CHILDREN)
    assert (finding.sum, finding.ceiling, finding.over, finding.resolved_at) == (14_000, 12_000, 2_000, None)
    give("vis-med", pool, 5)
    assert GuardFinding.objects.get().sum == 13_000
    give("vis-med", pool, 4)
    assert GuardFinding.objects.get().resolved_at is not None


def test_off_looks_at_nothing(pool: Pool) -> None:
    make_guard(pool.cluster, Mode.OFF)
    with noticed() as heard:
        give("vis-med", pool, 600)
    assert heard == []
    assert not GuardFinding.objects.exists()


def test_resources_and_levels_by_themselves(pool: Pool) -> None:
    make_guard(pool.cluster, Mode.ENFORCE, resources=("gpu",))
    give("vis-med", pool, 0, cpu_millicores=10**9)
    GuardSetting.objects.filter(scope=pool.cluster, level=Level.HARDWARE).update(mode=Mode.OFF)
    give("vision", pool, 100)
    assert "over" in refusal("vis-med", pool, 93)["gpu_milli"][0]


def test_a_quota_does_not_go_below_what_runs_and_may_not_be_stopped(pool: Pool) -> None:
    make_usage(unit("vis-3d"), pool, gpus=8, non_preemptible_gpu_milli=5_000)
    make_usage(unit("vision"), pool, gpus=8, non_preemptible_gpu_milli=5_000)
    assert refusal("vis-3d", pool, 4)["gpu_milli"] == [
        "1 too few: 4 GPUs asked for vis-3d in default, 5 in use there by work that may not be stopped. "
        "Leave it at least 5."
    ]
    with pytest.raises(Refused, match="5 too few"):
        quota_clear(actor=SYSTEM, unit=unit("vis-3d"), pool=pool)
    give("vis-3d", pool, 5)
    Quota.objects.filter(unit=unit("vis-3d")).update(gpu_milli=1_000)
    give("vis-3d", pool, 3)


@pytest.mark.parametrize("value", [None, -1, "unlimited"])
def test_there_is_no_unlimited_gpu_quota(pool: Pool, value: Any) -> None:
    with pytest.raises(Refused) as refused:
        quota_set(actor=SYSTEM, unit=unit("vision"), pool=pool, gpu_milli=value)
    assert list(refused.value.message_dict) == ["gpu_milli"]


def test_many_cells_count_as_one_change(pool: Pool) -> None:
    def change(name: str, gpus: int) -> QuotaChange:
        return QuotaChange(unit(name), pool, values_of(None) | {"gpu_milli": gpus * 1000})

    quotas_save(actor=SYSTEM, changes=[change("vis-med", 10), change("vis-3d", 2)])
    assert Quota.objects.get(unit=unit("vis-med")).gpu_milli == 10_000
    with pytest.raises(RefusedCells) as refused:
        quotas_save(actor=SYSTEM, changes=[change("vis-med", 11), change("vis-3d", 3)])
    cells = {(unit("vis-med").pk, pool.pk), (unit("vis-3d").pk, pool.pk)}
    assert set(refused.value.cells) == cells
    assert all("2 over: 14 GPUs asked for" in str(one) for one in refused.value.cells.values())
    assert set(quotas_check(actor=SYSTEM, changes=[change("vis-med", 11), change("vis-3d", 3)])) == cells
    assert Quota.objects.get(unit=unit("vis-3d")).gpu_milli == 2_000


def test_a_block_around_many_services_judges_the_result_only(pool: Pool) -> None:
    with guarded(actor=SYSTEM, cluster=pool.cluster):
        give("vis-med", pool, 10)
        give("vis-3d", pool, 2)
    with pytest.raises(OverSubscribed, match="1 over: 11 GPUs asked for"), guarded(actor=SYSTEM, cluster=pool.cluster):
        give("vis-med", pool, 11)


def test_a_unit_moves_only_where_its_quota_fits(pool: Pool) -> None:
    sound = make_department("sound", pool.cluster)
    with pytest.raises(Refused) as refused:
        unit_move(actor=SYSTEM, unit=unit("vis-3d"), parent=sound)
    assert refused.value.message_dict == {
        "parent": [
            "8 over: 8 GPUs asked for in default, 0 available (sound has 0, 0 given to others). "
            "Ask for less, or raise sound first."
        ]
    }
    give("vision", pool, 8), give("sound", pool, 8)
    unit_move(actor=SYSTEM, unit=unit("vis-3d"), parent=sound)
    # The default department counts as the sum of its projects: there the eight count against the hardware again.
    default = OrgUnit.objects.get(name="default")
    with pytest.raises(Refused, match="8 over: 8 GPUs asked for in default, 0 available"):
        unit_move(actor=SYSTEM, unit=unit("vis-3d"), parent=default)


def test_moving_writes_what_is_found(pool: Pool) -> None:
    make_guard(make_account(), Mode.WARN)
    sound = make_department("sound", pool.cluster)
    make_quota(unit("vis-old"), pool, gpus=8)
    give("vision", pool, 12.5)
    assert [finding.unit.name for finding in GuardFinding.objects.filter(resolved_at=None)] == ["vision"]
    with noticed() as heard:
        unit_move(actor=SYSTEM, unit=unit("vis-3d"), parent=sound)
    assert [words[:7] for words in heard] == ["8 over:"]
    assert [finding.unit.name for finding in GuardFinding.objects.filter(resolved_at=None)] == ["sound"]


def test_a_pool_does_not_take_nodes_that_others_need(pool: Pool) -> None:
    Node.objects.filter(name="two").update(labels={"class": "a100"})
    with pytest.raises(Refused) as refused:
        pool_create(actor=SYSTEM, cluster=pool.cluster, name="a100", label_key="class", label_value="a100")
    assert refused.value.message_dict == {
        "label_value": [
            "4 over: 8 GPUs would be ready in default, 12 guaranteed there. Lower quotas in default first, "
            "or leave it more nodes."
        ]
    }
    assert not Pool.objects.filter(name="a100").exists()
    give("vision", pool, 8)
    a100 = pool_create(actor=SYSTEM, cluster=pool.cluster, name="a100", label_key="class", label_value="a100")
    give("vision", a100, 8)
    with pytest.raises(Refused, match="8 over: 0 GPUs would be ready in a100"):
        relabel(a100, "none")
    pool_delete(actor=SYSTEM, pool=a100)
    assert Node.objects.get(name="two").pool == pool


def relabel(pool: Pool, value: str) -> None:
    kept = {field: getattr(pool, field) for field in FIELDS if not field.startswith("label_")}
    pool_update(actor=SYSTEM, pool=pool, label_key="class", label_value=value, **kept)


def test_a_refusal_names_no_unit_that_one_may_not_see(pool: Pool) -> None:
    """Who administers only a department inside vision gives its CPU out, which counts against vision's."""
    give("vision", pool, 12, cpu_millicores=64_000)
    inner = make_department("inner", unit("vision"))
    make_project("deep", inner)
    head = actor_of(make_user(role=DEPARTMENT_ADMIN, scope=inner))
    words = refusal("deep", pool, 0, cpu_millicores=65_000, actor=head)["cpu_millicores"][0]
    assert words == (
        "1 over: 65 cores asked for in default, 64 available (the unit above has 64, 0 given to others). "
        "Ask for less, or raise the unit above first."
    )


def test_several_pools_over_are_also_a_finding_of_the_cluster(pool: Pool) -> None:
    make_guard(make_account(), Mode.WARN)
    a100 = make_pool("a100", pool.cluster)
    give("vision", pool, 20)
    give("vision", a100, 2)
    found = {(one.pool, one.sum, one.ceiling) for one in GuardFinding.objects.filter(level=Level.HARDWARE)}
    assert found == {(pool, 20_000, 16_000), (a100, 2_000, 0), (None, 22_000, 16_000)}
    give("vision", a100, 0)
    assert {one.pool for one in GuardFinding.objects.filter(resolved_at=None)} == {pool}


def test_the_wizard_gives_no_more_than_there_is_and_says_the_numbers(pool: Pool) -> None:
    gifts = [Gift(unit(name), pool.pk, gpus * 1000) for name, gpus in (("vis-med", 3), ("vis-old", 2))]
    with pytest.raises(Refused) as refused:
        hooks.quotas_give(SYSTEM, gifts)
    assert refused.value.messages == [
        "1 over: 5 GPUs asked for in default, 4 available (vision has 12, 8 given to others). "
        "Ask for less, or raise vision first."
    ]
    hooks.quotas_give(SYSTEM, gifts[:1])
