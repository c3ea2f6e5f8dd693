"""Saved cycles as files: what goes in comes out, bit for bit, and is decided the same; what is none is refused."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.cycle_file import About, CycleFile, WrongFile, packed, plain, unpacked
from scheduling.cycle_replay import replay
from scheduling.engine import Engine, Options, decide
from scheduling.engine.explain import Explainer
from scheduling.engine.types import Request, Snapshot
from tests.examples import examples

from .engine.clusters import clusters
from .engine.simulator import advance
from .engine.test_determinism import CYCLES, busy_pool
from .engine.test_engine import edit
from .engine.test_properties import arriving

ABOUT = About("a100", "north", 48211, 57, "asked", 61_000)
ROOT = Path(__file__).parents[2]


def saved(snapshot: Snapshot, options: Options = Options()) -> CycleFile:  # noqa: B008
    return CycleFile.of(ABOUT, snapshot, decide(snapshot, options), options)


@given(
    st.booleans().flatmap(lambda rich: clusters(rich=rich)),
    st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 13))), max_size=4),
)
@examples(100)
def test_a_cycle_of_any_engine_comes_out_of_its_file_and_is_decided_the_same(
    whole: Snapshot, steps: list[tuple[int, set[int]]]
) -> None:
    """Also of one that was kept and edited while workloads came and went, what was decided happened, and somebody asked
    why something waits."""
    snapshot, arrived = arriving(whole, 3), 3
    engine = Engine(snapshot)
    for more, ending in [*steps, (0, set())]:
        kept = CycleFile.of(ABOUT, snapshot, engine.decide(), Options())
        content = packed(kept)
        read = unpacked(content)
        assert read == kept
        assert packed(read) == content
        assert replay(read).is_same(read)
        assert plain(replay(read).decisions) == plain(kept.decisions)
        for wait in engine.decide().waits[:1]:
            with engine.settled() as state:
                Explainer(state).explain(wait.workload)
        following = advance(snapshot, engine.decide())
        late = whole.workloads[arrived : arrived + more]
        arrived += more
        stay = tuple(workload for number, workload in enumerate(following.workloads) if number not in ending)
        following = replace(following, workloads=(*stay, *late), search_first=engine.decide().not_searched)
        edit(engine, snapshot, following)
        snapshot = following


def fingerprint() -> str:
    """Of the files of a busy pool's cycles, and of what each is decided to once more."""
    snapshot, seen = busy_pool(), hashlib.sha256()
    for _ in range(CYCLES):
        cycle = saved(snapshot)
        seen.update(packed(cycle))
        seen.update(plain(replay(unpacked(packed(cycle))).decisions))
        assert cycle.decisions is not None
        snapshot = advance(snapshot, cycle.decisions)
    return seen.hexdigest()


def test_the_same_bytes_in_every_process() -> None:
    code = "from tests.scheduling.test_cycle_file import fingerprint; print(fingerprint())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "4711")
    }
    assert seen == {fingerprint()}


def changed(content: bytes, **values: Any) -> bytes:
    return gzip.compress(msgspec.json.encode(msgspec.json.decode(gzip.decompress(content)) | values))


def test_what_is_no_saved_cycle_is_refused_in_words() -> None:
    whole = packed(saved(busy_pool()))
    for content, word in (
        (b"", "ends too early"),
        (b"PK no gzip", "no gzip file"),
        (whole[:-40], "ends too early"),
        (whole[:500] + b"xxxx" + whole[504:], "damaged"),
        (whole + whole, "more in it than one"),
        (gzip.compress(b"{}"), "does not say"),
        (gzip.compress(b"\xff\xfe"), "not that of a saved cycle"),
        (gzip.compress(b"[" * 100_000), "not that of a saved cycle"),
        (changed(whole, format="something"), "does not say"),
        (changed(whole, version=2), "of version 2; this Bursar reads version 1"),
        (changed(whole, snapshot={"pool": "one"}), "not that of a saved cycle"),
        (changed(whole, decisions={"places": [{"pod": 1}]}), "not that of a saved cycle"),
        (changed(whole, options={"actions": "all"}), "not that of a saved cycle"),
    ):
        with pytest.raises(WrongFile, match=word):
            unpacked(content)
    with pytest.raises(WrongFile, match="larger than 0 MiB"):
        unpacked(whole, most_plain=1000)
    with pytest.raises(WrongFile, match="larger than 64 MiB"):
        unpacked(bytes(64 * 1024**2 + 1))


def test_what_does_not_fit_together_is_refused_in_words() -> None:
    snapshot = busy_pool()
    first, node, unit = snapshot.workloads[0], snapshot.nodes[0], snapshot.units[-1]
    group = first.sub_groups[0]
    huge = replace(group, request=Request(devices=1 << 60))
    for wrong, word in (
        (replace(snapshot, now_ms=-1), "time is none"),
        (replace(snapshot, nodes=(*snapshot.nodes, node)), f"two nodes have the number {node.id}"),
        (replace(snapshot, workloads=(*snapshot.workloads, first)), "two workloads"),
        (replace(snapshot, nodes=(replace(node, devices=1 << 40),)), "GPUs"),
        (replace(snapshot, nodes=(replace(node, pod_slots=-1),)), "amount that no node has"),
        (replace(snapshot, units=(replace(unit, parent=999),)), "before unit 999"),
        (replace(snapshot, units=()), "is no project"),
        (replace(snapshot, workloads=(replace(first, sub_groups=(replace(group, parent=7),)),)), "in set 7"),
        (replace(snapshot, workloads=(replace(first, sub_groups=(huge,)),)), "amount that nothing has"),
    ):
        with pytest.raises(WrongFile, match=word):
            unpacked(packed(CycleFile.of(ABOUT, wrong, None, Options())))


def test_other_options_are_kept_and_an_error_of_the_engine_is_met_again() -> None:
    small = saved(busy_pool(), Options(allocate_again=False, search_steps=5))
    assert replay(unpacked(packed(small))).is_same(small)
    assert not replay(replace(small, options=Options())).is_same(small)
    broken = CycleFile.of(ABOUT, busy_pool(), None, Options(actions=("dance",)), "KeyError: 'dance'")
    assert replay(unpacked(packed(broken))).is_same(broken)
    assert not replay(broken).is_same(replace(broken, error="KeyError: 'sing'"))
    assert not replay(small).is_same(broken)
    assert not replay(broken).is_same(small)
