"""The kind JobSet, and a stand-in for its controller: one that is built elsewhere, and not by this project."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import urllib3

from tests.cluster.api import MERGE_PATCH, Api, ApiError, Object
from tests.cluster.shipped import ADMISSION, RBAC
from tests.cluster.waiting import eventually

GROUP, VERSION = "jobset.x-k8s.io", "v1alpha2"
KIND = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jobsets.{GROUP}"
ACCOUNT = "system:serviceaccount:jobset-system:jobset-controller-manager"
"""Under which the controller works, as it ships."""
RULES = [
    {"apiGroups": [GROUP], "resources": ["jobsets", "jobsets/status"], "verbs": ["get", "list", "update", "patch"]},
    {"apiGroups": ["batch"], "resources": ["jobs", "jobs/status"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["create"]},
]
LOOK_SECONDS = 0.1
logger = logging.getLogger(__name__)


def job_sets_path(namespace: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/jobsets"


def forget_kind(api: Api) -> None:
    """The server knows it no more, whoever made it known."""
    with suppress(ApiError):
        api.delete(KIND)

    def is_gone() -> bool:
        try:
            api.get(KIND)
        except ApiError as error:
            return error.status == 404
        return False

    eventually(is_gone)


@contextmanager
def job_sets(api: Api) -> Iterator[None]:
    """The server knows the kind, and its controller works."""
    forget_kind(api)
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": VERSION, "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    names = {"plural": "jobsets", "singular": "jobset", "kind": "JobSet"}
    note = {"api-approved.kubernetes.io": "unapproved, only a test"}
    body = {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]}
    kinds, _, name = KIND.rpartition("/")
    api.create(kinds, {"metadata": {"name": name, "annotations": note}, "spec": body})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "jobset-controller"}
    who = {"kind": "ServiceAccount", "namespace": "jobset-system", "name": "jobset-controller-manager"}
    with suppress(ApiError):
        api.create(f"{RBAC}/clusterroles", {"metadata": {"name": role["name"]}, "rules": RULES})
        binding = {"metadata": {"name": role["name"]}, "roleRef": role, "subjects": [who]}
        api.create(f"{RBAC}/clusterrolebindings", binding)
    controller = JobSetController(api.of(ACCOUNT))
    eventually(controller.may_look)
    thread = threading.Thread(target=controller.run, name="controller of job sets", daemon=True)
    thread.start()
    try:
        yield
    finally:
        controller.stopping.set()
        thread.join(10)
        forget_kind(api)


@contextmanager
def fixed_job_sets(api: Api, one: str) -> Iterator[None]:
    """What stands in the Jobs of a JobSet cannot be changed, as the checks say that ship with it. `one`: its path."""
    rule = {"apiGroups": [GROUP], "apiVersions": [VERSION], "operations": ["UPDATE"], "resources": ["jobsets"]}
    check = {"expression": "object.spec.replicatedJobs == oldObject.spec.replicatedJobs", "reason": "Forbidden"}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [check], "failurePolicy": "Fail"}
    name = {"name": "job-sets-are-fixed"}
    api.create(f"{ADMISSION}/validatingadmissionpolicies", {"metadata": name, "spec": spec})
    binding = {"policyName": name["name"], "validationActions": ["Deny"]}
    api.create(f"{ADMISSION}/validatingadmissionpolicybindings", {"metadata": name, "spec": binding})

    def is_in_force() -> bool:
        try:
            api.patch(f"{one}?dryRun=All", {"spec": {"replicatedJobs": []}}, MERGE_PATCH)
        except ApiError as error:
            return error.status == 403
        return False

    try:
        eventually(is_in_force)
        yield
    finally:
        for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
            api.delete(f"{ADMISSION}/{kind}/{name['name']}")


class JobSetController:
    """Makes the Jobs of JobSets with copies of what stands in their templates, suspends them and lets them go on, and
    says how they ended."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.stopping = threading.Event()

    def may_look(self) -> bool:
        with suppress(ApiError):
            self._api.items(f"/apis/{GROUP}/{VERSION}/jobsets")
            return True
        return False

    def run(self) -> None:
        while not self.stopping.wait(LOOK_SECONDS):
            try:
                for job_set in self._api.items(f"/apis/{GROUP}/{VERSION}/jobsets"):
                    if "deletionTimestamp" not in job_set["metadata"]:
                        self._look_after(job_set)
            except (ApiError, urllib3.exceptions.HTTPError) as error:
                # Somebody else may have changed or deleted it meanwhile.
                logger.warning("The controller of JobSets goes on after: %s", error)

    def _look_after(self, job_set: Object) -> None:
        metadata, spec = job_set["metadata"], job_set["spec"]
        if _ends(job_set) & {"Completed", "Failed"}:
            return
        self._serve(job_set)
        path = f"/apis/batch/v1/namespaces/{metadata['namespace']}/jobs"
        selector = f"jobset.sigs.k8s.io/jobset-uid={metadata['uid']}"
        there = {job["metadata"]["name"]: job for job in self._api.items(path, labelSelector=selector)}
        for part in spec["replicatedJobs"]:
            for number in range(part.get("replicas", 1)):
                name = f"{metadata['name']}-{part['name']}-{number}"
                if name not in there:
                    there[name] = self._api.create(path, _job(job_set, part, name))
                elif there[name]["spec"].get("suspend", False) != spec.get("suspend", False):
                    self._suspend(f"{path}/{name}", part, is_suspended=spec.get("suspend", False))
        ends = [_ends(job) for job in there.values()]
        if any("Failed" in end for end in ends):
            self._say(job_set, "Failed", "jobset failed due to one or more job failures")
        elif all("Complete" in end for end in ends):
            self._say(job_set, "Completed", "jobset completed successfully")

    def _serve(self, job_set: Object) -> None:
        metadata, network = job_set["metadata"], job_set["spec"]["network"]
        selector = {"jobset.sigs.k8s.io/jobset-name": metadata["name"]}
        owners = {"name": network["subdomain"], "ownerReferences": [_owner(job_set)]}
        body = {"metadata": owners, "spec": {"clusterIP": "None", "selector": selector}}
        try:
            self._api.create(f"/api/v1/namespaces/{metadata['namespace']}/services", body)
        except ApiError as error:
            if error.status != 409:
                raise

    def _suspend(self, path: str, part: Object, *, is_suspended: bool) -> None:
        template: Object = {}
        if not is_suspended:
            # The template of a Job that has started cannot be changed.
            self._api.patch(f"{path}/status", {"status": {"startTime": None}}, MERGE_PATCH)
            made = part["template"]["spec"]["template"]
            template = {"template": {"metadata": {"labels": made["metadata"]["labels"]}}}
        self._api.patch(path, {"spec": {"suspend": is_suspended, **template}}, MERGE_PATCH)

    def _say(self, job_set: Object, condition: str, message: str) -> None:
        metadata = job_set["metadata"]
        status = {"conditions": [{"type": condition, "status": "True", "message": message}]}
        path = f"{job_sets_path(metadata['namespace'])}/{metadata['name']}/status"
        self._api.patch(path, {"status": status}, MERGE_PATCH)


