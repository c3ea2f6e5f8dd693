"""Building the Kubernetes control plane beside the tests that do not need it, on what they leave of the processors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.build import MODULES, binaries_folder

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def control_plane() -> Iterator[Callable[[], bool]]:
    """Starts building what was not built before. Gives a function that waits for that and says whether it went well.

    What is still being built when the block ends is given up.
    """
    if all(binaries_folder(module).is_dir() for module in MODULES):
        yield lambda: True
        return
    # In a group of its own, so that the compilers it starts end with it.
    command = ["nice", "-n", "19", sys.executable, "-m", "tests.cluster.build"]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        yield lambda: process.wait() == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
