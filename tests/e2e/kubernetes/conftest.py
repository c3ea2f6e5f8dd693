"""A control plane of this folder's own, where no other test left nodes behind, and a worker as in production."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.cluster.conftest import control_plane, kubeconfig

__all__ = ["control_plane", "kubeconfig", "worker"]

STOP_SECONDS = 10


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[Path]:
    """A worker with observers, loops and beat on the tests' database. Gives its log, which a failed test shows."""
    database = connection.settings_dict
    place = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.kubernetes.settings",
        "BURSAR_DATABASE_URL": f"postgres://{place}",
        "BURSAR_DATA": str(tmp_path),
    }
    command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--loops", "--beat", "--pool", "threads"]
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--concurrency", "2"], env=environment, stdout=output, stderr=output)
        try:
            yield log
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    print(log.read_text(errors="replace")[-20_000:])
