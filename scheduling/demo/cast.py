"""What the people of Aldergrove submit again and again, so that every page always has something to show.

Each job comes at its second of every period, unless it is still there. What they are to show stands above them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scheduling.models import Priority, Workload

from .organization import NVME

Kind = Workload.Kind
LOW, MEDIUM, HIGH, VERY_HIGH = Priority.LOW, Priority.MEDIUM, Priority.HIGH, Priority.VERY_HIGH
DESK: dict[str, Any] = {"kind": Kind.WORKSPACE, "preemptible": False, "seconds": 7200, "every": 7200}


@dataclass(frozen=True, slots=True)
class Job:
    """One submission. `gpus` per pod; seconds are those of the simulated cluster."""

    project: str
    name: str
    pools: tuple[str, ...]
    gpus: int = 1
    pods: int = 1
    min_pods: int | None = None
    kind: Workload.Kind = Kind.TRAINING
    share_milli: int = 1000
    priority: Priority = MEDIUM
    preemptible: bool = True
    seconds: int = 500
    fail_after: int | None = None
    labels: dict[str, str] = field(default_factory=dict)
    """What its nodes must have."""
    at: int = 0
    every: int = 600


def _desks(project: str, *names: str) -> tuple[Job, ...]:
    return tuple(Job(project, name, ("l40s",), **DESK) for name in names)


CAST: tuple[Job, ...] = (
    # Over quota: corpus fills what is idle of the H100s, eight GPUs at a time.
    *(Job("corpus", f"dedup-shard-{n}", ("h100",), 8, priority=LOW, seconds=1500, every=300) for n in range(1, 9)),
    # Guaranteed, and never stopped for others.
    Job("chat", "chat-console", ("h100",), 4, **(DESK | {"priority": VERY_HIGH})),
    Job("translate", "align-small", ("h100",), 2, 2, seconds=560),
    # Preempted: speech may not borrow, so its release has to stop one of its own sweeps.
    Job("speech", "asr-sweep-beam", ("h100",), 4, priority=LOW, seconds=560),
    Job("speech", "asr-sweep-lm", ("h100",), 4, priority=LOW, seconds=560),
    Job("speech", "asr-release", ("h100",), 4, priority=HIGH, seconds=150, at=36, every=300),
    # Elastic, and below its wish: dexterity may not borrow, so two of the six pods wait.
    Job("dexterity", "hand-curriculum", ("h100",), 2, 6, 2, Kind.DISTRIBUTED, seconds=560),
    # Taken back: these are guaranteed what corpus has borrowed.
    Job("chat", "instruct-tune", ("h100",), 8, priority=HIGH, seconds=240, at=24, every=300),
    Job("retrieval", "embed-refresh", ("h100",), 8, seconds=240, at=24, every=300),
    Job("grasp", "grasp-rl", ("h100",), 8, 2, kind=Kind.DISTRIBUTED, seconds=200, at=24, every=300),
    Job("walker", "gait-sweep", ("h100",), 4, 2, kind=Kind.DISTRIBUTED, seconds=230, at=36, every=300),
    # A gang that waits: all of its pods, or none.
    Job("corpus", "dedup-global", ("h100",), 8, 8, kind=Kind.DISTRIBUTED, priority=LOW, seconds=300, at=36),
    # At the limit: translate may have eight.
    Job("translate", "align-large", ("h100",), 4, 2, kind=Kind.DISTRIBUTED, seconds=300, at=12),
    # Tried in a second pool, as the first is full.
    Job("corpus", "quality-judge", ("h100", "l40s"), 2, priority=LOW, seconds=200, at=24, every=300),
    # Fragmented: somebody sits on every node of the L40S pool, so none has four GPUs left.
    *_desks("perception", "annotate-desk", "camera-notebook", "lidar-notebook", "replay-viewer"),
    *_desks("chat", "prompt-lab", "eval-notebook", "tone-notebook"),
    *_desks("speech", "listening-room", "phoneme-notebook"),
    *_desks("retrieval", "query-console", "ranking-notebook"),
    Job("perception", "depth-foundation", ("l40s",), 4, seconds=400, at=12),
    # Best effort, blocked, and one that fails.
    Job("sandbox", "notebook-ava", ("l40s",), kind=Kind.WORKSPACE, share_milli=500, seconds=560),
    Job("walker", "night-replay", ("l40s",), seconds=200, at=12),
    Job("sandbox", "try-flash-attention", ("l40s",), seconds=200, fail_after=40, every=240),
    Job("onboarding", "first-notebook", ("l40s",), kind=Kind.WORKSPACE, share_milli=250, seconds=500),
    # Work without GPUs.
    Job("corpus", "tokenize-web", ("default",), 0, 6, seconds=280, every=300),
    Job("retrieval", "parse-crawl", ("default",), 0, 3, seconds=400),
    Job("perception", "unpack-drives", ("default",), 0, 4, seconds=300),
    # Consolidated: the short ones leave two GPUs free on each of the nodes with a cache; one that wants four comes.
    *(
        Job("docking", f"dock-batch-{n}", ("a100",), labels=NVME, seconds=45 if n in (1, 2, 5, 6) else 400)
        for n in range(1, 9)
    ),
    Job("docking", "dock-screen", ("a100",), 4, labels=NVME, seconds=150, at=72),
    # The rest of the A100s: full, and what ocean is guaranteed is lent to downscaling and nowcast.
    Job("folding", "fold-ensemble", ("a100",), 4, 3, kind=Kind.DISTRIBUTED, seconds=560),
    Job("downscaling", "alpine-downscale", ("a100",), 4, 4, kind=Kind.DISTRIBUTED, seconds=560),
    Job("nowcast", "radar-transformer", ("a100",), 4, 2, 1, Kind.DISTRIBUTED, seconds=560),
    Job("microscopy", "cell-segmentation", ("a100",), 4, seconds=560),
    Job("ocean", "eddy-emulator", ("a100",), 4, seconds=300, at=36),
    Job("single-cell", "atlas-embedding", ("a100",), 4, 2, kind=Kind.DISTRIBUTED, seconds=300, at=48),
    # What answers people, on the T4s.
    Job("microscopy", "cell-viewer", ("t4",), 1, 2, kind=Kind.INFERENCE, preemptible=False, seconds=7200, every=7200),
    Job("nowcast", "radar-live", ("t4",), 1, 4, kind=Kind.INFERENCE, preemptible=False, seconds=7200, every=7200),
    Job("single-cell", "atlas-search", ("t4",), 1, 2, kind=Kind.INFERENCE, seconds=3600, every=3600),
    *(
        Job("teaching", f"seminar-seat-{n}", ("t4",), kind=Kind.WORKSPACE, share_milli=500, seconds=560)
        for n in range(1, 7)
    ),
    Job("benchmarks", "mlperf-nightly", ("t4",), 2, 2, kind=Kind.DISTRIBUTED, seconds=300),
    Job("single-cell", "count-matrix", ("default",), 0, 4, seconds=400),
    Job("ocean", "regrid-1990s", ("default",), 0, 6, seconds=280, every=300),
)
FAILING_NODE = "h100-12"
FAILS_FOR, FAILS_EVERY = 420, 600
"""It is away from the first second of each period, and back for the rest."""

PASSING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "chat": (("l40s",), ("reward", "judge", "persona")),
    "translate": (("default",), ("mine", "clean", "distill")),
    "speech": (("l40s",), ("vocoder", "denoise", "diarize")),
    "walker": (("default",), ("gait", "stairs", "recover")),
    "grasp": (("l40s",), ("pinch", "bin-pick", "regrasp")),
    "perception": (("l40s",), ("track", "segment", "fuse")),
    "sandbox": (("l40s",), ("toy", "probe", "sketch")),
    "microscopy": (("t4", "a100"), ("denoise", "stitch", "count")),
    "benchmarks": (("t4",), ("resnet", "bert", "stream")),
    "teaching": (("t4",), ("homework", "demo", "lab")),
    "ocean": (("default",), ("regrid", "drift", "tides")),
}
"""Small work that comes and goes: by project, in which pools, and how it may be called. None on the H100s, which the
cast fills to the last: what waits there has a reason that lasts."""
