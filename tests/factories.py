"""Rows for tests: one typed function a noun, each consistent by itself. What is not given is made up, and unique."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, cast

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.db.models import TextField, Value
from django.db.models.functions import Cast, Concat
from django.test import Client
from django.utils import timezone
from knox.models import get_digest_token

from orgs import hooks
from orgs.happenings import kinds
from orgs.models import (
    AccessKey,
    AccessRule,
    Application,
    ClusterInfo,
    Delivery,
    Group,
    GroupMember,
    OrgUnit,
    ProjectInfo,
    Role,
    RolePermission,
    Subject,
    UnitKind,
    User,
    Webhook,
)
from orgs.secrets import decrypt, encrypt
from orgs.services.access_key import NewKey
from orgs.webhooks.signing import new_secret
from portal.actor import SYSTEM, Actor
from portal.hooks import Hook
from quotas.models import GuardSetting, Node, Pool, PoolSummary, Quota, QuotaVersion, Topology, UnitUsage
from quotas.models.guard import SET_LEVELS
from quotas.resources import RESOURCES
from quotas.services.quota_rules import values_of
from scheduling.loops.holdings import week_of
from scheduling.models import (
    Allocation,
    Assignment,
    CycleReport,
    Pod,
    PoolTry,
    Question,
    SavedCycle,
    SubGroup,
    WaitClass,
    Waiting,
    Workload,
    WorkloadSpec,
)

_number = count(1)

# --- orgs

ADMIN = "System administrator"
DEPARTMENT_ADMIN = "Department administrator"
RESEARCHER = "L1 researcher"
VIEWER = "Viewer"
PASSWORD = "correct horse battery"


def _unit(kind: UnitKind, name: str, parent: OrgUnit | None, cluster: OrgUnit | None = None) -> OrgUnit:
    unit = OrgUnit.objects.create(kind=kind, name=name, parent=parent, cluster=cluster)
    unit.path = f"{parent.path if parent else '/'}{unit.pk}/"
    if kind == UnitKind.CLUSTER:
        unit.cluster = unit
    unit.save(update_fields=["path", "cluster"])
    return unit


def make_account(name: str = "Aldergrove") -> OrgUnit:
    """The account: there is one, so a second call returns the first's."""
    return OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first() or _unit(UnitKind.ACCOUNT, name, None)


def make_cluster(name: str = "", mode: ClusterInfo.Mode = ClusterInfo.Mode.SIMULATED) -> OrgUnit:
    """A connected cluster with its `default` department and its default pool, and no nodes."""
    cluster = _unit(UnitKind.CLUSTER, name or f"cluster-{next(_number)}", make_account())
    ClusterInfo.objects.create(unit=cluster, mode=mode, state=ClusterInfo.State.CONNECTED)
    make_department("default", parent=cluster)
    if hooks.default_pool_create.name not in Hook.unanswered():
        hooks.default_pool_create(cluster)
    return cluster


def make_department(name: str = "", parent: OrgUnit | None = None) -> OrgUnit:
    """Below `parent`: a cluster or another department."""
    parent = parent or make_cluster()
    return _unit(UnitKind.DEPARTMENT, name or f"department-{next(_number)}", parent, parent.cluster)


def make_project(name: str = "", department: OrgUnit | None = None) -> OrgUnit:
    """With a namespace that is ready."""
    department = department or make_department()
    assert department.cluster is not None
    project = _unit(UnitKind.PROJECT, name or f"project-{next(_number)}", department, department.cluster)
    ProjectInfo.objects.create(
        unit=project,
        cluster=department.cluster,
        namespace=f"bursar-{project.name}",
        phase=ProjectInfo.Phase.READY,
    )
    return project


