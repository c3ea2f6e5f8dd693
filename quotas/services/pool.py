"""Makes, changes and removes node pools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q

from orgs.access import require
from orgs.models import OrgUnit, UnitKind
from orgs.services.locks import cluster_locked, fresh
from portal.actor import SYSTEM, Actor
from portal.errors import Refused
from portal.formats import counted
from portal.services.audit import audit_record
from portal.services.feed import feed_tell
from quotas import hooks, rules
from quotas.models import Node, Pool, Topology
from quotas.models.pool import CPU_PLACEMENTS
from quotas.selectors.nodes import nodes_with_label, owners_of

from .guard import nodes_guarded
from .nodes import nodes_replace

DEFAULT_NAME = "default"
FIELDS = (
    "label_key",
    "label_value",
    "gpu_placement",
    "cpu_placement",
    "min_runtime_seconds",
    "topology",
    "staleness_grace_seconds",
    "disruptions_per_workload",
    "disruptions_per_cycle",
    "disruption_budget_delay_seconds",
    "history_weight_milli",
    "history_half_life_hours",
    "history_window_days",
)


@transaction.atomic
def pool_create(
    *,
    actor: Actor,
    cluster: OrgUnit,
    name: str,
    label_key: str,
    label_value: str,
    gpu_placement: Pool.Placement = Pool.Placement.BINPACK,
    cpu_placement: Pool.Placement = Pool.Placement.BINPACK,
    min_runtime_seconds: int = 0,
    topology: Topology | None = None,
    staleness_grace_seconds: int | None = 60,
    disruptions_per_workload: int | None = None,
    disruptions_per_cycle: int | None = None,
    disruption_budget_delay_seconds: int | None = 600,
    history_weight_milli: int = 0,
    history_half_life_hours: int | None = None,
    history_window_days: int = 7,
) -> Pool:
    """A pool of the nodes with this label, which move into it from the default pool.

    `staleness_grace_seconds` None = for ever; disruptions None = as many as it takes;
    `disruption_budget_delay_seconds` None = never; `history_half_life_hours` None = the whole window counts alike.
    Refused while one of the nodes belongs to another pool. Needs `pool:create` on the cluster.
    """
    cluster = locked_cluster(cluster)
    require(actor, "create", "pool", cluster)
    values = _checked(
        cluster,
        label_key=label_key,
        label_value=label_value,
        gpu_placement=gpu_placement,
        cpu_placement=cpu_placement,
        min_runtime_seconds=min_runtime_seconds,
        topology=topology,
        staleness_grace_seconds=staleness_grace_seconds,
        disruptions_per_workload=disruptions_per_workload,
        disruptions_per_cycle=disruptions_per_cycle,
        disruption_budget_delay_seconds=disruption_budget_delay_seconds,
        history_weight_milli=history_weight_milli,
        history_half_life_hours=history_half_life_hours,
        history_window_days=history_window_days,
    )
    if Pool.objects.filter(cluster=cluster, name=rules.dns_label(name, "A pool's")).exists():
        raise Refused({"name": f"{cluster.name} already has a pool called {name}. Choose another name."})
    matching = _free_nodes(cluster, label_key, label_value)
    with nodes_guarded(actor=actor, cluster=cluster, field="label_value"):
        pool = Pool.objects.create(cluster=cluster, name=name, **values)
        nodes_replace(matching, Pool.objects.filter(cluster=cluster))
    after = {field: _told(values[field]) for field in FIELDS} | {"nodes": len(matching)}
    audit_record(actor=actor, action="create", entity=pool, unit=cluster.pk, after=after)
    feed_tell(cluster=cluster.pk, config=True, nodes=True)
    return pool


@transaction.atomic
def pool_update(
    *,
    actor: Actor,
    pool: Pool,
    label_key: str,
    label_value: str,
    gpu_placement: Pool.Placement,
    cpu_placement: Pool.Placement,
    min_runtime_seconds: int,
    topology: Topology | None,
    staleness_grace_seconds: int | None,
    disruptions_per_workload: int | None,
    disruptions_per_cycle: int | None,
    disruption_budget_delay_seconds: int | None,
    history_weight_milli: int,
    history_half_life_hours: int | None,
    history_window_days: int,
    expected_version: int | None = None,
) -> Pool:
    """Changes a pool; its name stays. With another label other nodes lie in it. The default pool takes no label.

    `expected_version`: the version that the values were made from; a pool changed since is refused. Needs
    `pool:update` on the cluster.
    """
    cluster, pool = _locked_pool(pool)
    require(actor, "update", "pool", cluster)
    if expected_version is not None and expected_version != pool.version:
        raise Refused({"expected_version": "Somebody changed this pool meanwhile. Look at it, then type yours again."})
    values = _checked(
        cluster,
        label_key=label_key,
        label_value=label_value,
        gpu_placement=gpu_placement,
        cpu_placement=cpu_placement,
        min_runtime_seconds=min_runtime_seconds,
        topology=topology,
        staleness_grace_seconds=staleness_grace_seconds,
        disruptions_per_workload=disruptions_per_workload,
        disruptions_per_cycle=disruptions_per_cycle,
        disruption_budget_delay_seconds=disruption_budget_delay_seconds,
        history_weight_milli=history_weight_milli,
        history_half_life_hours=history_half_life_hours,
        history_window_days=history_window_days,
        is_default=pool.is_default,
    )
    before = {field: getattr(pool, field) for field in FIELDS}
    changed = [field for field in FIELDS if before[field] != values[field]]
    if not changed:
        return pool
    relabelled = "label_key" in changed or "label_value" in changed
    matching = _free_nodes(cluster, label_key, label_value, pool) if relabelled else []
    for field in changed:
        setattr(pool, field, values[field])
    pool.version += 1
    with nodes_guarded(actor=actor, cluster=cluster, field="label_value"):
        pool.save()
        if relabelled:
            nodes_replace([*matching, *_of(pool)], Pool.objects.filter(cluster=cluster))
    audit_record(
        actor=actor,
        action="update",
        entity=pool,
        unit=cluster.pk,
        before={field: _told(before[field]) for field in changed},
        after={field: _told(values[field]) for field in changed},
    )
    feed_tell(cluster=cluster.pk, config=True, nodes=True)
    return pool


@transaction.atomic
def pool_delete(*, actor: Actor, pool: Pool) -> None:
    """Removes a pool with its quotas; its nodes go back to the pool their labels say, as a rule the default pool.

    Refused for the default pool, and while workloads are assigned to it or hold room in it. Needs `pool:delete`.
    """
    cluster, pool = _locked_pool(pool)
    require(actor, "delete", "pool", cluster)
    if pool.is_default:
        raise Refused("The default pool owns every node that no other pool matches, so it stays. Add pools beside it.")
    work = hooks.pool_work(pool).workloads
    if work:
        raise Refused(
            f"{counted(work, 'workload')} {'waits or runs' if work == 1 else 'wait or run'} in {pool.name}. "
            "Stop or move what is there first, then delete the pool."
        )
    audit_record(
        actor=actor,
        action="delete",
        entity=pool,
        unit=cluster.pk,
        before={field: _told(getattr(pool, field)) for field in FIELDS}
        | {"nodes": pool.nodes.filter(removed_at=None).count(), "quotas": pool.quotas.count()},
    )
    with nodes_guarded(actor=actor, cluster=cluster):
        nodes_replace(_of(pool), Pool.objects.filter(cluster=cluster).exclude(pk=pool.pk))
        pool.delete()
    feed_tell(cluster=cluster.pk, config=True, nodes=True)


def default_pool_create(cluster: OrgUnit) -> None:
    """The pool that a new cluster starts with; runs in the transaction that makes the cluster, under its rights."""
    pool = Pool.objects.create(cluster=cluster, name=DEFAULT_NAME, is_default=True)
    audit_record(actor=SYSTEM, action="create", entity=pool, unit=cluster.pk, after={"is_default": True})


def locked_cluster(cluster: OrgUnit) -> OrgUnit:
    """The cluster as it is now, locked. Raises Refused for a unit of another kind."""
    if cluster.kind != UnitKind.CLUSTER:
        raise Refused({"cluster": f"{cluster.name} is no cluster. Choose the cluster that the nodes are in."})
    cluster_locked(cluster)
    return fresh(cluster)


def _locked_pool(pool: Pool) -> tuple[OrgUnit, Pool]:
    """Cluster and pool under their locks. The pool's row too: work that refers to it must not arrive meanwhile."""
    cluster = locked_cluster(pool.cluster)
    found = Pool.objects.select_for_update(of=("self",)).select_related("topology").filter(pk=pool.pk).first()
    if found is None:
        raise Refused(f"The pool {pool.name} was deleted meanwhile. Go back to the node pools.")
    return cluster, found


