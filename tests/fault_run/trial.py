"""A run in a process of its own, as a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = 1
LONGEST_SECONDS = 900


def trial(minutes: int, on: str) -> None:
    """The same run each time, on this kind of cluster. An AssertionError when not well, with what it said."""
    command = [sys.executable, "-m", "tests.fault_run", str(minutes), "--seed", str(SEED), "--on", on]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