def make_projects(department: OrgUnit, number: int) -> None:
    """Many at once, in few statements: `<department>-0` and so on."""
    cluster = department.cluster
    projects = OrgUnit.objects.bulk_create(
        OrgUnit(kind=UnitKind.PROJECT, name=f"{department.name}-{each}", parent=department, cluster=cluster)
        for each in range(number)
    )
    path = Concat(Value(department.path), Cast("pk", TextField()), Value("/"), output_field=TextField())
    OrgUnit.objects.filter(parent=department, path="").update(path=path)
    ProjectInfo.objects.bulk_create(
        ProjectInfo(unit=project, cluster=cluster, namespace=f"bursar-{project.name}", phase=ProjectInfo.Phase.READY)
        for project in projects
    )


def make_user(email: str = "", name: str = "", role: str = "", scope: OrgUnit | None = None) -> User:
    """Signs in with PASSWORD. With `role`: granted on `scope`, or on the whole account."""
    email = email or f"person-{next(_number)}@example.org"
    user = User(email=email, name=name or email.split("@")[0].replace("-", " ").title())
    user.set_password(PASSWORD)
    user.save()
    Subject.objects.create(name=email, user=user)
    if role:
        make_rule(user, role, scope or make_account())
    return user


def make_rule(holder: User | Group, role: str, scope: OrgUnit, **fields: Any) -> AccessRule:
    """Take the user afresh from the database if rights of this object were asked before: it remembers them."""
    return AccessRule.objects.create(subject=holder.subject, role=Role.objects.get(name=role), scope=scope, **fields)


def make_group(name: str = "", *users: User) -> Group:
    """With these members and no rules."""
    group = Group.objects.create(name=name or f"group-{next(_number)}")
    Subject.objects.create(kind=Subject.Kind.GROUP, name=group.name, group=group)
    GroupMember.objects.bulk_create([GroupMember(group=group, user=user) for user in users])
    return group


def make_application(name: str = "", role: str = "", scope: OrgUnit | None = None) -> Application:
    """Without keys. With `role`: granted on `scope`, or on the whole account."""
    name, client_id = name or f"application-{next(_number)}", f"app-{next(_number)}"
    user = User(email=client_id, name=name)
    user.set_unusable_password()
    user.save()
    Subject.objects.create(kind=Subject.Kind.APPLICATION, name=name, user=user)
    if role:
        make_rule(user, role, scope or make_account())
    return Application.objects.create(name=name, client_id=client_id, user=user)


def make_key(owner: User, name: str = "nightly", **fields: Any) -> NewKey:
    """A key with whatever its owner may do, unless `fields` (columns) say less."""
    digest, token = get_digest_token()
    key = AccessKey(user=owner, name=name, digest=digest, token_key=token[:15], **fields)
    key.save()
    return NewKey(key, token)


def with_key(new: NewKey) -> Client:
    """A test client that sends the key."""
    return Client(headers={"Authorization": f"Bearer {new.token}"})


def make_webhook(scope: OrgUnit, address: str = "https://hooks.example.org/x", **fields: Any) -> Webhook:
    """Told everything, and before anything happened."""
    values = {"name": f"webhook-{next(_number)}", "kinds": list(kinds()), "secret": encrypt(new_secret())}
    return Webhook.objects.create(scope=scope, address=address, made_by="Ada", **(values | fields))


def make_delivery(webhook: Webhook, subject: str = "workload:1", **fields: Any) -> Delivery:
    values = {"kind": "workload.failed", "at": timezone.now(), "payload": {"text": "Failed"}}
    return Delivery.objects.create(webhook=webhook, subject=subject, **(values | fields))


def make_role(name: str = "", *permissions: str) -> Role:
    """A custom role of these `entity:action` codes."""
    role = Role.objects.create(name=name or f"role-{next(_number)}")
    RolePermission.objects.bulk_create([RolePermission(role=role, permission=code) for code in permissions])
    return role


def make_second_factor(user: User) -> Authenticator:
    """With recovery codes; `code_of` tells what the app of its owner shows now."""
    RecoveryCodes.activate(user)
    return cast(Authenticator, TOTP.activate(user, generate_totp_secret()).instance)


