"""What a run stands on: its cluster, what can be done to that, and its own truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scheduling.clusters.simulated import simulate_cluster
from tests.factories import make_cluster

from .about import SIMULATED, About
from .faults import Faults
from .moment import SimulatedTruth, Truth
from .processes import Parts, Server
from .world import CORES, MEMORY_GIB, NAMES, NODE_GPUS, NODES, World, make_pools, organize


class Stage:
    """A simulated cluster, which lies in the database. A real one differs in what it overrides."""

    about: About = SIMULATED
    truth: Truth = SimulatedTruth()
    shares = True
    """It runs parts of GPUs."""

    def build(self, folder: Path) -> World:
        """The organization, and its cluster with its nodes."""
        cluster = make_cluster("faults")
        pools = make_pools(cluster)
        nodes: list[dict[str, Any]] = [
            {"name": f"{name}-node", "count": NODES, "labels": {"class": name}, "gpu_type": "T900"}
            | {"gpu_count": NODE_GPUS, "gpu_memory_gib": 80, "cores": CORES, "memory_gib": MEMORY_GIB}
            for name in NAMES
        ]
        nodes.append({"name": "plain", "count": 1, "labels": {}, "cores": 16, "memory_gib": 64})
        file = folder / "nodes.json"
        file.write_text(json.dumps(nodes))
        simulate_cluster(cluster, file)
        return organize(cluster, pools)

    def faults(self, parts: Parts, server: Server, seed: int) -> Faults:
        return Faults(parts, server, seed)

    def run_time(self, seconds: int, fails_after: int | None) -> dict[str, Any]:
        """How a workload is told how long it runs: arguments of its submission."""
        return {"run_seconds": seconds, "fail_after_seconds": fails_after}

    def probe_run_time(self) -> dict[str, str]:
        """The same of a probe: fields of the form."""
        return {"minutes": "0.1"}

    def works(self, over: float) -> Callable[[], float | None]:
        """Waits until the cluster does its own part again after a fault that was `over` then (monotonic); when it did,
        or None: it does not."""
        return lambda: over

    def begin(self) -> None:
        """What else happens, as long as there are faults."""

    def calm(self) -> None:
        """No more of it; everything is as it was."""

    def problems(self, world: World) -> list[str]:
        """At the end, what only this cluster can tell."""
        return []

    def figures(self) -> dict[str, object]:
        return {}