def _told(value: Any) -> Any:
    """As the audit log holds it."""
    return value.name if isinstance(value, Topology) else value


def _checked(cluster: OrgUnit, *, is_default: bool = False, **values: Any) -> dict[str, Any]:
    if is_default:
        for field in ("label_key", "label_value"):
            if values[field]:
                raise Refused({field: "The default pool takes what no other pool matches. Leave its label empty."})
    else:
        rules.label_key(values["label_key"])
        rules.label_value(values["label_value"])
    for field, placements in (("gpu_placement", Pool.Placement.values), ("cpu_placement", CPU_PLACEMENTS)):
        if values[field] not in placements:
            names = " or ".join(Pool.Placement(placement).label for placement in placements)
            raise Refused({field: f"There is no such placement. Choose {names}."})
        values[field] = int(values[field])
    rules.whole("min_runtime_seconds", values["min_runtime_seconds"], rules.MAX_MIN_RUNTIME_SECONDS)
    topology = values["topology"]
    if topology is not None and (not isinstance(topology, Topology) or topology.cluster_id != cluster.pk):
        raise Refused({"topology": f"This is no topology of {cluster.name}. Choose one of that cluster, or none."})
    if values["staleness_grace_seconds"] is not None:
        rules.whole("staleness_grace_seconds", values["staleness_grace_seconds"], rules.MAX_STALENESS_SECONDS)
    for field in ("disruptions_per_workload", "disruptions_per_cycle"):
        if values[field] is not None:
            rules.whole(field, values[field], rules.MAX_DISRUPTIONS)
    if values["disruption_budget_delay_seconds"] is not None:
        rules.whole(
            "disruption_budget_delay_seconds", values["disruption_budget_delay_seconds"], rules.MAX_BUDGET_DELAY_SECONDS
        )
    rules.whole("history_weight_milli", values["history_weight_milli"], rules.MAX_HISTORY_WEIGHT_MILLI)
    if values["history_half_life_hours"] is not None:
        rules.whole("history_half_life_hours", values["history_half_life_hours"], rules.MAX_HISTORY_DAYS * 24)
    rules.whole("history_window_days", values["history_window_days"], rules.MAX_HISTORY_DAYS)
    for field in ("history_half_life_hours", "history_window_days"):
        if values[field] == 0:
            raise Refused({field: "This is 0, so nothing would count. Type 1 or more, or set the weight to 0."})
    if values["disruptions_per_cycle"] == 0:
        raise Refused(
            {"disruptions_per_cycle": "With 0 no guarantee could be kept. Type 1 or more, or leave it empty."}
        )
    return values