def code_of(authenticator: Authenticator, steps: int = 0) -> str:
    """The code of now, or of so many half minutes later."""
    counter = int(time.time()) // 30 + steps
    return cast(str, format_hotp_value(hotp_value(decrypt(authenticator.data["secret"]), counter)))


def actor_of(user: User | None = None) -> Actor:
    """The user as services take it; without one Bursar itself."""
    return Actor(user.name, user, user.subject.pk, "192.0.2.1") if user else SYSTEM


def signed_in(user: User) -> Client:
    """A test client with the user's session."""
    client = Client()
    client.force_login(user)
    return client


# --- quotas


def make_pool(
    name: str = "",
    cluster: OrgUnit | None = None,
    label_key: str = "example.org/class",
    label_value: str = "",
    **fields: Any,
) -> Pool:
    """A pool of a cluster with a label of its own (value: its name). Moves no nodes."""
    name = name or f"pool-{next(_number)}"
    return Pool.objects.create(
        cluster=cluster or make_cluster(),
        name=name,
        label_key=label_key,
        label_value=label_value or name,
        **fields,
    )


def default_pool_of(cluster: OrgUnit) -> Pool:
    """The pool that owns what no other pool matches."""
    return Pool.objects.get(cluster=cluster, is_default=True)


def make_topology(
    name: str = "", cluster: OrgUnit | None = None, levels: Sequence[str] = ("example.org/hall", "example.org/rack")
) -> Topology:
    """How a cluster's nodes lie, the widest level first."""
    return Topology.objects.create(
        cluster=cluster or make_cluster(), name=name or f"topology-{next(_number)}", levels=list(levels)
    )


def make_node(name: str = "", pool: Pool | None = None, gpus: int = 8, **fields: Any) -> Node:
    """A ready node of the pool, with its label, whole GPUs, 16 cores and 128 GiB for each of them (of at least one)."""
    pool = pool or make_pool()
    number = next(_number)
    values: dict[str, Any] = {
        "uid": f"node-uid-{number}",
        "name": name or f"node-{number}",
        "gpu_type": "T900" if gpus else "",
        "gpu_count": gpus,
        "gpu_memory_bytes": 80 * 1024**3 if gpus else 0,
        "cpu_millicores": 16_000 * max(gpus, 1),
        "memory_bytes": 128 * 1024**3 * max(gpus, 1),
        "labels": {} if pool.is_default else {pool.label_key: pool.label_value},
    }
    return Node.objects.create(cluster=pool.cluster, pool=pool, **(values | fields))


def make_quota(unit: OrgUnit, pool: Pool, gpus: float = 0, **fields: Any) -> Quota:
    """What a unit is guaranteed in a pool, in GPUs, with its history; other columns by their names."""
    quota = Quota.objects.create(unit=unit, pool=pool, gpu_milli=round(gpus * 1000), **fields)
    QuotaVersion.objects.create(
        unit=unit, pool=pool, number=quota.version, values=values_of(quota), actor_name="Bursar"
    )
    return quota


def make_guard(scope: OrgUnit, mode: int, *, resources: Sequence[str] = tuple(RESOURCES)) -> None:
    """How an account or cluster is guarded from now on, at all levels."""
    for level in SET_LEVELS:
        GuardSetting.objects.update_or_create(
            scope=scope, level=level, defaults={"mode": mode, "resources": list(resources)}
        )


# --- scheduling


