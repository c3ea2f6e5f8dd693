"""Many rows written at once, without objects."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection, transaction
from django.utils import timezone

from scheduling.loops.rows import update_rows
from scheduling.models import Decision, Pod, Workload
from tests.cluster.waiting import eventually
from tests.factories import make_node, make_pod, make_workload

pytestmark = pytest.mark.django_db(transaction=True)


def test_values_of_every_type_arrive() -> None:
    now = timezone.now()
    first, second = (make_pod(make_workload(name)) for name in ("a", "b"))
    node = make_node("n", pool=first.pool)
    fields = ("node", "phase", "message", "devices", "bound_at")
    update_rows(
        Pod,
        fields,
        [(second.pk, node.pk, Pod.Phase.RUNNING, 'ö "{,}\\', "0,1", now), (first.pk, None, 1, "", "", None)],
    )
    rows = Pod.objects.order_by("pk").values_list("pk", *fields)
    assert list(rows) == [(first.pk, None, 1, "", "", None), (second.pk, node.pk, 3, 'ö "{,}\\', "0,1", now)]


def test_documents_truth_values_and_large_numbers_arrive() -> None:
    first, second = (make_workload(name) for name in ("a", "b"))
    made: dict[str, Any] = {"pool": 1, "epoch": 1, "cycle": 1, "workload": first.pk, "kind": Decision.Kind.EVICT}
    made |= {"pod": 1, "pod_uid": "u", "deadline_at": timezone.now()}
    decision = Decision.objects.create(batch=1, **made)
    update_rows(Decision, ("numbers", "batch"), [(decision.pk, {"a": [1, None, "'"]}, 2**40)])
    update_rows(Workload, ("applied",), [(second.pk, True), (first.pk, False)])
    assert Decision.objects.values_list("numbers", "batch").get() == ({"a": [1, None, "'"]}, 2**40)
    assert list(Workload.objects.order_by("pk").values_list("applied", flat=True)) == [False, True]


def test_rows_that_are_not_there_are_left_out() -> None:
    pod = make_pod(make_workload("w"))
    update_rows(Pod, ("message",), [])
    update_rows(Pod, ("message",), [(pod.pk + 1, "gone"), (pod.pk, "here")])
    assert list(Pod.objects.values_list("message", flat=True)) == ["here"]


@pytest.mark.postgres
def test_what_is_too_long_is_not_cut() -> None:
    pod = make_pod(make_workload("w"))
    with pytest.raises(DataError):
        update_rows(Pod, ("message",), [(pod.pk, "m" * 501)])


@pytest.mark.postgres
def test_rows_are_held_in_the_order_of_their_keys() -> None:
    """Or two who write the same rows could wait for each other."""
    pods = [make_pod(make_workload(f"w{number}")).pk for number in range(5)]
    for pk in (pods[3], pods[0], pods[4], pods[1]):
        # Each version is written behind the others: they lie in another order than that of their keys.
        Pod.objects.filter(pk=pk).update(message="moved")

    def write() -> None:
        try:
            update_rows(Pod, ("message",), [(pk, "written") for pk in reversed(pods)])
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    with transaction.atomic():
        hold(pods[2])
        writer.start()
        eventually(lambda: is_held(pods[1]))
        assert [is_held(pk) for pk in pods] == [True, True, False, False, False]
    writer.join(10)
    assert set(Pod.objects.values_list("message", flat=True)) == {"written"}


def hold(pod: int) -> None:
    Pod.objects.select_for_update(nowait=True).get(pk=pod)


def is_held(pod: int) -> bool:
    """By another connection."""
    try:
        with transaction.atomic():
            hold(pod)
            transaction.set_rollback(True)
    except OperationalError:
        return True
    return False
