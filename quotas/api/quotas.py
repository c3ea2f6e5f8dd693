"""Quotas: one by one, or many in one save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.api.base import SCOPE, Scoped, UnitId
from orgs.models import UnitKind
from orgs.scope import limited
from orgs.services.locks import cluster_locked
from portal.api.endpoint import Changes, Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, RowId, Text, Whole, Word
from portal.api.listing import Filter, Listing
from portal.api.writing import Done, written
from portal.errors import Refused
from quotas.edits import Planned
from quotas.effect_words import effect_rows
from quotas.models import Quota
from quotas.models.quota import Rank
from quotas.selectors.access import no_row
from quotas.selectors.effect import effect
from quotas.selectors.pools import pools_in_scope
from quotas.services.quota import MOST_CHANGES, QuotaChange, RefusedCells, quota_clear, quota_set, quotas_save
from quotas.services.quota_rules import values_of


class QuotaSerializer(Given):
    """What a unit is guaranteed in a pool, and how far beyond it may go. Without one the account's default holds."""

    unit = Reference(read_only=True)
    pool = Reference(read_only=True)
    gpu_milli = serializers.IntegerField(read_only=True, help_text="1,000 is one GPU.")
    cpu_millicores = serializers.IntegerField(read_only=True, allow_null=True, help_text="None: not set.")
    memory_bytes = serializers.IntegerField(read_only=True, allow_null=True, help_text="None: not set.")
    over_quota = serializers.BooleanField(read_only=True)
    limit_gpu_milli = serializers.IntegerField(read_only=True, allow_null=True, help_text="None: no limit.")
    limit_cpu_millicores = serializers.IntegerField(read_only=True, allow_null=True)
    limit_memory_bytes = serializers.IntegerField(read_only=True, allow_null=True)
    rank = Word(Rank, read_only=True)
    weight_milli = serializers.IntegerField(read_only=True)
    reclaim_min_runtime_seconds = serializers.IntegerField(read_only=True, allow_null=True)
    preempt_min_runtime_seconds = serializers.IntegerField(read_only=True, allow_null=True)
    version = serializers.IntegerField(read_only=True)


class QuotaValues(serializers.Serializer):
    """Columns of a quota; what is missing stays as it is."""

    gpu_milli = Whole(required=False)
    cpu_millicores = Whole(required=False, allow_null=True)
    memory_bytes = Whole(required=False, allow_null=True)
    over_quota = serializers.BooleanField(required=False)
    limit_gpu_milli = Whole(required=False, allow_null=True)
    limit_cpu_millicores = Whole(required=False, allow_null=True)
    limit_memory_bytes = Whole(required=False, allow_null=True)
    rank = Word(Rank, required=False)
    weight_milli = Whole(required=False)
    reclaim_min_runtime_seconds = Whole(required=False, allow_null=True)
    preempt_min_runtime_seconds = Whole(required=False, allow_null=True)


class NewQuota(QuotaValues):
    """A quota for a unit that has none in the pool."""

    unit = UnitId(UnitKind.DEPARTMENT, UnitKind.PROJECT, help_text="The id of a department or project.")
    pool = RowId(pools_in_scope, "pool", help_text="The id of a pool of its cluster.")


class OneChange(NewQuota):
    """What a unit is to be given in a pool."""

    clear = serializers.BooleanField(default=False, help_text="Take the row away: the default access holds again.")
    expected_version = Whole(
        required=False, help_text="Of the row that you saw, 0 for none: a row changed since is refused."
    )


class ManyChanges(serializers.Serializer):
    """Changes that are saved together, or none of them."""

    changes = OneChange(many=True, allow_empty=False, max_length=MOST_CHANGES)  # type: ignore[call-arg]
    reason = Text(required=False)


class SavedQuotas(serializers.Serializer):
    """The rows as they are now, in the order of the changes; null where there is none."""

    items = serializers.ListField(child=QuotaSerializer(allow_null=True))


