"""What disruption budgets let go of a workload, in its row; written where it differs, whoever came first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.models import Change
from quotas.models import Pool
from scheduling.clusters.orders import BY_BUDGET
from scheduling.clusters.seen import PodPhase, Requirement, Seen, SeenBudget, SeenPod
from scheduling.loops.observed import Observed
from scheduling.models import Decision, Workload
from tests.factories import make_pod, make_workload
from tests.scheduling.loops.cold import take_snapshot

from .test_observed import job, node, pod, write

pytestmark = pytest.mark.django_db(transaction=True)
ALL = dict.fromkeys(("nodes", "pods", "jobs", "budgets"), 0.0)
LABELS = {"app": "train"}
TRAIN = (Requirement("app", "In", ("train",)),)


@pytest.fixture
def workload(pool: Pool, project: Any) -> Workload:
    return make_workload("w", project, pool, pods=2, applied=True)


@pytest.fixture
def observed(pool: Pool) -> Observed:
    return Observed(pool.cluster_id)


def budget(workload: Workload, allowed: int = 1, name: str = "b", **fields: Any) -> SeenBudget:
    namespace = workload.project.project_info.namespace
    return SeenBudget(
        **({"uid": name, "name": name, "namespace": namespace, "selector": TRAIN} | fields), allowed=allowed
    )


def ours(workload: Workload, name: str, **fields: Any) -> SeenPod:
    namespace = workload.project.project_info.namespace
    return pod(workload, name, **({"namespace": namespace, "labels": LABELS, "node": "n1"} | fields))


def allowed(workload: Workload) -> int | None:
    return Workload.objects.values_list("disruptions_allowed", flat=True).get(pk=workload.pk)


def test_a_budget_counts_from_when_it_is_seen_to_when_it_is_gone(observed: Observed, workload: Workload) -> None:
    write(
        observed,
        Seen(
            nodes=(node("n1"),), pods=(ours(workload, "a"), ours(workload, "b")), objects=(job(workload),), complete=ALL
        ),
    )
    assert allowed(workload) is None
    Change.objects.all().delete()
    write(observed, Seen(budgets=(budget(workload, 1),)))
    assert allowed(workload) == 1
    assert Change.objects.get().ids == [workload.pk], "loops hear of it"
    write(observed, Seen(budgets=(budget(workload, 0),)))
    assert allowed(workload) == 0
    write(observed, Seen(gone_budgets=("b",)))
    assert allowed(workload) is None


def test_pods_that_come_later_are_covered_too_and_those_that_ended_are_not(
    observed: Observed, workload: Workload
) -> None:
    write(observed, Seen(nodes=(node("n1"),), budgets=(budget(workload, 3),), objects=(job(workload),), complete=ALL))
    write(observed, Seen(pods=(ours(workload, "a"),)))
    assert allowed(workload) == 3
    write(observed, Seen(pods=(ours(workload, "a", phase=PodPhase.SUCCEEDED),)))
    assert allowed(workload) is None


def test_what_went_while_nobody_looked_no_longer_counts(pool: Pool, workload: Workload) -> None:
    Workload.objects.update(disruptions_allowed=1)
    write(
        Observed(pool.cluster_id),
        Seen(nodes=(node("n1"),), pods=(ours(workload, "a"),), objects=(job(workload),), complete=ALL),
    )
    assert allowed(workload) is None


def test_two_budgets_on_a_pod_let_nothing_go_and_other_namespaces_do_not_matter(
    observed: Observed, workload: Workload
) -> None:
    write(observed, Seen(nodes=(node("n1"),), pods=(ours(workload, "a"),), objects=(job(workload),), complete=ALL))
    write(observed, Seen(budgets=(budget(workload, 2), budget(workload, 0, "far", namespace="elsewhere"))))
    assert allowed(workload) == 2
    write(observed, Seen(budgets=(budget(workload, 2, "second"),)))
    assert allowed(workload) == 0


def test_the_same_again_writes_nothing(observed: Observed, workload: Workload, django_assert_num_queries: Any) -> None:
    write(
        observed,
        Seen(
            nodes=(node("n1"),),
            pods=(ours(workload, "a"),),
            budgets=(budget(workload),),
            objects=(job(workload),),
            complete=ALL,
        ),
    )
    with django_assert_num_queries(0):
        observed._budgets.write(Seen(pods=(ours(workload, "a"),), budgets=(budget(workload),)))


@pytest.mark.parametrize(
    ("operator", "values", "covered"),
    [
        ("In", ("train", "x"), True),
        ("In", ("x",), False),
        ("NotIn", ("train",), False),
        ("NotIn", ("x",), True),
        ("Exists", (), True),
        ("DoesNotExist", (), False),
    ],
)
def test_a_selector_means_what_it_means_in_kubernetes(operator: str, values: tuple[str, ...], covered: bool) -> None:
    assert Requirement("app", operator, values).meets(LABELS) is covered
    is_negative = operator in ("NotIn", "DoesNotExist")
    assert Requirement("other", operator, values).meets(LABELS) is is_negative


def test_no_selector_covers_no_pod_and_an_empty_one_all() -> None:
    assert not SeenBudget("u", "n", "ns", 1, None).covers(LABELS)
    assert SeenBudget("u", "n", "ns", 1, ()).covers({})


def test_the_snapshot_says_so_and_a_budget_that_refused_counts_as_used_up_for_seconds(
    pool: Pool, workload: Workload
) -> None:
    Workload.objects.update(disruptions_allowed=2)
    target = make_pod(workload)

    def known() -> int | None:
        (item,) = take_snapshot(pool.pk).workloads
        return item.disruptions_allowed

    assert known() == 2
    now = timezone.now()
    values = {"pool": pool.pk, "epoch": 1, "cycle": 1, "batch": 1, "pod": target.pk, "workload": workload.pk}
    refused = Decision.objects.create(
        kind=Decision.Kind.EVICT,
        state=Decision.State.FAILED,
        error=f"{BY_BUDGET}: The disruption budget b needs 1 healthy pods and has 1 currently",
        at=now,
        deadline_at=now,
        **values,
    )
    assert known() == 0
    Decision.objects.filter(pk=refused.pk).update(at=now - timedelta(seconds=11))
    assert known() == 2
