"""Which rules a cycle follows, and how much it may search."""

from __future__ import annotations

from dataclasses import dataclass

ACTIONS = ("allocate", "consolidate", "reclaim", "preempt", "stale")
"""In the order of how much they disturb."""


@dataclass(frozen=True, slots=True)
class Options:
    """The defaults are what the loops use. Each rule of ours that differs from the reference can be switched off."""

    actions: tuple[str, ...] = ACTIONS
    obvious: bool = False
    """Look at every node for every pod and work everything out anew: the oracle of the tests."""
    allocate_again: bool = True
    """After evictions look once more for what may start now."""
    promises_give_way: bool = True
    """Rooms that were promised beyond quota are open to all again while somebody inside quota waits."""
    trial_depth: int = 8
    """So many waiting workloads of a project count in the serving order of a trial."""
    trial_with_everybody: bool = False
    """Waiting workloads of all projects count there, not only those of the projects involved."""
    search_steps: int = 3_000
    """A bound on the searches for victims of one kind in one cycle: a step is a victim looked at, a trial five and the
    pods that it moves. So many steps take less than a tenth of a second."""
