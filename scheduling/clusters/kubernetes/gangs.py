"""Objects of kinds that a cluster need not know, whose pods start together: how many those are, and how they ended."""

from __future__ import annotations

from ..seen import JOB_SETS, LEADER_WORKER_SETS, MPI_JOBS, PYTORCH_JOBS, SeenObject
from . import decode
from .manifests import WORKLOAD
from .seeing import at_once, outcome_of, seen_object


class ReplicatedJobTemplate(decode.Fields, frozen=True):
    spec: decode.JobSpec = decode.JobSpec()


class ReplicatedJob(decode.Fields, frozen=True):
    replicas: int = 1
    template: ReplicatedJobTemplate = ReplicatedJobTemplate()


class JobSetSpec(decode.Fields, frozen=True):
    suspend: bool = False
    replicated_jobs: tuple[ReplicatedJob, ...] = ()


class JobSet(decode.Followed, frozen=True):
    spec: JobSetSpec = JobSetSpec()
    status: decode.JobStatus = decode.JobStatus()


class Replicas(decode.Fields, frozen=True):
    replicas: int = 1


class RunPolicy(decode.Fields, frozen=True):
    suspend: bool = False


class ReplicaSpecs(decode.Fields, frozen=True):
    """Of a PyTorchJob and an MPIJob: by the part that they play."""

    run_policy: RunPolicy = RunPolicy()
    pytorch_replica_specs: dict[str, Replicas] = {}
    mpi_replica_specs: dict[str, Replicas] = {}


class ReplicaJob(decode.Followed, frozen=True):
    spec: ReplicaSpecs = ReplicaSpecs()
    status: decode.JobStatus = decode.JobStatus()


class LeaderWorkerTemplate(decode.Fields, frozen=True):
    size: int = 1


class LeaderWorkerSpec(decode.Fields, frozen=True):
    replicas: int = 1
    leader_worker_template: LeaderWorkerTemplate = LeaderWorkerTemplate()


class LeaderWorkerSet(decode.Followed, frozen=True):
    spec: LeaderWorkerSpec = LeaderWorkerSpec()


def seen_job_set(item: JobSet) -> SeenObject:
    jobs = item.spec.replicated_jobs
    pods = sum(job.replicas * at_once(job.template.spec) for job in jobs)
    stopped, found = item.spec.suspend, WORKLOAD not in item.metadata.labels
    return _seen(JOB_SETS, item, item.status, pods, stopped=stopped, found=found)


def seen_pytorch_job(item: ReplicaJob) -> SeenObject:
    return _seen_replicas(PYTORCH_JOBS, item, item.spec.pytorch_replica_specs)


def seen_mpi_job(item: ReplicaJob) -> SeenObject:
    return _seen_replicas(MPI_JOBS, item, item.spec.mpi_replica_specs)


def seen_leader_worker_set(item: LeaderWorkerSet) -> SeenObject:
    pods = item.spec.replicas * item.spec.leader_worker_template.size
    return _seen(LEADER_WORKER_SETS, item, decode.JobStatus(), pods, stopped=pods == 0)


def _seen_replicas(kind: str, item: ReplicaJob, parts: dict[str, Replicas]) -> SeenObject:
    pods = sum(part.replicas for part in parts.values())
    return _seen(kind, item, item.status, pods, stopped=item.spec.run_policy.suspend)


def _seen(
    kind: str, item: decode.Followed, status: decode.JobStatus, pods: int, *, stopped: bool, found: bool = True
) -> SeenObject:
    return seen_object(kind, item.metadata, *outcome_of(status), stopped=stopped, pods=pods, found=found)
