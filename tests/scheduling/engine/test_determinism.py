"""The same snapshot gives the same decisions, byte for byte, in any process."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from scheduling.engine import decide
from scheduling.engine.decisions import Decisions, EvictCode
from scheduling.engine.types import Snapshot

from .builder import Pool
from .simulator import advance

REPOSITORY = Path(__file__).parents[3]
CYCLES = 6


def busy_pool() -> Snapshot:
    """Ten nodes, six projects, eighty workloads: starts, reclaims, preemptions and every kind of waiting."""
    chance = random.Random(20)
    pool = Pool()
    for number in range(10):
        pool.node(f"n{number}", chance.choice([0, 4, 8]), cores=64)
    for department in range(3):
        pool.unit(f"d{department}", 16)
    for project in range(6):
        pool.unit(f"p{project}", chance.choice([0, 4, 12]), f"d{project % 3}", limit=chance.choice([None, 20]))
    for number in range(80):
        pool.work(
            f"w{number}",
            f"p{chance.choice([0, 0, 1, 2, 3, 4, 5])}",
            chance.choice([0, 1, 1, 2, 4]),
            pods=chance.choice([1, 1, 2, 4]),
            minimum=1,
            milli=chance.choice([1000, 1000, 500]),
            cores=chance.choice([1, 8]),
            priority=chance.choice([50, 75]),
            preemptible=chance.random() < 0.8,
        )
    return pool.snapshot()


def history() -> list[Decisions]:
    """Several cycles in a row; half of the workloads come after the second."""
    whole = busy_pool()
    snapshot = replace(whole, workloads=whole.workloads[:40])
    taken = []
    for cycle in range(CYCLES):
        taken.append(decide(snapshot))
        snapshot = advance(snapshot, taken[-1])
        if cycle == 1:
            snapshot = replace(snapshot, workloads=(*snapshot.workloads, *whole.workloads[40:]))
    return taken


def fingerprint() -> str:
    return hashlib.sha256(repr(history()).encode()).hexdigest()


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    code = "from tests.scheduling.engine.test_determinism import fingerprint; print(fingerprint())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1", "4711")
    }
    assert seen == {fingerprint()}


def test_the_compared_history_has_every_kind_of_decision() -> None:
    taken = history()
    assert any(decisions.places for decisions in taken)
    assert any(decisions.reserves for decisions in taken)
    assert {evict.code for decisions in taken for evict in decisions.evicts} >= {
        EvictCode.RECLAIM,
        EvictCode.PREEMPT,
    }
    assert len({wait.code for decisions in taken for wait in decisions.waits}) >= 3
