"""The organization as a file says it: as far as somebody may see it, with what its things are by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orgs.access import within
from orgs.models import AccessRule, OrgUnit, Role, Subject, UnitKind, UnitState, in_force
from orgs.names import DEFAULT_DEPARTMENT
from orgs.scope import visible_units
from quotas.declared import ACCOUNT, Declared, Key, Values
from quotas.models import Pool, Quota, Rank
from quotas.services.pool import FIELDS as POOL_FIELDS
from quotas.services.quota_rules import values_of

UNITS = {UnitKind.DEPARTMENT: "department", UnitKind.PROJECT: "project"}
PLACEMENTS = ("gpu_placement", "cpu_placement")


@dataclass(slots=True)
class Organization:
    """What there is, and the rows behind it."""

    declared: Declared
    units: dict[str, OrgUnit]
    """By path; clusters and the account too."""
    pools: dict[Key, Pool]
    quotas: dict[Key, Quota]
    rules: dict[Key, AccessRule]


def organization_of(user: Any) -> Organization:
    """What the person may see of units, pools, quotas and rules, in a fixed number of queries."""
    visible = {unit.pk: unit for unit in visible_units(user).select_related("cluster")}
    paths = {unit.pk: _path(unit, visible) for unit in visible.values()}
    units = {path: visible[pk] for pk, path in paths.items()}
    for unit in visible.values():
        if unit.cluster is not None:
            units.setdefault(unit.cluster.name, unit.cluster)
    pools = _pools(user)
    quotas: dict[Key, Quota] = {}
    for quota in within(Quota.objects.select_related("pool"), user, "quota:read", "unit"):
        if quota.unit_id in paths:
            quotas[paths[quota.unit_id], quota.pool.name] = quota
    rules: dict[Key, AccessRule] = {}
    seen = within(AccessRule.objects.filter(in_force()), user, "access_rule:read", "scope")
    for rule in seen.select_related("subject__user", "role", "scope"):
        if rule.scope_id in paths:
            rules[paths[rule.scope_id], rule.subject.name, rule.role.name] = rule
    things = {
        "pool": {key: pool_values(pool) for key, pool in pools.items()},
        "quota": {key: quota_values(quota) for key, quota in quotas.items()},
        "rule": {key: {"expires_at": moment(rule.expires_at)} for key, rule in rules.items()},
    }
    for kind, word in UNITS.items():
        there = {path: unit for path, unit in units.items() if unit.kind == kind}
        things[word] = {(path,): {"description": unit.description} for path, unit in there.items()}
    fixed: set[Key] = {key for key, pool in pools.items() if pool.is_default}
    fixed |= {(f"{cluster}/{DEFAULT_DEPARTMENT}/",) for cluster in units}
    return Organization(Declared(things, fixed), units, pools, quotas, rules)


def pool_values(pool: Pool) -> Values:
    """As files hold them: choices by their words, the topology by its name."""
    values = {name: getattr(pool, name) for name in POOL_FIELDS}
    values |= {name: Pool.Placement(values[name]).label for name in PLACEMENTS}
    return values | {"topology": pool.topology.name if pool.topology else None}


def quota_values(quota: Quota | None) -> Values:
    values = values_of(quota)
    return values | {"rank": Rank(values["rank"]).label}


def moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _path(unit: OrgUnit, visible: dict[int, OrgUnit]) -> str:
    """Names from the cluster down. A cluster's name is known to whom a unit in it is; what else may not be seen is
    named by its id."""
    if unit.kind == UnitKind.ACCOUNT:
        return ACCOUNT
    if unit.kind == UnitKind.CLUSTER:
        return unit.name
    assert unit.cluster is not None
    between = [visible[pk].name if pk in visible else f"~{pk}" for pk in unit.ancestor_ids[2:] if pk != unit.pk]
    path = "/".join([unit.cluster.name, *between, unit.name])
    return f"{path}/" if unit.kind == UnitKind.DEPARTMENT else path


def _pools(user: Any) -> dict[Key, Pool]:
    inside = within(OrgUnit.objects.exclude(cluster=None), user, "pool:read").values("cluster")
    pools = Pool.objects.filter(cluster__in=inside, cluster__state=UnitState.ACTIVE).select_related(
        "cluster", "topology"
    )
    return {(pool.cluster.name, pool.name): pool for pool in pools}


def role_called(name: str) -> Role | None:
    return Role.objects.filter(name=name).first()


def subject_called(name: str) -> Subject | None:
    return Subject.objects.filter(name=name).select_related("user").first()
