"""`in`, however the values are given."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, QuerySet

from quotas.models import Node, Pool
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def nodes() -> list[Node]:
    pool = make.default_pool_of(make.make_cluster("east"))
    return [make.make_node(f"node-{number}", pool) for number in range(4)]


@pytest.mark.parametrize(
    "given",
    [
        lambda nodes: [node.pk for node in nodes],
        lambda nodes: {node.pk for node in nodes},
        lambda nodes: (str(node.pk) for node in nodes),
        lambda nodes: [*(node.pk for node in nodes), None],
        lambda nodes: {node.pk: node for node in nodes}.keys(),
        lambda nodes: Node.objects.filter(name__in=[node.name for node in nodes]),
        lambda nodes: Node.objects.filter(name__in=[node.name for node in nodes]).values("pk"),
    ],
)
def test_numbers(nodes: list[Node], given: Callable[[list[Node]], Any]) -> None:
    assert Node.objects.filter(pk__in=given(nodes[:2])).count() == 2
    assert Node.objects.exclude(pk__in=given(nodes[:2])).count() == 2


def test_numbers_of_the_row_itself(nodes: list[Node]) -> None:
    assert Node.objects.filter(gpu_count__in=[99, F("gpu_count")]).count() == 4


@pytest.mark.parametrize(
    "given",
    [
        lambda pools: pools,
        lambda pools: [pool.pk for pool in pools],
        lambda pools: [str(pool.pk) for pool in pools],
        lambda pools: Pool.objects.filter(pk__in=[pool.pk for pool in pools]),
    ],
)
def test_references(nodes: list[Node], given: Callable[[list[Pool]], Any]) -> None:
    make.make_node("other", make.default_pool_of(make.make_cluster("west")))
    assert Node.objects.filter(pool__in=given([nodes[0].pool])).count() == 4


def test_texts(nodes: list[Node]) -> None:
    assert Node.objects.filter(name__in=["node-1", "node-3", "none", None]).count() == 2


@pytest.mark.parametrize("field", ["pk", "pool", "name"])
def test_none_of_them(nodes: list[Node], field: str) -> None:
    assert not Node.objects.filter(**{f"{field}__in": []}).exists()
    assert Node.objects.exclude(**{f"{field}__in": [None]}).count() == 4


@pytest.mark.parametrize("field", ["pk", "pool", "name"])
def test_a_list_is_one_parameter_where_there_are_arrays(field: str) -> None:
    values: list[Any] = [f"node-{number}" for number in range(100)] if field == "name" else list(range(100))
    found: QuerySet[Node] = Node.objects.filter(**{f"{field}__in": values})
    _, parameters = found.query.sql_with_params()
    assert len(parameters) == (1 if connection.vendor == "postgresql" else 100)
