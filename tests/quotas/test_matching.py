from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotas.matching import Place, place_of
from quotas.models import Pool

DEFAULT = Pool(pk=1, name="default", is_default=True)
BIG = Pool(pk=2, name="big", label_key="class", label_value="big")
RACK = Pool(pk=3, name="rack", label_key="rack", label_value="r07")
BARE = Pool(pk=4, name="bare", label_key="edge", label_value="")
POOLS = [DEFAULT, BIG, RACK, BARE]


@pytest.mark.parametrize(
    ("labels", "now", "expected"),
    [
        ({}, None, Place(DEFAULT)),
        ({"class": "small"}, 2, Place(DEFAULT)),
        ({"class": "big"}, None, Place(BIG)),
        ({"edge": ""}, 1, Place(BARE)),
        ({"edge": "yes"}, None, Place(DEFAULT)),
        ({"class": "big", "rack": "r07"}, None, Place(BIG, RACK)),
        ({"class": "big", "rack": "r07"}, 2, Place(BIG, RACK)),
        ({"class": "big", "rack": "r07"}, 3, Place(RACK, BIG)),
        ({"class": "big", "rack": "r07"}, 4, Place(BIG, RACK)),
        ({"class": "big", "rack": "r07", "edge": ""}, 4, Place(BARE, BIG)),
    ],
)
def test_a_node_lies_in(labels: dict[str, str], now: int | None, expected: Place) -> None:
    assert place_of(labels, POOLS, now) == expected


@given(
    labels=st.dictionaries(st.sampled_from(["class", "rack", "edge", "x"]), st.sampled_from(["big", "r07", ""])),
    pools=st.permutations(POOLS),
    now=st.sampled_from([None, 1, 2, 3, 4]),
)
def test_the_order_of_the_pools_does_not_matter(labels: dict[str, str], pools: list[Pool], now: int | None) -> None:
    place = place_of(labels, pools, now)
    assert place == place_of(labels, POOLS, now)
    assert place_of(labels, pools, place.pool.pk) == place, "looking again changes nothing"


def test_a_cluster_without_a_default_pool() -> None:
    with pytest.raises(LookupError):
        place_of({}, [BIG])
