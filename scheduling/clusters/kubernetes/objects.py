"""The objects that workloads become."""

from __future__ import annotations

from collections.abc import Mapping

from ..gateway import GatewayError, PoolLabel, WorkloadObject
from . import decode, manifests
from .calls import CONFLICT, NOT_FOUND, UNPROCESSABLE, Calls, decoded, pod_path
from .errors import ApiError
from .transport import MERGE


class Objects(Calls):
    def apply_workload(self, workload: WorkloadObject) -> None:
        path = _job_path(workload.namespace, workload.name, workload.uid)
        try:
            applied = self.apply(path, manifests.job(workload))
        except ApiError as error:
            # A Job's pods cannot be changed once it is there, and need not: what is there was ours from the start.
            if error.status == UNPROCESSABLE and self._holds_job(path, workload.uid):
                return
            raise
        if decoded(applied, decode.Job).metadata.deletion_timestamp is not None:
            raise GatewayError(f"{workload.name} is still being stopped: it can start again when its pods are gone.")

    def label_pool(self, label: PoolLabel) -> None:
        """The template of a Job cannot be changed once it is there, so pods that it makes later are labelled again."""
        self._label(_job_path(label.namespace, label.name, label.uid), {}, label.pool)
        for pod, uid in label.pods:
            self._label(pod_path(label.namespace, pod), {"uid": uid}, label.pool)

    def delete_workload(self, namespace: str, name: str, uid: str) -> None:
        # In the foreground: the Job stays until its pods are gone, so that a new start cannot overlap with them.
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        try:
            self.call("DELETE", _job_path(namespace, name, uid), body)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def _holds_job(self, path: str, uid: str) -> bool:
        try:
            metadata = decoded(self.call("GET", path), decode.Job).metadata
        except ApiError as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return metadata.labels.get(manifests.WORKLOAD) == uid and metadata.deletion_timestamp is None

    def _label(self, path: str, precondition: Mapping[str, str], pool: str) -> None:
        patch = {"metadata": {**precondition, "labels": {manifests.POOL: pool}}}
        try:
            self.call("PATCH", path, patch, query={"fieldManager": manifests.FIELD_MANAGER}, content_type=MERGE)
        except ApiError as error:
            # Gone, or another of that name by now.
            if error.status not in (NOT_FOUND, CONFLICT, UNPROCESSABLE):
                raise


def _job_path(namespace: str, name: str, uid: str) -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs/{manifests.job_name(name, uid)}"