def _of(pool: Pool) -> list[Node]:
    """The nodes that lie in the pool, removed ones too, and those that only another pool keeps from it."""
    return list(Node.objects.filter(Q(pool=pool) | Q(conflict=pool)))


def _free_nodes(cluster: OrgUnit, key: str, value: str, pool: Pool | None = None) -> list[Node]:
    """The nodes with this label, if the label and all of them are free for `pool` (None: a new one)."""
    same = Pool.objects.filter(cluster=cluster, label_key=key, label_value=value, is_default=False).first()
    if same is not None and same != pool:
        raise Refused({"label_value": f"The pool {same.name} has this label already. Change the value."})
    nodes = nodes_with_label(cluster, key, value)
    refusal = overlap_refusal(len(nodes), owners_of(nodes, cluster, pool))
    if refusal:
        raise Refused({"label_value": refusal})
    return nodes


def overlap_refusal(matching: int, owners: Mapping[int, Pool]) -> str:
    """Why a pool cannot have so many nodes, in words; empty if it can. `owners`: as `owners_of` gives them."""
    taken = [owner.name for owner in owners.values()]
    if not taken:
        return ""
    known = sorted(set(taken))
    first, names = known[0], " and ".join([", ".join(known[:-1]), known[-1]] if known[1:] else known)
    belongs = "belongs" if len(taken) == 1 else "belong"
    which = f"{len(taken)} of the {counted(matching, 'node')}" if matching > 1 else "The one node that matches"
    return (
        f"{which} already {belongs} to {names}. A node is in one pool only. Change the value, or narrow {first} first."
    )
