"""Submitting a Kubernetes document: it is read, and submitted as every other workload."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from orgs.models import ClusterInfo, OrgUnit, ProjectInfo
from portal.actor import Actor
from portal.errors import Refused
from scheduling.models import Workload, WorkloadSpec
from scheduling.submitted_yaml import Submitted, Wrong, read

from .workload import workload_submit


@transaction.atomic
def workload_submit_yaml(*, actor: Actor, project: OrgUnit, manifest: object, **beside: Any) -> Workload:
    """`manifest`: the text of one document, or what JSON holds of it. `beside`: those arguments of `workload_submit`
    that no document says, as priority and pools. Raises Refused, with paths in the document, or Forbidden."""
    found = submitted(project, manifest)
    try:
        return workload_submit(actor=actor, project=project, **found.asked, **beside)
    except Refused as refusal:
        raise _at_its_path(refusal, found.paths) from None


def submitted(project: OrgUnit, manifest: object) -> Submitted:
    """What the document asks for in this project. Raises Refused."""
    info = ProjectInfo.objects.filter(pk=project.pk).first()
    if info is None:
        raise Refused({"project": "This is no project. Choose one."})
    try:
        found = read(manifest, info.namespace, restricted=info.restricted)
    except Wrong as wrong:
        raise Refused({"manifest": wrong.lines()}) from None
    if ClusterInfo.objects.filter(unit=info.cluster_id, mode=ClusterInfo.Mode.SIMULATED).exists():
        # Its pods fail when they are told to: another try is of no use, and nobody is asked to take it out.
        found.asked["retries"] = 0
    return found


def is_yaml(workload: Workload) -> bool:
    """Whether it was submitted as a document."""
    return WorkloadSpec.objects.filter(workload=workload, spec__has_key="manifest").exists()


def check_beside(said: Collection[str]) -> None:
    """`said`: arguments of `workload_submit`, of which a workload that came as a document may change none."""
    if said:
        raise Refused(dict.fromkeys(sorted(said), "It came as YAML, which says this. Submit that with the change."))


def _at_its_path(refusal: Refused, paths: dict[str, str]) -> Refused:
    if not hasattr(refusal, "error_dict"):
        return refusal
    said: dict[str, list[str]] = {}
    for field, words in refusal.message_dict.items():
        lines = Wrong(*((paths[field], text) for text in words)).lines() if field in paths else words
        said.setdefault("manifest" if field in paths else field, []).extend(lines)
    return Refused(said)
