"""The engine decides as the obvious one does, which looks at every node for every pod and remembers nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduling.engine import Options, decide
from scheduling.engine.types import Snapshot
from tests.examples import examples

from .clusters import clusters
from .simulator import advance
from .test_properties import arriving, joined

OBVIOUS = Options(obvious=True)


@given(st.booleans().flatmap(lambda rich: clusters(rich=rich)), st.integers(0, 14), st.integers(0, 3))
@examples(300)
def test_the_same_decisions_bit_for_bit(whole: Snapshot, first: int, early_cycles: int) -> None:
    snapshot = arriving(whole, first)
    for cycle in range(early_cycles + 3):
        if cycle == early_cycles:
            snapshot = joined(snapshot, whole)
        decisions = decide(snapshot)
        assert decisions == decide(snapshot, OBVIOUS)
        snapshot = advance(snapshot, decisions)
