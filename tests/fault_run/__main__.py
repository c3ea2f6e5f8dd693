"""`make soak FAULTS=minutes`: prints what it does and finds; a page with the findings goes into FAULTS_REPORT."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import django

from tests.harness import servers
from tests.harness.run import install

if TYPE_CHECKING:
    from .stage import Stage


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.fault_run")
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", default=os.environ.get("FAULTS_REPORT", ""), help="File for the page.")
    parser.add_argument("--on", choices=["simulated", "kubernetes"], default="simulated", help="Kind of cluster.")
    options = parser.parse_args()
    install()
    with servers.postgres() as address, tempfile.TemporaryDirectory(prefix="bursar-faults-") as folder:
        # The server's own first database: nobody else is here.
        database = address.removesuffix("/bursar") + "/postgres"
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "portal.settings.test",
            "BURSAR_DATABASE_URL": database,
            "BURSAR_REDIS_URL": f"redis://127.0.0.1:{servers.free_port()}/0",
            "BURSAR_TEST_EMBEDDED": "",
            "PGAPPNAME": "fault run",
        }
        django.setup()
        from .report import page
        from .run import Run

        is_well = False
        try:
            with stage(options.on, options.seed) as built:
                outcome = Run(built, Path(folder), options.minutes, options.seed).go()
            is_well = outcome.is_well
        finally:
            if not is_well:
                keep_logs(Path(folder))
    written = page(outcome)
    print(f"\n{written}")
    if options.report:
        Path(options.report).write_text(written)
    return 0 if is_well else 1


@contextmanager
def stage(on: str, seed: int) -> Iterator[Stage]:
    """A cluster of this kind."""
    if on == "simulated":
        from .stage import Stage

        yield Stage()
        return
    from tests.cluster.control_plane import ControlPlane
    from tests.cluster.fault_proxy import FaultProxy
    from tests.cluster.kubelet import FakeKubelet

    from .kubernetes.stage import KubernetesStage

    with (
        ControlPlane() as control_plane,
        FaultProxy(control_plane.address, control_plane.folder / "ca.crt", seed) as proxy,
        FakeKubelet(control_plane.api, termination_seconds=1, obeys=True) as kubelet,
    ):
        yield KubernetesStage(control_plane, proxy, kubelet, seed)


def keep_logs(folder: Path) -> None:
    kept = Path(tempfile.mkdtemp(prefix="bursar-fault-logs-"))
    for log in folder.glob("*.log"):
        (kept / log.name).write_bytes(log.read_bytes())
    print(f"The processes' logs are kept in {kept}")


if __name__ == "__main__":
    sys.exit(main())
