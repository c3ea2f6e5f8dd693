"""Cycles of the loops, and what they decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from orgs.access import may
from orgs.api.base import SCOPE, Scoped
from orgs.models import OrgUnit
from orgs.scope import below
from portal.api.endpoint import Gets, Lists
from portal.api.fields import Given, Reference, Word
from portal.api.listing import Filter, Listing
from quotas.models import Node, Pool
from quotas.selectors.pools import pools_in_scope
from scheduling.models import CycleReport, Decision, Workload
from scheduling.reasons import evict_reason
from scheduling.selectors.names import unit_namer, workload_words
from scheduling.selectors.visible import READ_WORK, visible_workloads


@dataclass(frozen=True, slots=True)
class Told:
    """A decision with what it names, as far as the reader may know it."""

    decision: Decision
    workload: Workload
    pool: Pool | None
    node: Node | None
    reason: str

    @property
    def pk(self) -> int:
        return self.decision.pk


class DecisionSerializer(Given):
    """One thing that a loop decided about a pod, and what came of it."""

    at = serializers.DateTimeField(source="decision.at", read_only=True)
    kind = Word(Decision.Kind, source="decision.kind", read_only=True)
    state = Word(Decision.State, source="decision.state", read_only=True)
    workload = Reference(read_only=True)
    pool = Reference(read_only=True, allow_null=True)
    cycle = serializers.IntegerField(source="decision.cycle", read_only=True)
    pod = serializers.IntegerField(source="decision.pod", read_only=True, help_text="Pods have numbers of their own.")
    node = Reference(read_only=True, allow_null=True, help_text="None as well for who may not see nodes there.")
    code = serializers.CharField(source="decision.code", read_only=True, help_text="Of what was stopped: why.")
    reason = serializers.CharField(read_only=True, help_text="The same in words.")
    error = serializers.CharField(source="decision.error", read_only=True)


class Decisions(Lists, Gets, Scoped):
    """What loops decided about workloads that you may see."""

    permission = READ_WORK
    serializer_class = DecisionSerializer
    listing = Listing(
        {"id": ()},
        {
            "workload": Filter("The id of a workload.", "workload"),
            "pool": Filter("The id of a pool.", "pool"),
            "cycle": Filter("The number of a cycle; with `pool`.", "cycle"),
            "kind": Filter("What was decided.", "kind", "choice", {one.label: one.value for one in Decision.Kind}),
            "state": Filter("How far it is.", "state", "choice", {one.label: one.value for one in Decision.State}),
            "since": Filter("Decided then or later.", "at__gte", "time"),
            "until": Filter("Decided before.", "at__lt", "time"),
            "scope": SCOPE,
        },
        usual="-id",
    )

    def rows(self) -> QuerySet[Decision]:
        scope: OrgUnit | None = getattr(self.request._request, "unit_scope", None)
        seen = visible_workloads(self.request.user).filter(below(scope, "project"))
        return Decision.objects.filter(workload__in=seen.values("pk"))

    def prepared(self, rows: Sequence[Decision]) -> Sequence[Told]:
        user, own = self.request.user, {row.workload for row in rows}
        work = Workload.objects.select_related("project").in_bulk(own)
        pools = Pool.objects.in_bulk({row.pool for row in rows})
        nodes = Node.objects.in_bulk({row.node for row in rows if row.node})
        others = workload_words(user, {row.for_workload for row in rows if row.for_workload})
        name_of = unit_namer([row.numbers for row in rows])
        told = []
        for row in rows:
            evicts = row.kind == Decision.Kind.EVICT
            other = others.get(row.for_workload or 0, "a workload that is gone")
            reason = evict_reason(row.code, row.numbers, other, name_of) if evicts else ""
            workload = work[row.workload]
            node = nodes.get(row.node or 0) if may(user, "read", "node", workload.project) else None
            told.append(Told(row, workload, pools.get(row.pool), node, reason))
        return told


class CycleSerializer(Given):
    """A cycle that decided something. Times are microseconds."""

    pool = Reference(read_only=True)
    cycle = serializers.IntegerField(read_only=True)
    at = serializers.DateTimeField(read_only=True)
    took_us = serializers.IntegerField(read_only=True)
    timings = serializers.DictField(child=serializers.IntegerField(), read_only=True, help_text="Of each phase.")
    counts = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="Pods, by what was done."
    )


def _evicting(rows: QuerySet[Any], wanted: bool) -> QuerySet[Any]:
    return rows.filter(evicts__gt=0) if wanted else rows.filter(evicts=0)


class Cycles(Lists, Gets, Scoped):
    """Cycles of the last 7 days. What one decided: `decisions/?pool=…&cycle=…`."""

    permission = "scheduler:read"
    serializer_class = CycleSerializer
    listing = Listing(
        {"at": ("at",), "took_us": ("took_us",)},
        {
            "pool": Filter("The id of a pool.", "pool"),
            "cycle": Filter("Its number; with `pool`.", "cycle"),
            "evicting": Filter("Whether it stopped or moved work.", kind="flag", apply=_evicting),
            "since": Filter("Then or later.", "at__gte", "time"),
            "until": Filter("Before.", "at__lt", "time"),
            "scope": SCOPE,
        },
        usual="-at",
    )

    def rows(self) -> QuerySet[CycleReport]:
        pools = pools_in_scope(self.request._request).order_by()
        return CycleReport.objects.filter(pool__in=pools.values("pk")).select_related("pool").defer("served")
