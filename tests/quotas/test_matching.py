from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotas.matching import pool_for
from quotas.models import Pool

DEFAULT = Pool(pk=1, name="default", is_default=True)
BIG = Pool(pk=2, name="big", label_key="class", label_value="big")
RACK = Pool(pk=3, name="rack", label_key="rack", label_value="r07")
BARE = Pool(pk=4, name="bare", label_key="edge", label_value="")
POOLS = [DEFAULT, BIG, RACK, BARE]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, DEFAULT),
        ({"class": "small"}, DEFAULT),
        ({"class": "big"}, BIG),
        ({"edge": ""}, BARE),
        ({"edge": "yes"}, DEFAULT),
        ({"class": "big", "rack": "r07"}, BIG),
    ],
)
def test_a_node_lies_in(labels: dict[str, str], expected: Pool) -> None:
    assert pool_for(labels, POOLS) is expected


@given(
    labels=st.dictionaries(st.sampled_from(["class", "rack", "edge", "x"]), st.sampled_from(["big", "r07", ""])),
    pools=st.permutations(POOLS),
)
def test_the_order_of_the_pools_does_not_matter(labels: dict[str, str], pools: list[Pool]) -> None:
    assert pool_for(labels, pools) is pool_for(labels, POOLS)


def test_a_cluster_without_a_default_pool() -> None:
    with pytest.raises(LookupError):
        pool_for({}, [BIG])
