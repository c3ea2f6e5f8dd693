"""What a cluster shows, in rows: written where it differs, and only there."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotas.models import Node, Pool
from scheduling.clusters.seen import JOBS, ObjectState, PodPhase, Seen, SeenNode, SeenObject, SeenPod
from scheduling.loops.observed import Observed
from scheduling.loops.observed_workloads import Facts, derive
from scheduling.models import Decision, Event, Pod, Workload
from tests.factories import default_pool_of, make_cluster, make_department, make_pool, make_project, make_workload

pytestmark = pytest.mark.django_db(transaction=True)
State, Phase = Workload.State, Pod.Phase
ALL = dict.fromkeys(("nodes", "pods", "jobs"), 0.0)


@pytest.fixture
def pool() -> Pool:
    return make_pool("gpu", make_cluster(), label_key="class")


@pytest.fixture
def workload(pool: Pool) -> Workload:
    return make_workload("w", make_project(department=make_department(parent=pool.cluster)), pool, pods=2, applied=True)


def node(name: str = "n1", **fields: Any) -> SeenNode:
    values: dict[str, Any] = {"uid": f"uid-{name}", "labels": {"class": "gpu"}, "gpu_count": 8}
    return SeenNode(name=name, **(values | {"cpu_millicores": 64_000, "memory_bytes": 2**39} | fields))


def pod(owner: Workload | None, name: str, **fields: Any) -> SeenPod:
    values: dict[str, Any] = {"uid": f"uid-{name}", "namespace": "ns", "ours": True, "phase": PodPhase.PENDING}
    values |= {"created_ms": int(time.time() * 1000), "sub_group": "workers", "pool": "gpu", "gpu_milli": 1000}
    values["workload"] = str(owner.uid) if owner else ""
    return SeenPod(name=name, **(values | {"cpu_millicores": 1000, "memory_bytes": 2**30} | fields))


def job(workload: Workload, **fields: Any) -> SeenObject:
    values: dict[str, Any] = {"uid": "job-1", "name": workload.name, "namespace": "ns", "state": ObjectState.ACTIVE}
    values["kind"] = JOBS
    return SeenObject(workload=str(workload.uid), **(values | fields))


def part(workload: Workload, group: str, done: int) -> SeenObject:
    """What makes the pods of one group."""
    return replace(
        job(workload, uid=f"job-{group}", done=done), workload="", part_of=str(workload.uid), sub_group=group
    )


def write(observed: Observed, seen: Seen) -> None:
    with transaction.atomic():
        observed.write(seen)


def test_nodes_lie_in_the_pool_that_their_labels_say(pool: Pool) -> None:
    observed = Observed(pool.cluster_id)
    write(observed, Seen(nodes=(node("a"), node("b", labels={}), node("c", ready=False)), complete=ALL))
    pools = {row.name: (row.pool, row.state) for row in Node.objects.select_related("pool")}
    default = default_pool_of(pool.cluster)
    assert pools == {"a": (pool, 1), "b": (default, 1), "c": (pool, 2)}
    before = Node.objects.get(name="c").state_since
    write(observed, Seen(nodes=(node("b"), node("c")), gone_nodes=("uid-a",)))
    assert Node.objects.get(name="b").pool == pool
    assert Node.objects.get(name="a").removed_at is not None
    turned = Node.objects.get(name="c")
    assert turned.state == Node.State.READY
    assert turned.state_since > before


def test_a_node_that_two_pools_match_is_marked_and_stays_where_it_is(pool: Pool) -> None:
    zone = make_pool("zone", pool.cluster, label_key="zone")
    observed, both = Observed(pool.cluster_id), {"class": "gpu", "zone": "zone"}
    write(observed, Seen(nodes=(node("a", labels={"zone": "zone"}), node("b", labels=both)), complete=ALL))
    write(observed, Seen(nodes=(node("a", labels=both),)))
    found = {row.name: (row.pool, row.conflict) for row in Node.objects.select_related("pool", "conflict")}
    assert found == {"a": (zone, pool), "b": (pool, zone)}
    write(observed, Seen(nodes=(node("a", labels={"class": "gpu"}),)))
    mended = Node.objects.get(name="a")
    assert (mended.pool, mended.conflict) == (pool, None)


def test_a_node_made_anew_takes_over_its_row_and_a_listing_removes_the_rest(pool: Pool) -> None:
    write(Observed(pool.cluster_id), Seen(nodes=(node("a"), node("b")), complete=ALL))
    write(Observed(pool.cluster_id), Seen(nodes=(node("a", uid="new"),), complete=ALL))
    assert Node.objects.get(name="a").uid == "new"
    assert Node.objects.get(name="b").removed_at is not None


def test_pods_of_others_are_sums_on_their_nodes(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    others = (
        pod(None, "daemon", ours=False, node="a", phase=PodPhase.RUNNING, gpu_milli=0),
        pod(None, "stray", node="a", gpu_milli=2000, workload="not a uid"),
        pod(workload, "other-group", node="a", sub_group="nobody"),
        pod(None, "done", ours=False, node="a", phase=PodPhase.SUCCEEDED),
        pod(None, "unbound", ours=False),
    )
    write(observed, Seen(nodes=(node("a"),), pods=others, complete=ALL))
    row = Node.objects.get()
    assert (row.foreign_gpu_milli, row.foreign_cpu_millicores, row.foreign_pods) == (3000, 3000, 3)
    assert not Pod.objects.exists()
    write(observed, Seen(gone_pods=("uid-stray",)))
    row.refresh_from_db()
    assert (row.foreign_gpu_milli, row.foreign_pods) == (1000, 2)
    write(Observed(pool.cluster_id), Seen(nodes=(node("a"),), complete=ALL))
    row.refresh_from_db()
    assert (row.foreign_gpu_milli, row.foreign_pods) == (0, 0), "a new listing knows of none"


def test_a_pod_is_charged_where_it_was_bound_and_stays_so(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    first = pod(workload, "p")
    write(observed, Seen(nodes=(node("a"),), pods=(first,), objects=(job(workload),), complete=ALL))
    row = Pod.objects.get()
    assert (row.phase, row.pool, row.charged_pool, row.bound_at) == (Phase.PENDING, pool, None, None)
    write(observed, Seen(pods=(replace(first, node="a", devices="0"),)))
    row.refresh_from_db()
    assert (row.phase, row.charged_pool, row.devices) == (Phase.STARTING, pool, "0")
    assert row.bound_at is not None
    write(observed, Seen(nodes=(node("a", labels={}),)))
    write(observed, Seen(pods=(replace(first, node="a", devices="0", phase=PodPhase.RUNNING),)))
    row.refresh_from_db()
    assert (row.charged_pool, row.node.pool) == (pool, default_pool_of(pool.cluster))
    assert Workload.objects.get().allocated_gpu_milli == 1000


def test_a_pod_seen_before_its_node_gets_it_later(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    write(observed, Seen(pods=(pod(workload, "p", node="a"),), objects=(job(workload),), complete={"jobs": 0.0}))
    assert Pod.objects.get().node is None
    write(observed, Seen(nodes=(node("a"),)))
    assert Pod.objects.get().node.name == "a"


def test_the_same_seen_twice_writes_nothing(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    pods = (pod(workload, "p", node="a"), pod(None, "x", ours=False, node="a"))
    seen = Seen(nodes=(node("a"),), pods=pods, objects=(job(workload),))
    write(observed, replace(seen, complete=ALL))
    with CaptureQueriesContext(connection) as captured:
        write(observed, seen)
    writes = [query["sql"] for query in captured if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
    assert writes == []


@pytest.mark.parametrize("end", ["gone", "unlisted"])
def test_what_becomes_of_decisions_is_seen_on_their_pods(pool: Pool, workload: Workload, end: str) -> None:
    observed = Observed(pool.cluster_id)
    pods = tuple(pod(workload, f"p{number}") for number in range(4))
    write(observed, Seen(nodes=(node("a"), node("b")), pods=pods, objects=(job(workload),), complete=ALL))
    rows = {row.name: row for row in Pod.objects.all()}
    there = Node.objects.get(name="a")
    kinds = (Decision.Kind.PLACE, Decision.Kind.PLACE, Decision.Kind.EVICT, Decision.Kind.PLACE)
    for (name, row), kind in zip(sorted(rows.items()), kinds, strict=True):
        Decision.objects.create(
            pool=pool.pk, epoch=1, cycle=1, kind=kind, state=Decision.State.SENT, batch=1, workload=workload.pk,
            pod=row.pk, pod_uid=row.uid, node=there.pk, deadline_at=row.created_at, code=name,
        )  # fmt: skip
    seen = (replace(pods[0], node="a"), replace(pods[1], node="b"), replace(pods[2], deleting=True))
    if end == "gone":
        write(observed, Seen(pods=seen, gone_pods=("uid-p3",)))
    else:
        write(
            Observed(pool.cluster_id),
            Seen(nodes=(node("a"), node("b")), pods=seen, objects=(job(workload),), complete=ALL),
        )
    states = dict(Decision.objects.values_list("code", "state"))
    observed_state, failed = Decision.State.OBSERVED, Decision.State.FAILED
    assert states == {"p0": observed_state, "p1": failed, "p2": observed_state, "p3": failed}
    assert set(Pod.objects.values_list("name", flat=True)) == {"p0", "p1", "p2"}


def test_an_object_that_somebody_else_deleted_fails_the_workload_also_while_nobody_looked(
    pool: Pool, workload: Workload
) -> None:
    write(Observed(pool.cluster_id), Seen(complete=ALL))
    workload.refresh_from_db()
    assert (workload.state, workload.is_active, workload.applied) == (State.FAILED, False, False)
    assert workload.state_message == "Somebody deleted its object in the cluster."
    assert Event.objects.get().code == "failed"


def test_pods_of_a_node_that_comes_back_are_on_it(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    seen = pod(workload, "p", node="a", phase=PodPhase.RUNNING)
    write(observed, Seen(nodes=(node("a"),), pods=(seen,), objects=(job(workload),), complete=ALL))
    write(observed, Seen(gone_nodes=("uid-a",)))
    write(observed, Seen(nodes=(node("a", uid="again"),)))
    assert [each.node.uid for each in Pod.objects.select_related("node") if each.node] == ["again"]


@pytest.mark.parametrize(("state", "follows"), [(Decision.State.UNKNOWN, True), (Decision.State.RECORDED, False)])
def test_a_bind_that_was_sent_to_a_node_that_comes_back_holds_its_room(
    pool: Pool, workload: Workload, state: int, follows: bool
) -> None:
    observed = Observed(pool.cluster_id)
    write(observed, Seen(nodes=(node("a"),), pods=(pod(workload, "p"),), objects=(job(workload),), complete=ALL))
    values: dict[str, Any] = {"pool": pool.pk, "epoch": 1, "cycle": 1, "batch": 1, "workload": workload.pk}
    values |= {"kind": Decision.Kind.PLACE, "pod": Pod.objects.get().pk, "pod_uid": "uid-p", "state": state}
    Decision.objects.create(node=Node.objects.get(name="a").pk, deadline_at=timezone.now(), **values)
    write(observed, Seen(gone_nodes=("uid-a",)))
    write(observed, Seen(nodes=(node("a", uid="again"),)))
    again = Node.objects.get(uid="again")
    assert (Decision.objects.get().node == again.pk) is follows


def test_listing_one_kind_of_objects_forgets_none_of_another(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    write(observed, Seen(objects=(job(workload, kind="others"),), complete=ALL))
    write(observed, Seen(complete={"jobs": 0.0}))
    assert str(workload.uid) in observed.objects
    write(observed, Seen(gone_objects=("job-1",)))
    assert not observed.objects


def test_an_object_just_created_is_not_taken_for_deleted(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    Workload.objects.update(applied=False)
    write(observed, Seen(complete=ALL))
    observed.applied(job(workload))
    Workload.objects.update(applied=True)
    write(observed, Seen(pods=(pod(workload, "p"),)))
    write(observed, Seen(complete=ALL))
    workload.refresh_from_db()
    assert (workload.state, workload.is_active) == (State.WAITING, True)


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_an_object_just_created_and_deleted_unseen_is_gone(pool: Pool, workload: Workload, is_seen_first: bool) -> None:
    observed = Observed(pool.cluster_id)
    Workload.objects.update(applied=False)
    write(observed, Seen(complete=ALL))
    observed.applied(job(workload))
    Workload.objects.update(applied=True)
    if is_seen_first:
        write(observed, Seen(objects=(job(workload),)))
        write(observed, Seen(complete=ALL))
    else:
        # Listed anew, from after it was created.
        write(observed, Seen(complete=dict.fromkeys(ALL, time.monotonic())))
    assert not observed.objects
    workload.refresh_from_db()
    assert (workload.state, workload.applied) == (State.FAILED, False)


def test_the_object_of_ended_work_that_went_while_nobody_looked_is_gone(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    write(observed, Seen(objects=(job(workload, state=ObjectState.SUCCEEDED),), complete=ALL))
    workload.refresh_from_db()
    assert (workload.state, workload.applied) == (State.COMPLETED, True)
    write(Observed(pool.cluster_id), Seen(complete=ALL))
    workload.refresh_from_db()
    assert (workload.state, workload.applied) == (State.COMPLETED, False)


def test_an_object_created_and_deleted_within_one_batch_is_gone(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    Workload.objects.update(applied=False)
    write(observed, Seen(complete=ALL))
    observed.applied(job(workload))
    Workload.objects.update(applied=True)
    write(observed, Seen(gone_objects=("job-1",)))
    assert not observed.objects
    workload.refresh_from_db()
    assert (workload.state, workload.applied) == (State.FAILED, False)


def test_since_when_a_gang_runs_with_fewer_pods_than_it_needs(pool: Pool, workload: Workload) -> None:
    observed = Observed(pool.cluster_id)
    pods = tuple(pod(workload, f"p{number}", node="a", phase=PodPhase.RUNNING) for number in range(2))
    write(observed, Seen(nodes=(node("a"),), pods=pods, objects=(job(workload),), complete=ALL))
    workload.refresh_from_db()
    assert (workload.state, workload.stale_since) == (State.RUNNING, None)

    write(observed, Seen(gone_pods=("uid-p1",)))
    workload.refresh_from_db()
    assert workload.state == State.DEGRADED
    since = workload.stale_since
    assert since is not None
    write(observed, Seen(pods=(pod(workload, "p2"),)))
    workload.refresh_from_db()
    assert workload.stale_since == since, "a pod that waits is no help"
    write(observed, Seen(pods=(pod(workload, "p2", node="a"),)))
    workload.refresh_from_db()
    assert (workload.state, workload.stale_since) == (State.DEGRADED, None), "one that starts is"


def test_an_elastic_workload_above_its_minimum_is_not_stale(pool: Pool, workload: Workload) -> None:
    workload.sub_groups.update(min_members=1)
    Workload.objects.update(started_at=workload.created_at)
    seen = pod(workload, "p", node="a", phase=PodPhase.RUNNING)
    write(Observed(pool.cluster_id), Seen(nodes=(node("a"),), pods=(seen,), objects=(job(workload),), complete=ALL))
    workload.refresh_from_db()
    assert (workload.state, workload.stale_since) == (State.DEGRADED, None)


def test_a_share_by_gpu_memory_is_what_the_node_makes_of_it(pool: Pool, workload: Workload) -> None:
    workload.sub_groups.update(gpu_memory_mib=20 * 1024)
    observed = Observed(pool.cluster_id)
    there = (node("a", gpu_memory_bytes=80 * 2**30), node("b", gpu_memory_bytes=48 * 2**30))
    pods = (pod(workload, "p0", node="a"), pod(workload, "p1", node="b"), pod(workload, "p2"))
    write(observed, Seen(nodes=there, pods=pods, objects=(job(workload),), complete=ALL))
    assert dict(Pod.objects.values_list("name", "device_milli")) == {"p0": 250, "p1": 417, "p2": 0}
    workload.refresh_from_db()
    assert workload.allocated_gpu_milli == 667


def facts(pods: int = 2, *, wanted: bool = True, started: bool = False, **phases: int) -> Facts:
    counts = Counter({Phase[name.upper()]: number for name, number in phases.items()})
    there = SeenObject("job", "w", "ns", "uid", ObjectState.ACTIVE, JOBS)
    return Facts(wanted, True, started, there, counts, pods)


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (facts(), State.WAITING),
        (facts(pending=2), State.WAITING),
        (facts(starting=1, pending=1), State.STARTING),
        (facts(running=1, starting=1), State.STARTING),
        (facts(running=2), State.RUNNING),
        (facts(running=1, succeeded=1, started=True), State.RUNNING),
        (facts(running=1, pending=1, started=True), State.DEGRADED),
        (facts(running=1, pending=1), State.DEGRADED),
        (replace(facts(running=1, pending=1), below_minimum=True), State.STARTING),
        (facts(pending=2, started=True), State.WAITING),
        (facts(running=2, wanted=False), State.STOPPING),
        (replace(facts(stopping=1, wanted=False), object=None), State.STOPPING),
        (replace(facts(wanted=False), object=None, applied=False), State.STOPPED),
        (replace(facts(running=2), object=None), State.FAILED),
    ],
)
def test_states_follow_from_wish_object_and_pods(given: Facts, state: State) -> None:
    assert derive(given)[0] == state


def test_an_ended_object_decides_whatever_is_wanted() -> None:
    done = replace(facts(wanted=False), object=SeenObject("j", "w", "ns", "u", ObjectState.SUCCEEDED, JOBS))
    assert derive(done) == (State.COMPLETED, "")
    broken = replace(facts(), object=SeenObject("j", "w", "ns", "u", ObjectState.FAILED, JOBS, message="exit 1"))
    assert derive(broken) == (State.FAILED, "exit 1")


def test_words_of_the_cluster_are_cut_and_cleaned(pool: Pool, workload: Workload) -> None:
    word = "bad\x00" + "x" * 900
    seen = pod(workload, "p", phase=PodPhase.FAILED, message=word)
    broken = job(workload, state=ObjectState.FAILED, message=word)
    write(Observed(pool.cluster_id), Seen(pods=(seen,), objects=(broken,), complete=ALL))
    assert Pod.objects.get().message == ("bad" + "x" * 900)[:500]
    workload.refresh_from_db()
    assert workload.state_message == ("bad" + "x" * 900)[:500]


def test_of_several_groups_each_object_counts_its_own(workload: Workload) -> None:
    observed = Observed(workload.cluster_id)
    (first,) = workload.sub_groups.all()
    first.pk, first.name = None, "launcher"
    first.save()
    whole = job(workload, done=9)
    seen = Seen(objects=(whole, part(workload, "launcher", 1), part(workload, "nobody", 1)), complete=ALL)
    write(observed, seen)
    assert dict(workload.sub_groups.values_list("name", "done")) == {"workers": 0, "launcher": 1}
    assert set(observed.objects.values()) == {whole}
    write(observed, Seen(objects=(part(workload, "workers", 2),)))
    assert dict(workload.sub_groups.values_list("name", "done")) == {"workers": 2, "launcher": 1}
    assert set(observed.objects.values()) == {whole}, "its parts are not the workload's object"
    write(observed, Seen(gone_objects=("job-workers",)))
    assert set(observed.objects.values()) == {whole}