def make_workload(
    name: str = "",
    project: OrgUnit | None = None,
    pool: Pool | None = None,
    gpus: int = 1,
    pods: int = 1,
    by: User | None = None,
    **fields: Any,
) -> Workload:
    """A waiting training; each pod asks for so many GPUs, 1 core and 1 GiB. With `state=RUNNING` it holds all of it."""
    project = project or make_project()
    number = next(_number)
    values: dict[str, Any] = {
        "kind": Workload.Kind.TRAINING,
        "image": "python:3.12",
        "pods_wanted": pods,
        "requested_gpu_milli": pods * gpus * 1000,
        "requested_cpu_millicores": pods * 1000,
        "requested_memory_bytes": pods * 1024**3,
        "submitted_by": by.subject if by else None,
    }
    if fields.get("state") == Workload.State.RUNNING:
        values |= {"pods_running": pods, "allocated_gpu_milli": pods * gpus * 1000, "started_at": timezone.now()}
    if fields.get("state") in (Workload.State.STOPPED, Workload.State.COMPLETED, Workload.State.FAILED):
        values |= {"is_active": False, "ended_at": timezone.now()}
    workload = Workload.objects.create(
        project=project,
        cluster=project.cluster,
        name=name or f"workload-{number}",
        pool=pool,
        **(values | fields),
    )
    if pool:
        Assignment.objects.create(workload=workload, pool=pool)
    spec = {"command": [], "env": {}, "pools": [pool.name] if pool else []}
    WorkloadSpec.objects.create(workload=workload, spec=spec | {"run_seconds": None, "fail_after_seconds": None})
    SubGroup.objects.create(
        workload=workload,
        name="workers",
        min_members=pods,
        wanted=pods,
        devices=gpus,
        cpu_millicores=1000,
        memory_bytes=1024**3,
        request_class=number,
    )
    return workload


def make_sub_group(workload: Workload, name: str, pods: int = 1, gpus: int = 1, **fields: Any) -> SubGroup:
    """One more of the workload's; its pods ask for so many GPUs, 1 core and 1 GiB and start together."""
    first = workload.sub_groups.order_by("pk")[0]
    values: dict[str, Any] = {"min_members": pods, "wanted": pods, "devices": gpus, "cpu_millicores": 1000}
    values |= {"memory_bytes": 1024**3, "request_class": first.request_class}
    return SubGroup.objects.create(workload=workload, name=name, **(values | fields))


def make_pod(workload: Workload, node: Node | None = None, devices: str = "", **fields: Any) -> Pod:
    """A pod of `sub_group`, or of the workload's only one; on a node it is running and charged to the node's pool."""
    number = next(_number)
    values: dict[str, Any] = {
        "uid": f"pod-uid-{number}",
        "name": f"{workload.name}-{number}",
        "phase": Pod.Phase.RUNNING if node else Pod.Phase.PENDING,
        "pool": workload.pool,
        "charged_pool": node.pool if node else None,
        "created_at": timezone.now(),
        "bound_at": timezone.now() if node else None,
    }
    group = fields.pop("sub_group", None) or SubGroup.objects.get(workload=workload)
    values["device_milli"] = group.device_milli
    return Pod.objects.create(workload=workload, sub_group=group, node=node, devices=devices, **(values | fields))


def make_waiting(workload: Workload, code: str, **numbers: Any) -> Waiting:
    """The reason a loop gave for a workload that waits in its pool."""
    assert workload.pool is not None
    reason, _ = WaitClass.objects.update_or_create(
        pool=workload.pool,
        project=workload.project,
        request_class=workload.sub_groups.order_by("pk")[0].request_class,
        defaults={"code": code, "numbers": numbers, "as_of": timezone.now()},
    )
    return Waiting.objects.create(workload=workload, wait_class=reason, since=workload.created_at)


def make_answer(workload: Workload, attempts: list[Any], remedies: list[Any], **fields: Any) -> Question:
    """What the loop of its pool answered about a workload that waits there."""
    assert workload.pool is not None
    answer = {"state": "known", "pods": 1, "succeeds": None, "attempts": attempts, "remedies": remedies}
    values: dict[str, Any] = {"answer": answer, "is_open": False, "cycle": 48_211, "asked_at": timezone.now()}
    return Question.objects.create(
        pool=workload.pool,
        kind=Question.Kind.WHY,
        about=workload.pk,
        as_of=timezone.now(),
        **(values | fields),
    )


