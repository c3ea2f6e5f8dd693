"""The objects that workloads become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ..gateway import GatewayError, NamespaceGoneError
from ..orders import PoolLabel, WorkloadKey, WorkloadObject
from ..seen import SeenObject
from . import decode, manifests
from .calls import CONFLICT, FORBIDDEN, NOT_FOUND, UNPROCESSABLE, Calls, decoded, pod_path
from .errors import ApiError
from .forms import form_of, pod_makers
from .request import MERGE
from .seeing import seen_object
from .workloads import service_manifest, service_path, workload_manifest

NO_JOB_SETS = (
    "This cluster knows no JobSets, by which several groups of pods start together: have JobSet installed, or submit "
    "one group."
)


class Objects(Calls):
    def apply_workload(self, workload: WorkloadObject) -> SeenObject:
        form = form_of(workload.key)
        path = form.path(workload.key)
        try:
            metadata = self._metadata(self.apply(path, workload_manifest(workload)))
        except ApiError as error:
            if error.status == NOT_FOUND:
                if workload.key.has_groups and not self.is_there(f"/apis/{form.api}"):
                    raise GatewayError(NO_JOB_SETS) from error
                raise NamespaceGoneError(str(error)) from error
            # A Job's pods cannot be changed once it is there, and need not: what is there was ours from the start.
            # What looks after JobSets forbids it.
            if error.status not in (UNPROCESSABLE, FORBIDDEN) or (found := self._held(path, workload.uid)) is None:
                raise
            pods = sum(group.pods for group in workload.groups)
            self._merge(path, {"spec": form.pause(is_paused=False, pods=pods)})
            metadata = found
        if metadata.deletion_timestamp is not None:
            raise GatewayError(f"{workload.name} is still being stopped: it can start again when its pods are gone.")
        if form.has_service:
            self.apply(service_path(workload.key), service_manifest(workload, metadata.uid))
        return seen_object(form.seen_as, metadata)

    def start_workload(self, workload: WorkloadKey, pods: int) -> None:
        form = form_of(workload)
        self._merge(form.path(workload), {"spec": form.pause(is_paused=False, pods=pods)})

    def stop_workload(self, workload: WorkloadKey) -> None:
        form = form_of(workload)
        try:
            self._merge(form.path(workload), {"spec": form.pause(is_paused=True, pods=0)})
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def wake_workload(self, workload: WorkloadKey, groups: Sequence[str]) -> None:
        """A note on the object is news of it to its controller; of a JobSet each of its Jobs has one that counts."""
        note = {"metadata": {"annotations": {manifests.WOKEN_AT: datetime.now(UTC).isoformat(timespec="seconds")}}}
        for path in pod_makers(workload, groups):
            try:
                self._merge(path, note)
            except ApiError as error:
                if error.status != NOT_FOUND:
                    raise

    def label_pool(self, label: PoolLabel) -> None:
        """The template of a Job cannot be changed once it is there, so pods that it makes later are labelled again."""
        self._label(form_of(label.workload).path(label.workload), {}, label.pool)
        for pod, uid in label.pods:
            self._label(pod_path(label.workload.namespace, pod), {"uid": uid}, label.pool)

    def delete_workload(self, workload: WorkloadKey) -> None:
        # In the foreground: the object stays until its pods are gone, so that a new start cannot overlap with them.
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        try:
            self.call("DELETE", form_of(workload).path(workload), body)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def _held(self, path: str, uid: str) -> decode.Metadata | None:
        """Of the workload's object, where that is what there is."""
        try:
            metadata = self._metadata(self.call("GET", path))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return metadata if metadata.labels.get(manifests.WORKLOAD) == uid else None

    def _metadata(self, body: bytes) -> decode.Metadata:
        return decoded(body, decode.Labelled).metadata

    def _merge(self, path: str, patch: manifests.Manifest) -> None:
        self.call("PATCH", path, patch, query={"fieldManager": manifests.FIELD_MANAGER}, content_type=MERGE)

    def _label(self, path: str, precondition: Mapping[str, str], pool: str) -> None:
        try:
            self._merge(path, {"metadata": {**precondition, "labels": {manifests.POOL: pool}}})
        except ApiError as error:
            # Gone, or another of that name by now.
            if error.status not in (NOT_FOUND, CONFLICT, UNPROCESSABLE):
                raise
