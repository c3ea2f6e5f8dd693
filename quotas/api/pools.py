"""Node pools, and the nodes in them."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers

from orgs.api.base import Scoped, UnitId
from orgs.api.bulk import Bulk
from orgs.models import UnitKind
from orgs.services.locks import cluster_locked
from portal.api.endpoint import Changes, Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, RowId, Text, Whole, Word
from portal.api.listing import Filter, Listing
from quotas.api.base import FILTERS, SORTS
from quotas.models import Node, Pool
from quotas.pool_words import pool_delete_rows, pool_narrow_rows
from quotas.selectors.impact import pool_impact
from quotas.selectors.nodes import nodes_in_scope
from quotas.selectors.pools import pools_in_scope, topologies_in_scope
from quotas.selectors.preview import emptied, preview
from quotas.services.pool import FIELDS, pool_create, pool_delete, pool_update


class PoolSerializer(Given):
    """Nodes of a cluster with one label, and how work is placed on them."""

    name = serializers.CharField(read_only=True)
    cluster = Reference(read_only=True)
    is_default = serializers.BooleanField(read_only=True, help_text="It owns every node that no other pool matches.")
    label_key = serializers.CharField(read_only=True)
    label_value = serializers.CharField(read_only=True)
    gpu_placement = Word(Pool.Placement, read_only=True)
    cpu_placement = Word(Pool.Placement, read_only=True)
    min_runtime_seconds = serializers.IntegerField(read_only=True)
    topology = Reference(read_only=True, allow_null=True)
    staleness_grace_seconds = serializers.IntegerField(read_only=True, allow_null=True)
    disruptions_per_workload = serializers.IntegerField(read_only=True, allow_null=True)
    disruptions_per_cycle = serializers.IntegerField(read_only=True, allow_null=True)
    disruption_budget_delay_seconds = serializers.IntegerField(read_only=True, allow_null=True)
    history_weight_milli = serializers.IntegerField(read_only=True)
    history_half_life_hours = serializers.IntegerField(read_only=True, allow_null=True)
    history_window_days = serializers.IntegerField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class PoolChange(serializers.Serializer):
    """What of a pool can change."""

    label_key = Text()
    label_value = Text()
    gpu_placement = Word(Pool.Placement, required=False)
    cpu_placement = Word(Pool.Placement, required=False)
    min_runtime_seconds = Whole(required=False)
    topology = RowId(
        topologies_in_scope, "topology", required=False, allow_null=True, help_text="The id of a topology."
    )
    staleness_grace_seconds = Whole(required=False, allow_null=True, help_text="None: for ever.")
    disruptions_per_workload = Whole(required=False, allow_null=True, help_text="None: as many as it takes.")
    disruptions_per_cycle = Whole(required=False, allow_null=True, help_text="None: as many as it takes.")
    disruption_budget_delay_seconds = Whole(required=False, allow_null=True, help_text="None: never.")
    history_weight_milli = Whole(required=False, help_text="How much past use counts, times 1,000; 0: not at all.")
    history_half_life_hours = Whole(required=False, allow_null=True)
    history_window_days = Whole(required=False)


class NewPool(PoolChange):
    """A pool of the nodes with this label."""

    cluster = UnitId(UnitKind.CLUSTER, help_text="The id of a cluster.")
    name = Text(help_text="For good.")


class Pools(Lists, Gets, Creates, Changes, Deletes, Bulk, Scoped):
    """Node pools. Another label takes nodes out and in."""

    permission = "pool:read"
    serializer_class = PoolSerializer
    create_serializer, change_serializer = NewPool, PoolChange
    listing = Listing(SORTS, FILTERS, ("name", "label_key", "label_value"))

    def rows(self) -> QuerySet[Pool]:
        return pools_in_scope(self.request._request)

    def lock(self, row: Pool) -> None:
        cluster_locked(row.cluster)

    def made(self, values: dict[str, Any]) -> Model:
        return pool_create(actor=self.actor, **values)

    def changed(self, row: Pool, values: dict[str, Any]) -> Effect:
        wanted = {name: getattr(row, name) for name in FIELDS} | values
        effect = self.effect(lambda: self._narrowed(row, wanted["label_key"], wanted["label_value"]))
        pool_update(actor=self.actor, pool=row, expected_version=row.version, **wanted)
        return effect

    def deleted(self, row: Pool) -> Effect:
        effect = self.effect(lambda: pool_delete_rows(pool_impact(row, self.request.user), emptied(row), ""))
        pool_delete(actor=self.actor, pool=row)
        return effect

    def _narrowed(self, pool: Pool, key: str, value: str) -> Effect:
        """What it means that nodes leave."""
        if pool.is_default or (key, value) == (pool.label_key, pool.label_value):
            return ()
        found = preview(pool.cluster, key, value, pool)
        return pool_narrow_rows(pool_impact(pool, self.request.user), found, "") if found.leaving else ()


class NodeSerializer(Given):
    """A machine of a cluster, as last observed. Amounts are what it has for pods."""

    name = serializers.CharField(read_only=True)
    cluster = Reference(read_only=True)
    pool = Reference(read_only=True)
    conflict = Reference(read_only=True, allow_null=True, help_text="Another pool that its labels match, too.")
    state = Word(Node.State, read_only=True)
    state_since = serializers.DateTimeField(read_only=True)
    schedulable = serializers.BooleanField(read_only=True, help_text="Not cordoned.")
    gpu_type = serializers.CharField(read_only=True)
    gpu_count = serializers.IntegerField(read_only=True)
    gpu_memory_bytes = serializers.IntegerField(read_only=True, help_text="Of one GPU.")
    cpu_millicores = serializers.IntegerField(read_only=True)
    memory_bytes = serializers.IntegerField(read_only=True)
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True), read_only=True)
    taints = serializers.ListField(child=serializers.DictField(), read_only=True)


class Nodes(Lists, Gets, Scoped):
    """Nodes that are there."""

    permission = "node:read"
    serializer_class = NodeSerializer
    listing = Listing(
        {"name": ("name",), "id": (), "state_since": ("state_since",)},
        {
            **FILTERS,
            "pool": Filter("The id of a pool.", "pool"),
            "state": Filter("How it is.", "state", "choice", {state.label: state.value for state in Node.State}),
        },
        ("name", "gpu_type"),
    )

    def rows(self) -> QuerySet[Node]:
        return nodes_in_scope(self.request._request).select_related("cluster", "pool", "conflict")
