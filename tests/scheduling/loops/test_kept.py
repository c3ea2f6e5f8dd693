"""A snapshot that is kept and edited is the one that a cold read would give, whatever happens in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from orgs.models import OrgUnit
from orgs.services.department import department_create
from orgs.services.move import unit_move
from orgs.services.unit import unit_delete, unit_rename, units_remove
from portal.actor import SYSTEM
from portal.errors import Refused
from portal.services.feed import feed_tell
from quotas.models import Pool
from quotas.services.access import default_access_set
from quotas.services.pool import pool_create, pool_delete
from quotas.services.quota import quota_clear, quota_set
from quotas.services.topology import topology_create
from scheduling.clusters.simulated.life import stop_pod
from scheduling.clusters.simulated.store import KIND, objects, writing
from scheduling.engine import Engine, Options, decide
from scheduling.engine.types import Snapshot
from scheduling.loops.kept import KeptSnapshot
from scheduling.models import Assignment, Workload
from scheduling.services.workload import workload_delete, workload_stop
from tests.examples import examples
from tests.factories import default_pool_of, make_node, make_pod, make_workload
from tests.scheduling.loops.cold import take_snapshot

from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)
NEVER = 1e9
OPTIONS = Options()


class Stage:
    """A world with projects, in which acts follow each other at once."""

    def __init__(self) -> None:
        self.world = World()
        self.steps = Steps(self.world)
        self.loop = self.steps.loop
        self.loop._kept = KeptSnapshot(self.world.pool.pk, check_seconds=NEVER)
        self.other = department_create(actor=SYSTEM, parent=self.world.cluster, name="other")
        self.projects = [self.world.project(), self.world.project()]
        self.submitted = 0

    # --- acts; `number` chooses among what there is

    def submit(self, number: int) -> None:
        self.submitted += 1
        pods, devices = ((1, 1), (2, 4), (1, 0), (3, 1), (2, 2))[number % 5]
        self.world.submit(
            self._project(number),
            f"w{self.submitted}",
            devices=devices,
            pods=pods,
            priority=(number % 3) * 50 + 25,
            kind=Workload.Kind.DISTRIBUTED if pods > 1 else Workload.Kind.TRAINING,
            run_seconds=2 if number % 4 == 0 else 3600,
            pools=["gpu"] if number % 6 else ["default"],
        )

    def stop(self, number: int) -> None:
        self._of_workload(number, workload_stop)

    def delete(self, number: int) -> None:
        self._of_workload(number, workload_delete)

    def observe(self, number: int) -> None:
        self.world.gateway._changed.set()
        self.steps.observe()

    def cycle(self, number: int) -> None:
        self.steps.cycle()

    def later(self, number: int) -> None:
        self.world.gateway._changed.set()
        self.steps.later(1 + number % 5)

    def guarantee(self, number: int) -> None:
        quota_set(actor=SYSTEM, unit=self._project(number), pool=self.world.pool, gpu_milli=1000 * (number % 5))

    def clear(self, number: int) -> None:
        quota_clear(actor=SYSTEM, unit=self._project(number), pool=self.world.pool)

    def move(self, number: int) -> None:
        unit_move(actor=SYSTEM, unit=self._project(number), parent=(self.world.department, self.other)[number % 2])

    def rename(self, number: int) -> None:
        unit_rename(actor=SYSTEM, unit=self._project(number), name=f"renamed-{number}")

    def remove_project(self, number: int) -> None:
        if len(self.projects) > 1:
            unit_delete(actor=SYSTEM, unit=self.projects.pop(number % len(self.projects)))

    def remove_units(self, number: int) -> None:
        units_remove()

    def cordon(self, number: int) -> None:
        self._of_node(number, lambda node: node.status.update(schedulable=not node.status.get("schedulable", True)))

    def relabel(self, number: int) -> None:
        labels = ({"class": "gpu"}, {"class": "gpu", "rack": "r1"}, {"class": "fast"}, {})[number % 4]
        self._of_node(number, lambda node: node.spec.update(labels=labels))

    def lose_node(self, number: int) -> None:
        self._of_node(number, lambda node: None, goes=True)

    def kill_pod(self, number: int) -> None:
        """Somebody deletes a pod by hand."""
        with writing(self.world.cluster.pk) as change:
            pods = list(objects(self.world.cluster.pk, KIND.POD))
            if pods:
                stop_pod(change, pods[number % len(pods)], time.time_ns() // 1_000_000)

    def narrow(self, number: int) -> None:
        """Another pool takes nodes, and gives them back."""
        fast = Pool.objects.filter(cluster=self.world.cluster, name="fast").first()
        if fast:
            pool_delete(actor=SYSTEM, pool=fast)
        else:
            pool_create(actor=SYSTEM, cluster=self.world.cluster, name="fast", label_key="class", label_value="fast")

    def close_pools(self, number: int) -> None:
        default_access_set(actor=SYSTEM, closed=number % 2 == 0)

    def topology(self, number: int) -> None:
        topology_create(actor=SYSTEM, cluster=self.world.cluster, name=f"t{number}", levels=["rack"])

    # --- choices

    def _project(self, number: int) -> OrgUnit:
        return OrgUnit.objects.get(pk=self.projects[number % len(self.projects)].pk)

    def _of_workload(self, number: int, act: Callable[..., Any]) -> None:
        workloads = list(Workload.objects.filter(cluster=self.world.cluster).order_by("pk"))
        if workloads:
            act(actor=SYSTEM, workload=workloads[number % len(workloads)])

    def _of_node(self, number: int, edit: Callable[[Any], None], *, goes: bool = False) -> None:
        with writing(self.world.cluster.pk) as change:
            nodes = list(objects(self.world.cluster.pk, KIND.NODE))
            if nodes:
                node = nodes[number % len(nodes)]
                edit(node)
                change.delete(node, time.time_ns() // 1_000_000) if goes else change.save(node)


ACTS = [name for name, item in vars(Stage).items() if callable(item) and not name.startswith("_")]
OFTEN = ["submit", "observe", "cycle", "later"]


class Mirror:
    """Follows looks as a loop does, with nothing but what they say has changed."""

    def __init__(self, pool: int) -> None:
        self.pool = pool
        self.kept = KeptSnapshot(pool, check_seconds=NEVER)
        self._workloads: dict[int, Any] = {}
        self._engine: Engine | None = None

    def look(self) -> None:
        look = self.kept.look()
        cold = take_snapshot(self.pool)
        assert timeless(look.snapshot) == timeless(cold)
        if look.changed is None or self._engine is None:
            self._workloads = {item.id: item for item in look.snapshot.workloads}
            self._engine = Engine(look.snapshot, OPTIONS)
        else:
            for pk in look.gone:
                del self._workloads[pk]
            self._workloads.update((item.id, item) for item in look.changed)
            self._engine.edit(look.snapshot, look.changed, look.gone)
        assert tuple(self._workloads.values()) == look.snapshot.workloads
        assert self._engine.decide() == decide(look.snapshot, OPTIONS)


def timeless(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, now_ms=0)


def test_strangers_come_and_go_by_the_workloads_they_belong_to(pool: Pool, project: OrgUnit) -> None:
    """Pods on nodes of the pool that are charged to another: the feed names only their workloads."""
    elsewhere = default_pool_of(pool.cluster)
    node, workload = make_node("a", pool), make_workload("w", project, elsewhere, gpus=2)
    mirror = Mirror(pool.pk)
    mirror.look()
    pod = make_pod(workload, node, charged_pool=elsewhere)
    told(pool, workload)
    mirror.look()
    assert mirror.kept.look().snapshot.nodes[0].capacity.gpu_milli == 6000
    pod.delete()
    told(pool, workload)
    mirror.look()
    assert mirror.kept.look().snapshot.nodes[0].capacity.gpu_milli == 8000


def test_an_older_workload_that_comes_keeps_its_place(pool: Pool, project: OrgUnit) -> None:
    elsewhere = default_pool_of(pool.cluster)
    older, newer = make_workload("older", project, elsewhere), make_workload("newer", project, pool)
    for workload in (older, newer):
        make_pod(workload)
    mirror = Mirror(pool.pk)
    mirror.look()
    Assignment.objects.filter(workload=older).update(pool=pool)
    told(pool, older)
    mirror.look()
    assert [item.name for item in mirror.kept.look().snapshot.workloads] == ["older", "newer"]


def told(pool: Pool, *workloads: Workload) -> None:
    with transaction.atomic():
        feed_tell(cluster=pool.cluster_id, workloads=[workload.pk for workload in workloads])


@pytest.mark.hypothesis
@examples(12)
@given(
    st.lists(st.tuples(st.sampled_from(OFTEN * 4 + ACTS), st.integers(0, 99), st.booleans()), min_size=8, max_size=24)
)
def test_an_edited_snapshot_is_a_cold_one(acts: list[tuple[str, int, bool]]) -> None:
    stage = Stage()
    mirrors = [Mirror(stage.world.pool.pk), Mirror(stage.world.default.pk)]
    for name, number, looks in acts:
        with suppress(Refused):
            getattr(stage, name)(number)
        if looks:
            for mirror in mirrors:
                mirror.look()
    for mirror in mirrors:
        mirror.look()


def test_each_act_is_told_at_once() -> None:
    """In a pool where work runs and waits, each act alone between two looks."""
    stage = Stage()
    mirrors = [Mirror(stage.world.pool.pk), Mirror(stage.world.default.pk)]

    def act(name: str, number: int) -> None:
        with suppress(Refused):
            getattr(stage, name)(number)

    def look() -> None:
        for mirror in mirrors:
            mirror.look()

    for number, name in enumerate([*ACTS, *ACTS]):
        act("submit", number % 3 + 1)
        for then in ("observe", "observe", "cycle", "observe"):
            act(then, 0)
        look()
        act(name, number)
        look()


def test_a_writer_that_does_not_tell_is_found_out() -> None:
    """At the next check, after which the snapshot is right again."""
    stage = Stage()
    stage.submit(1)
    stage.observe(0)
    stage.observe(0)
    kept = KeptSnapshot(stage.world.pool.pk)
    assert [item.priority for item in kept.look().snapshot.workloads] == [75]
    Workload.objects.update(priority=10)
    assert [item.priority for item in kept.look().snapshot.workloads] == [75]
    kept._check_at = 0.0
    with capture_logs() as logs:
        assert [item.priority for item in kept.look().snapshot.workloads] == [10]
        kept._check_at = 0.0
        kept.look()
    assert [(line["event"], line["differs"]) for line in logs] == [
        ("snapshot_differed", [f"workload {Workload.objects.get().pk}"])
    ]


def test_a_quiet_pool_costs_few_queries_and_writes_nothing() -> None:
    stage = Stage()
    stage.submit(1)
    stage.steps.start()
    for _ in range(3):
        stage.observe(0)
        stage.cycle(0)
    with CaptureQueriesContext(connection) as captured:
        stage.cycle(0)
    sql = [query["sql"] for query in captured]
    assert [line for line in sql if line.startswith(("UPDATE", "INSERT", "DELETE"))] == []
    assert len([line for line in sql if line.startswith("SELECT")]) <= 8, sql
