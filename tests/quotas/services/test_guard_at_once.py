"""Two administrators in the same moment cannot together break what each alone could not: on PostgreSQL and SQLite."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from orgs.models import OrgUnit
from orgs.services.move import unit_move
from portal.errors import Refused
from quotas.guard import Level
from quotas.models import GuardFinding, GuardSetting, Node, Pool
from quotas.selectors.guard import Books
from quotas.services.pool import FIELDS, pool_create, pool_update
from quotas.services.quota import quota_set
from tests.at_once import at_once
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

pytestmark = pytest.mark.django_db(transaction=True)
Act = Callable[[], object]
ROUNDS = range(4)


@pytest.fixture
def pool() -> Pool:
    """16 ready GPUs on two nodes, enforced; vision has 12 and has given out 8 of them, sound has 4."""
    for level in (Level.CHILDREN, Level.HARDWARE):
        setting = {"mode": GuardSetting.Mode.ENFORCE, "resources": ["gpu", "cpu", "memory"]}
        GuardSetting.objects.create(scope=make_account(), level=level, **setting)
    north = make_cluster("north")
    pool = default_pool_of(north)
    make_node("one", pool, labels={"rack": "one"}), make_node("two", pool, labels={"rack": "two"})
    vision, sound = make_department("vision", north), make_department("sound", north)
    make_quota(vision, pool, gpus=12), make_quota(sound, pool, gpus=4)
    make_quota(make_project("vis-3d", vision), pool, gpus=8)
    make_quota(make_project("ears", sound), pool, gpus=3)
    make_project("vis-med", vision), make_project("vis-old", vision)
    return pool


def unit(name: str) -> OrgUnit:
    return OrgUnit.objects.select_related("parent").get(name=name)


def give(name: str, pool: Pool, gpus: int) -> Act:
    one = unit(name)
    return lambda: quota_set(actor=actor_of(), unit=one, pool=pool, gpu_milli=gpus * 1000)


def move(name: str, parent: str) -> Act:
    one, target = unit(name), unit(parent)
    return lambda: unit_move(actor=actor_of(), unit=one, parent=target)


def create(pool: Pool, rack: str) -> Act:
    return lambda: pool_create(
        actor=actor_of(), cluster=pool.cluster, name=f"rack-{rack}", label_key="rack", label_value=rack
    )


def relabel(pool: Pool, value: str) -> Act:
    kept = {field: getattr(pool, field) for field in FIELDS if not field.startswith("label_")}
    return lambda: pool_update(actor=actor_of(), pool=pool, label_key="rack", label_value=value, **kept)


def one_is_refused(pool: Pool, *acts: Act) -> None:
    raised = at_once(*acts)
    assert len(raised) == 1, raised
    assert isinstance(raised[0], Refused), raised
    assert Books.read(pool.cluster_id, None).excesses() == {}
    assert not GuardFinding.objects.exists()


@pytest.mark.parametrize("number", ROUNDS)
def test_quota_and_quota(pool: Pool, number: int) -> None:
    """Each of the three left would fit by itself; both are also the first rows of their projects."""
    one_is_refused(pool, give("vis-med", pool, 3), give("vis-old", pool, 3))


@pytest.mark.parametrize("number", ROUNDS)
def test_quota_and_move(pool: Pool, number: int) -> None:
    one_is_refused(pool, give("vis-med", pool, 3), move("ears", "vision"))


@pytest.mark.parametrize("number", ROUNDS)
def test_quota_and_label_of_a_pool(pool: Pool, number: int) -> None:
    """A node goes to another pool while what it would leave behind is given out."""
    rack = make_pool("rack", pool.cluster, label_key="rack", label_value="none")
    for name, gpus in (("ears", 0), ("sound", 0), ("vision", 8)):
        give(name, pool, gpus)()
    one_is_refused(pool, give("sound", pool, 4), relabel(rack, "two"))
    assert Node.objects.filter(pool=rack).count() in (0, 1)


@pytest.mark.parametrize("number", ROUNDS)
def test_create_and_create(pool: Pool, number: int) -> None:
    """The default pool can do without one of its nodes, not without both."""
    for name, gpus in (("vis-3d", 0), ("ears", 0), ("vision", 8), ("sound", 0)):
        give(name, pool, gpus)()
    one_is_refused(pool, create(pool, "one"), create(pool, "two"))
    assert Pool.objects.filter(cluster=pool.cluster).count() == 2


def test_whatever_many_do_together_nothing_goes_over(pool: Pool) -> None:
    names = ("vision", "sound", "vis-3d", "vis-med", "vis-old", "ears")

    def writer(seed: int) -> Act:
        random = Random(seed)
        acts = [
            move("ears", random.choice(["vision", "sound"]))
            if random.random() < 0.2
            else give(random.choice(names), pool, random.randint(0, 9))
            for _ in range(12)
        ]

        def run() -> None:
            for act in acts:
                try:
                    act()
                except Refused:
                    refused.append(seed)

        return run

    refused: list[int] = []
    assert at_once(*[writer(seed) for seed in range(4)]) == []
    assert refused
    assert Books.read(pool.cluster_id, None).excesses() == {}
