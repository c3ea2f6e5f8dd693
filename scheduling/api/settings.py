"""Settings of the account, and the order of pools of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from orgs.access import within
from orgs.api.base import OfTheAccount, Scoped
from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.scope import limited
from orgs.services.locks import cluster_locked
from portal.api.endpoint import Changes, Effect, Gets, Lists
from portal.api.fields import Reference, Text, Whole
from portal.api.writing import etag_of
from quotas.access_words import closing_rows
from quotas.selectors.access import closing, pools_closed
from quotas.selectors.pool_order import PoolOrder, pool_order
from quotas.services.access import default_access_set
from quotas.services.pool_order import pool_order_set
from scheduling.models import PoolChoice
from scheduling.services.pool_choice import pool_choice_set


@dataclass(frozen=True, slots=True)
class Account:
    """The account with what is set in it."""

    unit: OrgUnit
    closed_pools: bool
    choice: PoolChoice


class SettingsSerializer(serializers.Serializer):
    """What is set for the whole account. The guard: see `guards/`."""

    id = serializers.IntegerField(source="unit.pk", read_only=True)
    account = serializers.CharField(source="unit.name", read_only=True)
    closed_pools = serializers.BooleanField(
        read_only=True, help_text="Pools are closed to units that have no quota there."
    )
    pool_wait_seconds = serializers.IntegerField(
        source="choice.wait_seconds", read_only=True, help_text="So long work waits in a pool before another is tried."
    )
    pool_most_moves = serializers.IntegerField(
        source="choice.most_moves", read_only=True, help_text="Of one workload, to a pool that it prefers less."
    )


class SettingsChange(serializers.Serializer):
    """What is to be set otherwise."""

    closed_pools = serializers.BooleanField()
    pool_wait_seconds = Whole()
    pool_most_moves = Whole()


class Settings(Lists, Gets, Changes, OfTheAccount):
    """Settings of the account: a list of one."""

    permission = "settings:read"
    serializer_class = SettingsSerializer
    change_serializer = SettingsChange

    def rows(self) -> QuerySet[OrgUnit]:
        accounts = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT, state=UnitState.ACTIVE)
        return within(accounts, self.request.user, self.permission)

    def prepared(self, rows: Sequence[OrgUnit]) -> Sequence[Account]:
        return [Account(row, pools_closed(), PoolChoice.current()) for row in rows]

    def etag(self, row: Any, body: Any) -> str:
        return etag_of(None, body)

    def changed(self, row: Account, values: dict[str, Any]) -> Effect:
        effect: Effect = ()
        closed = values.get("closed_pools", row.closed_pools)
        if closed != row.closed_pools:
            effect = self.effect(lambda: closing_rows(closing(self.request.user)) if closed else ())
            default_access_set(actor=self.actor, closed=closed)
        pool_choice_set(
            actor=self.actor,
            wait_seconds=values.get("pool_wait_seconds", row.choice.wait_seconds),
            most_moves=values.get("pool_most_moves", row.choice.most_moves),
        )
        return effect


@dataclass(frozen=True, slots=True)
class Ordered:
    """A unit with the order that holds for its work."""

    unit: OrgUnit
    order: PoolOrder

    @property
    def own(self) -> bool:
        return self.order.source == self.unit


class PoolOrderSerializer(serializers.Serializer):
    """In which pools the work of a department or project is tried."""

    id = serializers.IntegerField(source="unit.pk", read_only=True)
    unit = Reference(read_only=True)
    pools = serializers.ListField(child=serializers.CharField(), source="order.names", read_only=True)
    own = serializers.BooleanField(read_only=True, help_text="Set here; else by a unit above, or by nobody.")


class PoolOrderChange(serializers.Serializer):
    """Another order."""

    pools = serializers.ListField(child=Text(), help_text="Names, the first is tried first; none: as the unit above.")


class PoolOrders(Gets, Changes, Scoped):
    """The order of pools of a department or project, by its id. It holds for what is submitted from then on."""

    permission = "scheduling_rule:read"
    serializer_class = PoolOrderSerializer
    change_serializer = PoolOrderChange

    def rows(self) -> QuerySet[OrgUnit]:
        kinds = (UnitKind.DEPARTMENT, UnitKind.PROJECT)
        units = OrgUnit.objects.filter(kind__in=kinds, state=UnitState.ACTIVE)
        return limited(units, self.request._request, self.permission)

    def prepared(self, rows: Sequence[OrgUnit]) -> Sequence[Ordered]:
        return [Ordered(row, pool_order(row)) for row in rows]

    def etag(self, row: Any, body: Any) -> str:
        return etag_of(None, body)

    def lock(self, row: Ordered) -> None:
        cluster_locked(row.unit)

    def changed(self, row: Ordered, values: dict[str, Any]) -> Effect:
        if "pools" in values:
            pool_order_set(actor=self.actor, unit=row.unit, pools=values["pools"])
        return ()
