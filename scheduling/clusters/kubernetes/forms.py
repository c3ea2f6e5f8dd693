"""Which kind of object a workload is in a cluster, how that is called, and how it is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..found import DEPLOYMENT, JOB, JOB_SET, OPTIONAL, POD, REPLICA_SET, STATEFUL_SET
from ..gateway import GatewayError
from ..orders import WorkloadKey
from ..seen import DEPLOYMENTS, JOB_SETS, JOBS, REPLICA_SETS, STATEFUL_SETS
from .calls import pod_path
from .manifests import Manifest

MAX_NAME = 52
"""The label with which a StatefulSet tells its pods' versions apart adds eleven characters."""
MAX_JOB_SET_NAME = 30
"""Its pods add the name of their group (at most 20 characters), the number of the Job and their own, and five letters:
`-workers-0-999-abcde`."""


class Form(NamedTuple):
    """A kind of object."""

    api: str
    """Group and version."""
    kind: str
    resource: str
    seen_as: str
    """As `Seen.complete` has it."""
    has_service: bool
    """Its pods find each other by name."""

    @property
    def runs_to_completion(self) -> bool:
        return self.kind in (JOB, JOB_SET)

    def path(self, key: WorkloadKey) -> str:
        return f"/apis/{self.api}/namespaces/{key.namespace}/{self.resource}/{object_name(key)}"

    def pause(self, *, is_paused: bool, pods: int) -> Manifest:
        """The part of the specification by which it runs with so many pods, or is stopped and keeps all else."""
        return {"suspend": is_paused} if self.runs_to_completion else {"replicas": 0 if is_paused else pods}


FORMS = {
    "workspace": Form("apps/v1", "StatefulSet", "statefulsets", STATEFUL_SETS, has_service=True),
    "training": Form("batch/v1", "Job", "jobs", JOBS, has_service=False),
    "distributed training": Form("batch/v1", "Job", "jobs", JOBS, has_service=True),
    "inference": Form("apps/v1", "Deployment", "deployments", DEPLOYMENTS, has_service=False),
}
"""By kind of workload."""
OF_GROUPS = Form(f"{OPTIONAL[JOB_SET]}/v1alpha2", JOB_SET, "jobsets", JOB_SETS, has_service=False)
"""Of several groups of pods. It makes the service of its pods itself."""


FOUND_FORMS = {
    JOB: FORMS["training"],
    STATEFUL_SET: FORMS["workspace"],
    DEPLOYMENT: FORMS["inference"],
    REPLICA_SET: Form("apps/v1", REPLICA_SET, "replicasets", REPLICA_SETS, has_service=False),
}
"""By kind of what was found."""


def form_of(key: WorkloadKey) -> Form:
    """Raises GatewayError for what was found and is of a kind that Bursar does not read."""
    if not key.found:
        return OF_GROUPS if key.has_groups else FORMS[key.kind]
    if key.found not in FOUND_FORMS:
        raise GatewayError(f"Bursar does not read objects of the kind {key.found}: look at it with kubectl.")
    return FOUND_FORMS[key.found]


def object_path(key: WorkloadKey) -> str:
    """Raises as `form_of`."""
    return pod_path(key.namespace, key.name) if key.found == POD else form_of(key).path(key)


def pod_makers(key: WorkloadKey, groups: Sequence[str]) -> list[str]:
    """Paths of what is nearest to the pods, of these that Bursar applies or names. Raises as `form_of`."""
    if not key.has_groups:
        return [form_of(key).path(key)]
    job = FORMS["training"]
    return [f"/apis/{job.api}/namespaces/{key.namespace}/{job.resource}/{object_name(key)}-{name}-0" for name in groups]


def object_name(key: WorkloadKey) -> str:
    """Unlike the workload's own name never used twice: an ended workload's object may still be there."""
    if key.found:
        return key.name
    end = f"-{key.uid[:8]}"
    most = MAX_JOB_SET_NAME if key.has_groups else MAX_NAME
    return key.name[: most - len(end)].rstrip("-.") + end
