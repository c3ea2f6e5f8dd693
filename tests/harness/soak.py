"""The longer half of `make soak`: the engine against the obvious one, with new clusters until the time is over."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ORACLE = "tests/scheduling/engine/test_oracle.py"
MINUTES = 60
FACTOR = 10
EXAMPLES = 300 * FACTOR
"""Of one round. A fresh process for each keeps what hypothesis remembers of them small."""


def against_the_oracle(minutes: float = MINUTES) -> bool:
    """Whether every decision was the same. Each round prints its seed, with which pytest makes it again."""
    print(f"\n== {minutes:g} minutes against the oracle", flush=True)
    begun, rounds = time.monotonic(), 0
    while time.monotonic() < begun + minutes * 60:
        seed = random.SystemRandom().randrange(1 << 32)
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", ORACLE]
        command.append(f"--hypothesis-seed={seed}")
        environment = os.environ | {"BURSAR_SOAK": str(FACTOR), "BURSAR_TEST_EMBEDDED": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{done.stdout}{done.stderr}\nA difference: BURSAR_SOAK={FACTOR} pytest {command[-2]} {command[-1]}")
            return False
        rounds += 1
        passed = (time.monotonic() - begun) / 60
        print(f"{rounds * EXAMPLES:,} clusters in {passed:.1f} min, all the same (seed {seed})", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(0 if against_the_oracle(float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES) else 1)
