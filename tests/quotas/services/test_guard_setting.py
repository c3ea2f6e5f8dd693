from __future__ import annotations

import pytest

from orgs.access import Forbidden
from orgs.models import OrgUnit
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.guard import Level
from quotas.models import GuardFinding, GuardSetting, Pool
from quotas.selectors.guard import KEYS, Watch, guard_of
from quotas.services.guard_setting import guard_set
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    VIEWER,
    actor_of,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_project,
    make_quota,
    make_user,
)

pytestmark = pytest.mark.django_db
Mode = GuardSetting.Mode
HARDWARE, CHILDREN = Level.HARDWARE, Level.CHILDREN


def test_nobody_set_anything_so_it_warns_of_everything() -> None:
    assert guard_of(make_cluster()) == {CHILDREN: Watch(Mode.WARN, KEYS), HARDWARE: Watch(Mode.WARN, KEYS)}


def test_a_cluster_has_it_as_the_account_or_otherwise() -> None:
    north, south = make_cluster("north"), make_cluster("south")
    actor = actor_of(make_user(name="Ines Vale", role=ADMIN))
    guard_set(actor=actor, scope=make_account(), level=HARDWARE, mode=Mode.ENFORCE, resources=["memory", "gpu"])
    guard_set(actor=actor, scope=north, level=HARDWARE, mode=Mode.OFF)
    assert guard_of(north)[HARDWARE].mode == Mode.OFF
    assert guard_of(south) == {CHILDREN: Watch(), HARDWARE: Watch(Mode.ENFORCE, ("gpu", "memory"))}
    guard_set(actor=actor, scope=north, level=HARDWARE, mode=None)
    assert guard_of(north) == guard_of(south)
    events = AuditEvent.objects.filter(actor_name="Ines Vale").order_by("pk")
    what = "guard against the hardware"
    assert [(event.entity_name, event.before[what], event.after[what]) for event in events] == [
        ("Aldergrove", "not set", "enforce: gpu, memory"),
        ("north", "not set", "off: gpu, cpu, memory"),
        ("north", "off: gpu, cpu, memory", "not set"),
    ]


def test_who_may() -> None:
    account, north = make_account(), make_cluster("north")
    # Who may change quotas of the whole account may say how a cluster is guarded, not how the account is.
    quotas = actor_of(make_user(role=DEPARTMENT_ADMIN))
    guard_set(actor=quotas, scope=north, level=CHILDREN, mode=Mode.ENFORCE)
    for actor, scope in (
        (quotas, account),
        (actor_of(make_user(role=VIEWER)), north),
        (actor_of(make_user(role=DEPARTMENT_ADMIN, scope=north)), north),
    ):
        with pytest.raises(Forbidden):
            guard_set(actor=actor, scope=scope, level=CHILDREN, mode=Mode.OFF)


def test_what_somebody_else_saved_meanwhile_is_not_overwritten() -> None:
    north = make_cluster("north")
    guard_set(actor=actor_of(), scope=north, level=CHILDREN, mode=Mode.OFF, expected_version=0)
    guard_set(actor=actor_of(), scope=north, level=CHILDREN, mode=Mode.OFF, expected_version=1)
    assert GuardSetting.objects.get().version == 1
    with pytest.raises(Refused) as refused:
        guard_set(actor=actor_of(), scope=north, level=CHILDREN, mode=Mode.ENFORCE, expected_version=0)
    assert list(refused.value.message_dict) == ["expected_version"]
    assert GuardSetting.objects.get().mode == Mode.OFF


@pytest.fixture
def pool() -> Pool:
    """vision has nothing and has given out 4 GPUs, of hardware that is not there."""
    vision = make_department("vision", make_cluster("north"))
    pool = default_pool_of(OrgUnit.objects.get(name="north"))
    make_quota(make_project("vis-3d", vision), pool, gpus=4)
    return pool


def test_switching_on_refuses_nothing_that_is_there_and_finds_it(pool: Pool) -> None:
    guard_set(actor=actor_of(), scope=make_account(), level=CHILDREN, mode=Mode.ENFORCE)
    finding = GuardFinding.objects.get()
    assert (finding.unit.name, finding.sum, finding.ceiling) == ("vision", 4_000, 0)
    guard_set(actor=actor_of(), scope=make_account(), level=CHILDREN, mode=Mode.WARN, resources=["cpu"])
    assert GuardFinding.objects.get().resolved_at is not None
    guard_set(actor=actor_of(), scope=pool.cluster, level=CHILDREN, mode=Mode.WARN)
    assert GuardFinding.objects.filter(resolved_at=None).count() == 1
