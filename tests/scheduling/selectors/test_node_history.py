from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotas.models import Node, Pool
from scheduling.models import Decision, Workload
from scheduling.selectors import node_history as selector
from scheduling.selectors.node_history import node_history
from tests.factories import ADMIN, RESEARCHER, make_node, make_pool, make_project, make_user, make_workload

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool() -> Pool:
    return make_pool("gpu")


@pytest.fixture
def node(pool: Pool) -> Node:
    return make_node("a", pool)


def started(workload: Workload, node: Node, devices: str = "0,1", **fields: Any) -> Decision:
    values: dict[str, Any] = {"kind": Decision.Kind.PLACE, "state": Decision.State.OBSERVED, "pool": node.pool_id}
    values |= {"epoch": 1, "cycle": 1, "batch": workload.pk, "workload": workload.pk, "pod": 1, "pod_uid": "u"}
    values |= {"node": node.pk, "devices": devices, "deadline_at": timezone.now()}
    return Decision.objects.create(**(values | fields))


def test_starts_oldest_first_and_named_where_the_reader_may_see(pool: Pool, node: Node) -> None:
    project = make_project()
    own, other = make_workload("own", project, pool), make_workload("other", make_project(), pool)
    started(own, node), started(other, node, "2"), started(own, node, "")
    started(own, make_node("b", pool)), started(own, node, kind=Decision.Kind.RESERVE)
    started(own, node, state=Decision.State.FAILED)
    texts = [(event.text, bool(event.url)) for event in node_history(node, make_user(role=RESEARCHER, scope=project))]
    assert texts == [
        ("A pod of own started on GPUs 0, 1.", True),
        ("A pod of a workload that you may not see started on GPU 2.", False),
        ("A pod of own started.", True),
    ]


def test_only_the_last_decisions_of_the_pool_are_searched(
    pool: Pool, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selector, "LOOKED_AT", 3)
    workload, user = make_workload("w", make_project(), pool), make_user(role=ADMIN)
    for number in range(5):
        started(workload, node, str(number))
    with CaptureQueriesContext(connection) as asked:
        found = node_history(node, user)
    assert [event.text[-2:] for event in found] == ["2.", "3.", "4."]
    assert len(asked) <= 6
