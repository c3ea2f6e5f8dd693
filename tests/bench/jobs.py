"""Jobs of a replay, as workloads: one pod up to the size of a node, else a gang of pods of equal size."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from scheduling.engine.types import Pod, PodState, Request, SubGroup, Workload

NODE_DEVICES = 8
_MOST_PODS = 1000
"""Of one job: what the ids of pods are counted by."""


class Job(NamedTuple):
    """Ids are in the order of submission."""

    id: int
    team: int
    devices: int
    submit_s: int
    duration_s: int

    @property
    def pods(self) -> int:
        return -(-self.devices // NODE_DEVICES)


def new_workload(job: Job) -> Workload:
    waiting = tuple(Pod(job.id * _MOST_PODS + position) for position in range(job.pods))
    group = SubGroup(job.id, Request(job.devices // job.pods), job.pods, waiting)
    return Workload(job.id, job.team, f"j{job.id}", 50, True, job.submit_s * 1000, (group,))


def job_of(pod: int) -> int:
    return pod // _MOST_PODS


def position(pod: int) -> int:
    """Among the pods of its job."""
    return pod % _MOST_PODS


def pods(workload: Workload) -> tuple[Pod, ...]:
    return workload.sub_groups[0].pods


def without_node(pod: Pod) -> Pod:
    """It was stopped, and asks again."""
    return replace(pod, state=PodState.PENDING, node=None, devices=())
