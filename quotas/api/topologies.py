"""Topologies: how the nodes of a cluster lie."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers

from orgs.api.base import Scoped, UnitId
from orgs.api.bulk import Bulk
from orgs.models import UnitKind
from orgs.services.locks import cluster_locked
from portal.api.endpoint import Changes, Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, Text
from portal.api.listing import Listing
from quotas import hooks
from quotas.api.base import FILTERS, SORTS
from quotas.models import Topology
from quotas.pool_words import topology_impact_rows
from quotas.selectors.pools import topologies_in_scope
from quotas.services.topology import topology_create, topology_delete, topology_update


class TopologySerializer(Given):
    """Label keys of nodes, the widest level first: all nodes with one value of a key are one domain."""

    name = serializers.CharField(read_only=True)
    cluster = Reference(read_only=True)
    levels = serializers.ListField(child=serializers.CharField(), read_only=True)
    version = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class TopologyChange(serializers.Serializer):
    """Other levels."""

    levels = serializers.ListField(child=Text())


class NewTopology(TopologyChange):
    """A topology of a cluster."""

    cluster = UnitId(UnitKind.CLUSTER, help_text="The id of a cluster.")
    name = Text(help_text="For good.")


class Topologies(Lists, Gets, Creates, Changes, Deletes, Bulk, Scoped):
    """Topologies. Nothing in the cluster changes by them."""

    permission = "pool:read"
    serializer_class = TopologySerializer
    create_serializer, change_serializer = NewTopology, TopologyChange
    listing = Listing(SORTS, FILTERS, ("name",))

    def rows(self) -> QuerySet[Topology]:
        return topologies_in_scope(self.request._request)

    def lock(self, row: Topology) -> None:
        cluster_locked(row.cluster)

    def made(self, values: dict[str, Any]) -> Model:
        return topology_create(actor=self.actor, **values)

    def changed(self, row: Topology, values: dict[str, Any]) -> Effect:
        levels = values.get("levels", row.levels)
        topology_update(actor=self.actor, topology=row, levels=levels, expected_version=row.version)
        return ()

    def deleted(self, row: Topology) -> Effect:
        effect = self.effect(lambda: topology_impact_rows(pools=row.pools.count(), work=hooks.topology_work(row, [])))
        topology_delete(actor=self.actor, topology=row)
        return effect
