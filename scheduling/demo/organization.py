"""What Aldergrove has: departments and projects, pools, and who is guaranteed what."""

from __future__ import annotations

from dataclasses import dataclass

GPU_CLASS = "gpu.bursar.dev/class"
RACK = "topology.aldergrove.example/rack"
ZONE = "topology.kubernetes.io/zone"
NVME = {"storage.aldergrove.example/cache": "nvme"}
"""Nodes with a fast local cache."""


@dataclass(frozen=True, slots=True)
class Department:
    """`default` is the one that every cluster has."""

    name: str
    description: str
    projects: tuple[str, ...]
    order: tuple[str, ...] = ()
    """Pools in the order to try."""
    inside: str = ""
    """The department that holds it; none: right below the cluster."""


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster."""

    name: str
    departments: tuple[Department, ...]
    guaranteed: dict[str, dict[str, int]]
    """GPUs by pool and unit; cores where the pool has no GPUs."""
    levels: tuple[str, ...]
    """Of its topology, the widest first."""


HARBOR = Site(
    "harbor",
    (
        Department(
            "language",
            "Models that read, write and listen.",
            ("chat", "corpus", "translate", "speech", "retrieval"),
            ("h100", "l40s"),
        ),
        Department("robotics", "Machines that move by themselves.", ("walker", "perception"), ("h100", "l40s")),
        Department("manipulation", "Hands and tools.", ("grasp", "dexterity"), ("h100",), inside="robotics"),
        Department("default", "", ("sandbox", "onboarding"), ("l40s",)),
    ),
    {
        "h100": {
            "language": 48,
            "chat": 16,
            "corpus": 8,
            "translate": 4,
            "speech": 8,
            "retrieval": 8,
            "robotics": 44,
            "walker": 8,
            "perception": 8,
            "manipulation": 28,
            "grasp": 20,
            "dexterity": 8,
        },
        "l40s": {
            "language": 20,
            "chat": 8,
            "speech": 6,
            "retrieval": 6,
            "robotics": 16,
            "perception": 12,
            "manipulation": 4,
            "grasp": 4,
            "onboarding": 2,
        },
        "default": {"language": 256, "corpus": 192, "retrieval": 64, "robotics": 128, "perception": 128},
    },
    (ZONE, RACK),
)

RIDGE = Site(
    "ridge",
    (
        Department(
            "biology",
            "From sequences to structures, and back.",
            ("folding", "docking", "microscopy", "single-cell"),
            ("a100", "t4"),
        ),
        Department("climate", "Weather and oceans, finer than before.", ("downscaling", "nowcast", "ocean"), ("a100",)),
        Department("default", "", ("teaching", "benchmarks"), ("t4",)),
    ),
    {
        # The projects of biology have been promised more than it has: one of the findings of the guard.
        "a100": {
            "biology": 24,
            "folding": 12,
            "docking": 8,
            "microscopy": 4,
            "single-cell": 4,
            "climate": 20,
            "downscaling": 12,
            "nowcast": 4,
            "ocean": 4,
        },
        "t4": {"biology": 12, "microscopy": 8, "single-cell": 4, "climate": 8, "nowcast": 8, "teaching": 4},
        "default": {"biology": 192, "single-cell": 128, "docking": 64, "climate": 192, "ocean": 192},
    },
    (RACK,),
)

SITES = (HARBOR, RIDGE)
