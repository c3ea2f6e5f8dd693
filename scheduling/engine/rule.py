"""What tells one kind of displacement from another: whom a workload may displace, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .arithmetic import Numbers
from .decisions import EvictCode
from .simulation import Solution
from .victims import Batch
from .working import Account, Job, Task


class Rule(Protocol):
    """Whom a workload may displace."""

    code: EvictCode
    most_victims: int
    """So many batches of victims are looked at for one workload."""

    def has_claim(self, job: Job) -> bool:
        """Whether it may look for victims at all."""

    def may_give(self, job: Job) -> Callable[[Account], bool]:
        """Which units may give, given that their parents may."""

    def may_go(self, job: Job) -> Callable[[Job], bool] | None:
        """Which workloads of those units may be stopped for it; None = all."""

    def accepts(self, job: Job, chunk: Sequence[Task], solution: Solution) -> bool:
        """Whether so much may be taken. Asked with the solution in place."""

    def meter(self, job: Job) -> Callable[[Batch], bool]:
        """Asked of one batch after the other: whether it could go besides those before it."""

    def numbers(self, job: Job, victim: Job) -> Numbers:
        """The figures of an eviction."""
