"""What people do with workloads: a service writes what is wanted; the state columns are the observer's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from django.db import transaction

from orgs.access import Forbidden, may, require
from orgs.models import OrgUnit, UnitKind, UnitState
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.wake import wake_on_commit
from scheduling.models import Assignment, Event, Priority, SubGroup, Workload, WorkloadSpec

from . import workload_rules as rules

ENTITIES = {
    Workload.Kind.WORKSPACE: "workspace",
    Workload.Kind.TRAINING: "training",
    Workload.Kind.DISTRIBUTED: "training",
    Workload.Kind.INFERENCE: "inference",
}
"""The line of the permission table that each kind falls under."""

GANGS = (Workload.Kind.TRAINING, Workload.Kind.DISTRIBUTED)
"""Kinds whose pods start together."""


@transaction.atomic
def workload_submit(
    *,
    actor: Actor,
    project: OrgUnit,
    kind: int,
    name: str,
    image: str,
    cpu_millicores: int,
    memory_bytes: int,
    command: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    pods: int = 1,
    devices: int = 0,
    device_milli: int = 1000,
    priority: int = Priority.MEDIUM,
    preemptible: bool = True,
    pools: Sequence[str] = (),
    run_seconds: int | None = None,
    fail_after_seconds: int | None = None,
) -> Workload:
    """Creates a workload that waits in the first of `pools` (names, in the order to try; none = the default pool).

    `devices`, `cpu_millicores` and `memory_bytes` are per pod; `device_milli` is the share of each of the GPUs, 10 to
    1000. `run_seconds` and `fail_after_seconds` steer a simulated cluster. Raises Refused or Forbidden.
    """
    numbers = {
        "pods": pods,
        "devices": devices,
        "device_milli": device_milli,
        "cpu_millicores": cpu_millicores,
        "memory_bytes": memory_bytes,
    }
    rules.check_shape(kind=kind, numbers=numbers, preemptible=preemptible, priority=priority)
    rules.check_name(name)
    rules.check_image(image)
    rules.check_command(command)
    rules.check_env(env := {} if env is None else env)
    kind = Workload.Kind(kind)
    project = _open_project(project)
    require(actor, "create", ENTITIES[kind], project)
    rules.check_run_time(project, run_seconds, fail_after_seconds)
    order = rules.pools_in_order(project, pools)
    if not order:
        raise Refused({"pools": "This cluster has no pool. Create one first."})
    if Workload.objects.filter(project=project, name=name, is_active=True).exists():
        raise Refused({"name": f"{name} is still active in {project.name}. Choose another name, or delete that one."})

    cluster = project.cluster_id
    assert cluster is not None
    workload = Workload.objects.create(
        project=project,
        cluster_id=cluster,
        submitted_by_id=actor.subject_id,
        kind=kind,
        name=name,
        priority=priority,
        preemptible=preemptible,
        image=image,
        pods_wanted=pods,
        requested_gpu_milli=pods * devices * device_milli,
        requested_cpu_millicores=pods * cpu_millicores,
        requested_memory_bytes=pods * memory_bytes,
        pool=order[0],
    )
    names = [pool.name for pool in order]
    WorkloadSpec.objects.create(
        workload=workload,
        spec={
            "command": list(command),
            "env": dict(env),
            "pools": names,
            "run_seconds": run_seconds,
            "fail_after_seconds": fail_after_seconds,
        },
    )
    Assignment.objects.create(workload=workload, pool=order[0])
    min_members = pods if kind in GANGS else 1
    SubGroup.objects.create(
        workload=workload,
        name="workers",
        min_members=min_members,
        wanted=pods,
        devices=devices,
        device_milli=device_milli,
        cpu_millicores=cpu_millicores,
        memory_bytes=memory_bytes,
        request_class=_request_class(*numbers.values(), min_members, preemptible),
    )
    Event.objects.create(workload=workload, code="submitted", numbers={"by": actor.name, "pools": names})
    audit_record(
        actor=actor,
        action="submit",
        entity=workload,
        unit=project.pk,
        after={"kind": kind.label, "pools": names, "priority": priority, "preemptible": preemptible, **numbers},
    )
    wake_on_commit()
    return workload


@transaction.atomic
def workload_stop(*, actor: Actor, workload: Workload) -> Workload:
    """Asks for its pods to be stopped; it can be run again. Nothing happens where that has been asked for before."""
    workload = _locked(workload)
    _require_change(actor, "update", workload)
    if not workload.is_active:
        raise Refused(f"{workload.name} has ended already. There is nothing to stop.")
    if workload.desired == Workload.Desired.RUNNING:
        _want(actor, workload, Workload.Desired.STOPPED, "stop")
    return workload


@transaction.atomic
def workload_delete(*, actor: Actor, workload: Workload) -> Workload:
    """Asks for it to be stopped and taken off the lists; its history stays in the audit log."""
    workload = _locked(workload)
    _require_change(actor, "delete", workload)
    if workload.desired != Workload.Desired.DELETED:
        _want(actor, workload, Workload.Desired.DELETED, "delete")
    return workload


def workload_resume(*, actor: Actor, workload: Workload) -> Workload:
    """Runs an ended workload again: a new one with the same name and specification. The old one stays as history."""
    _require_change(actor, "update", workload)
    if workload.is_active:
        raise Refused(f"{workload.name} has not ended. Stop it first, and wait until it has.")
    group = SubGroup.objects.get(workload=workload)
    spec = WorkloadSpec.objects.get(workload=workload).spec
    return workload_submit(
        actor=actor,
        project=workload.project,
        kind=workload.kind,
        name=workload.name,
        image=workload.image,
        pods=group.wanted,
        devices=group.devices,
        device_milli=group.device_milli,
        cpu_millicores=group.cpu_millicores,
        memory_bytes=group.memory_bytes,
        priority=workload.priority,
        preemptible=workload.preemptible,
        **spec,
    )


def may_change(actor: Actor, action: str, workload: Workload) -> bool:
    """Whether the actor may `update` or `delete` it: an own one, or with the right to change its project."""
    if actor.user is None:
        return True
    if not may(actor.user, action, ENTITIES[Workload.Kind(workload.kind)], workload.project):
        return False
    own = actor.subject_id is not None and workload.submitted_by_id == actor.subject_id
    return own or may(actor.user, "update", "project", workload.project)


def _require_change(actor: Actor, action: str, workload: Workload) -> None:
    if not may_change(actor, action, workload):
        raise Forbidden(
            f"{workload.name} is not yours to change. Ask the person who submitted it, or who administers "
            f"{workload.project.name}."
        )


def _want(actor: Actor, workload: Workload, desired: Workload.Desired, action: str) -> None:
    before = Workload.Desired(workload.desired)
    workload.desired = desired
    workload.save(update_fields=["desired"])
    Event.objects.create(workload=workload, code=f"{action}_asked", numbers={"by": actor.name})
    audit_record(
        actor=actor,
        action=action,
        entity=workload,
        unit=workload.project_id,
        before={"desired": before.label},
        after={"desired": desired.label},
    )
    wake_on_commit()


def _locked(workload: Workload) -> Workload:
    return Workload.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=workload.pk)


def _open_project(project: OrgUnit) -> OrgUnit:
    """The project as it is now, locked, so that it cannot begin to be deleted meanwhile."""
    found = (
        OrgUnit.objects.select_for_update(no_key=True)
        .filter(pk=project.pk, kind=UnitKind.PROJECT, state=UnitState.ACTIVE)
        .first()
    )
    if found is None:
        raise Refused(
            {"project": f"{project.name} takes no new workloads. Choose a project that is not being deleted."}
        )
    return found


def _request_class(*shape: int) -> int:
    """63 bits that are the same for the same shape, in every process and version."""
    digest = hashlib.blake2b(",".join(str(int(part)) for part in shape).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