def _job(job_set: Object, part: Object, name: str) -> Object:
    metadata, made = job_set["metadata"], part["template"]
    names = {
        "jobset.sigs.k8s.io/jobset-name": metadata["name"],
        "jobset.sigs.k8s.io/jobset-uid": metadata["uid"],
        "jobset.sigs.k8s.io/replicatedjob-name": part["name"],
    }
    template = made["spec"]["template"]
    labels = template.get("metadata", {}).get("labels", {}) | names
    pod = {
        "metadata": template.get("metadata", {}) | {"labels": labels},
        "spec": template["spec"] | {"subdomain": job_set["spec"]["network"]["subdomain"]},
    }
    own = made.get("metadata", {})
    return {
        "metadata": {
            "name": name,
            "labels": own.get("labels", {}) | names,
            "annotations": own.get("annotations", {}),
            "ownerReferences": [_owner(job_set)],
        },
        "spec": made["spec"] | {"template": pod, "suspend": job_set["spec"].get("suspend", False)},
    }


def _owner(job_set: Object) -> Object:
    metadata = job_set["metadata"]
    itself = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "JobSet", "name": metadata["name"], "uid": metadata["uid"]}
    return itself | {"controller": True, "blockOwnerDeletion": True}


def _ends(item: Object) -> set[str]:
    """Its conditions that hold."""
    conditions = item.get("status", {}).get("conditions", [])
    return {condition["type"] for condition in conditions if condition["status"] == "True"}
