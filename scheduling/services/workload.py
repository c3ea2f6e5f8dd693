"""What people do with workloads: a service writes what is wanted; the state columns are the observer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from orgs.access import require
from orgs.models import OrgUnit, UnitKind, UnitState
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.services.feed import feed_tell
from quotas.models import Topology
from scheduling.models import Assignment, Event, Priority, SubGroup, Workload, WorkloadSpec
from scheduling.submitted_yaml import Wrong, check_restricted, without_values

from . import found_rules as found
from . import workload_rules as rules
from .placement_rules import check_near, placement_of
from .sub_groups import asked_for, create_groups, shape_of
from .workload_access import ENTITIES, GANGS, require_change


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
    min_pods: int | None = None,
    devices: int = 0,
    device_milli: int = 1000,
    gpu_memory_mib: int = 0,
    group: str = "workers",
    more_groups: Sequence[rules.PodGroup] = (),
    near_topology: Topology | None = None,
    near_required: str = "",
    near_preferred: str = "",
    node_labels: Mapping[str, str] | None = None,
    tolerations: Sequence[Mapping[str, Any]] = (),
    priority: int = Priority.MEDIUM,
    preemptible: bool = True,
    preemption_delay_seconds: int = 0,
    pools: Sequence[str] = (),
    retries: int = 0,
    run_seconds: int | None = None,
    fail_after_seconds: int | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> Workload:
    """Creates a workload that waits in the first of `pools` (names, in the order to try; none = as the project says).

    `devices`, `cpu_millicores` and `memory_bytes` are per pod; `device_milli` is the share of each of the GPUs, 10 to
    1000, and `gpu_memory_mib` what to have of each of them instead of a share. `min_pods` start together (None: all of
    a training, one of the rest). `group` names these pods; a distributed training may have `more_groups`.
    `near_required` and `near_preferred` are levels of `near_topology`; `node_labels` and `tolerations` are for all
    pods. So many pods of a training may fail before it has failed (`retries`). `run_seconds` and `fail_after_seconds`
    steer a simulated cluster. `manifest`: what else its object has, as `submitted_yaml` has read and checked it; the
    other arguments have to be what that says. Raises Refused or Forbidden.
    """
    first = {
        "pods": pods,
        "min_pods": min_pods,
        "devices": devices,
        "device_milli": device_milli,
        "gpu_memory_mib": gpu_memory_mib,
        "cpu_millicores": cpu_millicores,
        "memory_bytes": memory_bytes,
    }
    rules.check_shape(kind=kind, shape=first, preemptible=preemptible, priority=priority)
    rules.check_name(name)
    rules.check_image(image)
    rules.check_command(command)
    rules.check_env(env := {} if env is None else env)
    rules.check_groups(kind, group, more_groups)
    rules.check_delay(preemption_delay_seconds)
    placement = placement_of({} if node_labels is None else node_labels, tolerations)
    kind = Workload.Kind(kind)
    project = _open_project(project)
    require(actor, "create", ENTITIES[kind], project)
    rules.check_run_time(project, run_seconds, fail_after_seconds)
    rules.check_retries(project, kind, retries)
    shapes = {group: first} | {more.name: more.shape for more in more_groups}
    rules.check_cluster(project, shapes)
    check_near(project, near_topology, near_required, near_preferred)
    order, pools_from = rules.pools_in_order(project, pools)
    if not order:
        raise Refused({"pools": "This cluster has no pool. Create one first."})
    _require_name(project, name)
    if manifest and project.project_info.restricted:
        _check_restricted(manifest)

    for shape in shapes.values():
        if shape["min_pods"] is None:
            shape["min_pods"] = shape["pods"] if kind in GANGS else 1
    near = {"near_required": near_required, "near_preferred": near_preferred}
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
        preemption_delay_seconds=preemption_delay_seconds,
        near_topology=near_topology if any(near.values()) else None,
        **near,
        image=image,
        pool=order[0],
        **asked_for(shapes.values(), order[0]),
    )
    names = [pool.name for pool in order]
    WorkloadSpec.objects.create(
        workload=workload,
        spec={
            "command": list(command),
            "env": dict(env),
            "pools": names,
            "pools_from": pools_from,
            "retries": retries,
            "run_seconds": run_seconds,
            "fail_after_seconds": fail_after_seconds,
        }
        | ({"manifest": dict(manifest)} if manifest else {}),
    )
    Assignment.objects.create(workload=workload, pool=order[0])
    create_groups(workload, shapes, placement)
    Event.objects.create(workload=workload, code="submitted", numbers={"by": actor.name, "pools": names})
    audit_record(
        actor=actor,
        action="submit",
        entity=workload,
        unit=project.pk,
        after={"kind": kind.label, "pools": names, "priority": priority, "preemptible": preemptible, **first}
        | {"more_groups": [{"name": more.name, **more.shape} for more in more_groups]}
        | {"preemption_delay_seconds": preemption_delay_seconds, **near, **placement},
    )
    feed_tell(cluster=cluster, workloads=[workload.pk])
    return workload


@transaction.atomic
def workload_stop(*, actor: Actor, workload: Workload) -> Workload:
    """Asks for its pods to be stopped; it can be run again. Nothing happens where that has been asked for before."""
    workload = _locked(workload)
    require_change(actor, "update", workload)
    if not workload.is_active:
        raise Refused(f"{workload.name} has ended already. There is nothing to stop.")
    found.check_stop(workload)
    if workload.desired == Workload.Desired.RUNNING:
        _want(actor, workload, Workload.Desired.STOPPED, "stop")
    return workload


@transaction.atomic
def workload_delete(*, actor: Actor, workload: Workload) -> Workload:
    """Asks for it to be stopped and taken off the lists; its history stays in the audit log."""
    workload = _locked(workload)
    require_change(actor, "delete", workload)
    found.check_delete(workload)
    if workload.desired != Workload.Desired.DELETED:
        _want(actor, workload, Workload.Desired.DELETED, "delete")
    return workload


def goes_on(workload: Workload) -> bool:
    """Whether it was stopped and its object waits in the cluster; what has ended otherwise is submitted anew."""
    return workload.state == Workload.State.STOPPED and workload.applied and workload.pool_id is not None


def may_resume(workload: Workload) -> bool:
    """Whether it can run again: what was found only where it is still there."""
    return not workload.origin or (goes_on(workload) and found.may_stop(workload))


@transaction.atomic
def workload_resume(*, actor: Actor, workload: Workload) -> Workload:
    """Runs an ended workload again. One that was stopped goes on where its cluster kept its object; else it is a new
    one with the same name and specification, and the old one stays as history."""
    workload = _locked(workload)
    require_change(actor, "update", workload)
    if workload.is_active:
        raise Refused(f"{workload.name} has not ended. Stop it first, and wait until it has.")
    if not may_resume(workload):
        raise Refused(found.has_ended(workload))
    if workload.origin or (workload.desired == Workload.Desired.STOPPED and goes_on(workload)):
        return _go_on(actor, workload)
    return workload_submit(actor=actor, **same_again(workload))


def same_again(workload: Workload, *, with_env: bool = True) -> dict[str, Any]:
    """The arguments with which it was submitted, its order of pools only where it was given. `with_env`: variables of
    the environment may be secrets of who submitted it. Raises Refused for what was found."""
    found.check_submitted(workload)
    first, *others = SubGroup.objects.filter(workload=workload).order_by("pk")
    spec = dict(WorkloadSpec.objects.get(workload=workload).spec)
    if spec.pop("pools_from", ""):
        del spec["pools"]
    if not with_env:
        spec["env"] = {}
        spec |= {"manifest": without_values(spec["manifest"])} if "manifest" in spec else {}
    return {
        "project": workload.project,
        "kind": workload.kind,
        "name": workload.name,
        "image": workload.image,
        "group": first.name,
        "more_groups": [rules.PodGroup(name=group.name, **shape_of(group)) for group in others],
        "near_topology": workload.near_topology,
        "near_required": workload.near_required if workload.near_topology else "",
        "near_preferred": workload.near_preferred if workload.near_topology else "",
        "node_labels": first.placement.get("nodes", {}),
        "tolerations": first.placement.get("tolerations", ()),
        "priority": workload.priority,
        "preemptible": workload.preemptible,
        "preemption_delay_seconds": workload.preemption_delay_seconds,
        **shape_of(first),
        **spec,
    }


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
    feed_tell(cluster=workload.cluster_id, workloads=[workload.pk])


def _go_on(actor: Actor, workload: Workload) -> Workload:
    """As an evicted one it waits anew; it has been applied once the cluster was told to run it."""
    require(actor, "create", ENTITIES[Workload.Kind(workload.kind)], _open_project(workload.project))
    if not workload.origin:
        _require_name(workload.project, workload.name)
    changes = {
        "state": Workload.State.WAITING,
        "state_message": "",
        "state_since": timezone.now(),
        "is_active": True,
        "applied": False,
        "started_at": None,
        "ended_at": None,
    }
    for field, value in changes.items():
        setattr(workload, field, value)
    workload.save(update_fields=list(changes))
    _want(actor, workload, Workload.Desired.RUNNING, "resume")
    return workload


def _check_restricted(manifest: Mapping[str, Any]) -> None:
    """Also of what is submitted again: the level of its namespace may have been another."""
    try:
        check_restricted(manifest)
    except Wrong as wrong:
        raise Refused({"manifest": wrong.lines()}) from None


def _require_name(project: OrgUnit, name: str) -> None:
    if Workload.objects.filter(project=project, name=name, is_active=True).exists():
        raise Refused({"name": f"{name} is still active in {project.name}. Choose another name, or delete that one."})


def _locked(workload: Workload) -> Workload:
    return Workload.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=workload.pk)


def _open_project(project: OrgUnit) -> OrgUnit:
    """The project as it is now, locked, so that it cannot begin to be deleted meanwhile."""
    open_one = (
        OrgUnit.objects.select_for_update(no_key=True)
        .filter(pk=project.pk, kind=UnitKind.PROJECT, state=UnitState.ACTIVE)
        .first()
    )
    if open_one is None:
        raise Refused(
            {"project": f"{project.name} takes no new workloads. Choose a project that is not being deleted."}
        )
    return open_one
