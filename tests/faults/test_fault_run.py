"""Three minutes of the fault run (`make soak FAULTS=minutes`), always the same ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 3
SEED = 1
LONGEST_SECONDS = 900


@pytest.mark.long
def test_whatever_dies_nothing_is_lost_or_doubled_and_all_goes_on() -> None:
    command = [sys.executable, "-m", "tests.fault_run", str(MINUTES), "--seed", str(SEED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
