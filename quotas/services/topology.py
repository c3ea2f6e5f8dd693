"""Makes, changes and removes topologies: how the nodes of a cluster lie."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from orgs.access import require
from orgs.models import OrgUnit
from portal.actor import Actor
from portal.errors import Refused
from portal.formats import counted
from portal.services.audit import audit_record
from portal.services.feed import feed_tell
from quotas import hooks, rules
from quotas.models import Topology

from .pool import locked_cluster


@transaction.atomic
def topology_create(*, actor: Actor, cluster: OrgUnit, name: str, levels: Sequence[str]) -> Topology:
    """`levels`: label keys of nodes, the widest first. Needs `pool:create` on the cluster."""
    cluster = locked_cluster(cluster)
    require(actor, "create", "pool", cluster)
    keys = rules.levels(levels)
    if Topology.objects.filter(cluster=cluster, name=rules.dns_label(name, "A topology's")).exists():
        raise Refused({"name": f"{cluster.name} already has a topology called {name}. Choose another name."})
    topology = Topology.objects.create(cluster=cluster, name=name, levels=keys)
    audit_record(actor=actor, action="create", entity=topology, unit=cluster.pk, after={"levels": keys})
    feed_tell(cluster=cluster.pk, config=True)
    return topology


@transaction.atomic
def topology_update(
    *, actor: Actor, topology: Topology, levels: Sequence[str], expected_version: int | None = None
) -> Topology:
    """Changes the levels; the name stays. Refused while a workload asks for a level that would go.

    `expected_version`: see `pool_update`. Needs `pool:update` on the cluster.
    """
    cluster, topology = _locked(topology)
    require(actor, "update", "pool", cluster)
    if expected_version is not None and expected_version != topology.version:
        raise Refused(
            {"expected_version": "Somebody changed this topology meanwhile. Look at it, then type yours again."}
        )
    before, keys = topology.levels, rules.levels(levels)
    if before == keys:
        return topology
    work = hooks.topology_work(topology, keys)
    if work:
        raise Refused({"levels": f"{_asking(work)} a level that would go. Keep it, or stop what asks for it first."})
    topology.levels = keys
    topology.version += 1
    topology.save()
    audit_record(
        actor=actor,
        action="update",
        entity=topology,
        unit=cluster.pk,
        before={"levels": before},
        after={"levels": keys},
    )
    feed_tell(cluster=cluster.pk, config=True)
    return topology


@transaction.atomic
def topology_delete(*, actor: Actor, topology: Topology) -> None:
    """Refused while a pool has it, or a workload asks for one of its levels. Needs `pool:delete` on the cluster."""
    cluster, topology = _locked(topology)
    require(actor, "delete", "pool", cluster)
    pools = list(topology.pools.values_list("name", flat=True))
    if pools:
        raise Refused(
            f"{', '.join(pools)} {'has' if len(pools) == 1 else 'have'} this topology. Take it off "
            f"{'that pool' if len(pools) == 1 else 'those pools'} first, then delete it."
        )
    work = hooks.topology_work(topology, [])
    if work:
        raise Refused(f"{_asking(work)} one of its levels. Stop what asks for it first, then delete the topology.")
    audit_record(actor=actor, action="delete", entity=topology, unit=cluster.pk, before={"levels": topology.levels})
    topology.delete()
    feed_tell(cluster=cluster.pk, config=True)


def _asking(work: int) -> str:
    return f"{counted(work, 'workload')} {'asks' if work == 1 else 'ask'} for"


def _locked(topology: Topology) -> tuple[OrgUnit, Topology]:
    """Cluster and topology under the cluster's lock."""
    cluster = locked_cluster(topology.cluster)
    found = Topology.objects.filter(pk=topology.pk).first()
    if found is None:
        raise Refused(f"The topology {topology.name} was deleted meanwhile. Go back to the node pools.")
    return cluster, found