class Quotas(Lists, Gets, Creates, Changes, Deletes, Scoped):
    """Quotas. They are changed with the right to the unit above; the guard looks at the result."""

    permission = "quota:read"
    serializer_class = QuotaSerializer
    create_serializer, change_serializer = NewQuota, QuotaValues
    listing = Listing(
        {"id": ()},
        {
            "unit": Filter("The id of a department or project.", "unit"),
            "parent": Filter("The id of a unit: quotas of those right below it.", "unit__parent"),
            "pool": Filter("The id of a pool.", "pool"),
            "scope": SCOPE,
        },
        ("unit__name", "pool__name"),
    )
    taken = {"bulk": ManyChanges}
    answers = {"bulk": {200: SavedQuotas}}

    def rows(self) -> QuerySet[Quota]:
        return limited(Quota.objects.all(), self.request, self.permission, "unit").select_related("unit", "pool")

    def lock(self, row: Quota) -> None:
        cluster_locked(row.unit)

    def made(self, values: dict[str, Any]) -> Model:
        unset = values_of(no_row()) or {}
        return quota_set(actor=self.actor, expected_version=0, **(unset | values))

    def changed(self, row: Quota, values: dict[str, Any]) -> Effect:
        wanted = (values_of(row) or {}) | values
        found = self.effect(lambda: self._effect([QuotaChange(row.unit, row.pool, wanted)]))
        quota_set(actor=self.actor, unit=row.unit, pool=row.pool, expected_version=row.version, **wanted)
        return found

    def deleted(self, row: Quota) -> Effect:
        found = self.effect(lambda: self._effect([QuotaChange(row.unit, row.pool, None)]))
        quota_clear(actor=self.actor, unit=row.unit, pool=row.pool, expected_version=row.version)
        return found

    @action(["post"], detail=False)
    def bulk(self, request: Request) -> Response:
        """Many quotas in one save: all of them or none. What one unit gives up another may take."""
        sent = self.read_in(ManyChanges)
        changes = self._changes(sent["changes"])

        def act() -> Done:
            found = self.effect(lambda: self._effect(changes))
            try:
                quotas_save(actor=self.actor, changes=changes, reason=sent.get("reason", ""))
            except RefusedCells as refusal:
                raise serializers.ValidationError({"changes": _by_place(refusal, changes)}) from None
            rows = self._rows_of(changes)
            items = [rows.get(change.cell) for change in changes]
            return Done(200, {"items": [row and self.get_serializer(row).data for row in items]}, effect=found)

        return written(request, act, once=True)

    def _changes(self, sent: Sequence[dict[str, Any]]) -> list[QuotaChange]:
        """Each on top of what the row is now."""
        found = [QuotaChange(one.pop("unit"), one.pop("pool"), one, one.pop("expected_version", None)) for one in sent]
        now = self._rows_of(found)
        changes = []
        for change in found:
            values = dict(change.values or {})
            row = now.get(change.cell)
            on_top = None if values.pop("clear") else (values_of(row or no_row()) or {}) | values
            changes.append(QuotaChange(change.unit, change.pool, on_top, change.expected_version))
        return changes

    def _rows_of(self, changes: Sequence[QuotaChange]) -> dict[tuple[int, int], Quota]:
        units, pools = {change.unit.pk for change in changes}, {change.pool.pk for change in changes}
        rows = self.rows().filter(unit__in=units, pool__in=pools)
        return {(row.unit_id, row.pool_id): row for row in rows}

    def _effect(self, changes: list[QuotaChange]) -> Effect:
        plan = Planned(changes=changes, now=self._rows_of(changes))
        return effect_rows(effect(self.request.user, plan))


def _by_place(refusal: RefusedCells, changes: Sequence[QuotaChange]) -> dict[str, Any]:
    """The words of each refused cell under its place in what was sent."""
    found: dict[str, Any] = {}
    for place, change in enumerate(changes):
        why = refusal.cells.get(change.cell)
        if why is None:
            continue
        fields = why.message_dict if isinstance(why, Refused) and hasattr(why, "error_dict") else None
        found[str(place)] = fields or (why.messages if isinstance(why, Refused) else [str(why)])
    return found