def make_try(workload: Workload, pool: Pool, **fields: Any) -> PoolTry:
    """What the assigner saw for a workload in one of its pools."""
    return PoolTry.objects.create(workload=workload, pool=pool, **({"code": PoolTry.NOW} | fields))


def make_summary(
    pool: Pool, gpus: int = 16, used: int = 0, free_slots: dict[str, int] | None = None, **fields: Any
) -> PoolSummary:
    """What the pool's loop last said: `gpus` on nodes of 8, 16 cores and 128 GiB for each; `used` of them in use. They
    are like the first node of the pool."""
    free = gpus - used
    node = Node.objects.filter(pool=pool).first()
    slots = free_slots if free_slots is not None else {"8": free // 8} | ({str(free % 8): 1} if free % 8 else {})
    values: dict[str, Any] = {
        "nodes": gpus // 8 or 1,
        "ready": gpus // 8 or 1,
        "gpu_milli": gpus * 1000,
        "cpu_millicores": max(gpus, 1) * 16_000,
        "memory_bytes": max(gpus, 1) * 128 * 1024**3,
        "allocated_gpu_milli": used * 1000,
        "free_slots": slots,
        "free_nodes": [
            [node.pk if node else 0, int(size), slots.get("share", 0) % 1000, *_beside(int(size)), 110, number]
            for size, number in slots.items()
            if size.isdecimal() and number
        ],
        "as_of": timezone.now(),
    }
    return PoolSummary.objects.create(pool=pool, **(values | fields))


def _beside(gpus: int) -> tuple[int, int]:
    """Cores and memory that are free beside so many GPUs."""
    return 16_000 * max(gpus, 1), 128 * 1024**3 * max(gpus, 1)


def make_usage(unit: OrgUnit, pool: Pool, gpus: float = 0, **fields: Any) -> UnitUsage:
    """How the pool's loop last saw a unit; `gpus` are allocated."""
    values: dict[str, Any] = {"gpu_milli": round(gpus * 1000), "requested_gpu_milli": round(gpus * 1000)}
    return UnitUsage.objects.create(unit=unit, pool=pool, **(values | fields))


def make_allocation(
    workload: Workload, node: Node, started_at: datetime, ended_at: datetime | None = None, **fields: Any
) -> Allocation:
    """What it asks for, on one node."""
    values = {
        "gpu_milli": workload.requested_gpu_milli,
        "cpu_millicores": workload.requested_cpu_millicores,
        "memory_bytes": workload.requested_memory_bytes,
        "pods": workload.pods_wanted,
        "pool_id": workload.pool_id,
        "project_id": workload.project_id,
        "submitted_by_id": workload.submitted_by_id,
        "week": week_of(started_at),
    }
    return Allocation.objects.create(
        workload=workload, node=node.pk, started_at=started_at, ended_at=ended_at, **(values | fields)
    )


def make_cycle(pool: Pool, cycle: int, took_ms: int = 61, **fields: Any) -> CycleReport:
    """A cycle that placed one pod; half of its time went into deciding."""
    values: dict[str, Any] = {
        "epoch": 57,
        "at": timezone.now(),
        "timings": {"snapshot": took_ms * 250, "decide": took_ms * 500, "record": took_ms * 250},
        "counts": {"places": 1, "reserves": 0, "evicts": fields.get("evicts", 0), "waits": 3},
        "took_us": took_ms * 1000,
    }
    return CycleReport.objects.create(pool=pool, cycle=cycle, **(values | fields))


def make_saved_cycle(report: CycleReport, content: bytes = b"packed", **fields: Any) -> SavedCycle:
    """The file of a cycle that somebody asked for."""
    values: dict[str, Any] = {
        "cause": SavedCycle.Cause.ASKED,
        "state": SavedCycle.State.SAVED,
        "epoch": report.epoch,
        "cycle": report.cycle,
        "at": report.at,
        "content": content,
        "size": len(content),
        "expires_at": timezone.now() + timedelta(days=14),
    }
    return SavedCycle.objects.create(pool=report.pool, **(values | fields))
