"""What does not add up, and how that is guarded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from orgs.api.base import SCOPE, OfTheAccount, Scoped
from orgs.models import OrgUnit
from portal.api.endpoint import Changes, Effect, Gets, Lists
from portal.api.fields import Reference, Word
from portal.api.listing import Filter, Listing
from portal.api.writing import etag_of
from portal.errors import Refused
from quotas.finding_words import finding_words
from quotas.guard import Level
from quotas.models import GuardFinding, GuardSetting
from quotas.resources import RESOURCES
from quotas.selectors.finding import LEVELS, FindingLine, finding_lines, findings_seen
from quotas.selectors.guard import KEYS
from quotas.selectors.guard_lines import GuardLine, guard_lines, guarded_units
from quotas.services.guard_setting import guard_set


class Concerned(serializers.Serializer):
    """A unit right below, and what it is guaranteed."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    guaranteed = serializers.IntegerField()


class FindingSerializer(serializers.Serializer):
    """Something guaranteed that does not add up. Amounts are in the unit that `measured_in` names."""

    id = serializers.IntegerField(source="finding.pk", read_only=True)
    text = serializers.SerializerMethodField()
    unit = Reference(source="finding.unit", read_only=True, help_text="The department or cluster that has too little.")
    pool = Reference(source="finding.pool", read_only=True, allow_null=True, help_text="None: of all pools together.")
    resource = serializers.SerializerMethodField()
    measured_in = serializers.SerializerMethodField()
    compared = serializers.SerializerMethodField(help_text="`departments` or `hardware`.")
    sum = serializers.IntegerField(source="finding.sum", read_only=True)
    ceiling = serializers.IntegerField(source="finding.ceiling", read_only=True)
    over = serializers.IntegerField(source="finding.over", read_only=True)
    not_ready = serializers.IntegerField(source="lost", read_only=True, help_text="Of hardware: on nodes not ready.")
    concerned = serializers.SerializerMethodField()
    since = serializers.DateTimeField(source="finding.since", read_only=True)
    resolved_at = serializers.DateTimeField(source="finding.resolved_at", read_only=True, allow_null=True)

    def get_text(self, line: FindingLine) -> str:
        return finding_words(line.finding)

    def get_resource(self, line: FindingLine) -> str:
        return KEYS[line.finding.resource]

    def get_measured_in(self, line: FindingLine) -> str:
        return RESOURCES[KEYS[line.finding.resource]].field

    def get_compared(self, line: FindingLine) -> str:
        return next(name for name, level in LEVELS.items() if level == line.finding.level)

    @extend_schema_field(Concerned(many=True))
    def get_concerned(self, line: FindingLine) -> list[dict[str, Any]]:
        return [{"id": unit.pk, "name": unit.name, "guaranteed": amount} for unit, amount in line.concerned]


class Findings(Lists, Gets, Scoped):
    """Findings of units whose quotas you may see. They resolve by themselves; resolved ones are kept for 90 days."""

    permission = "quota:read"
    serializer_class = FindingSerializer
    listing = Listing(
        {"since": ("since",), "id": ()},
        {
            "open": Filter("Whether it is wrong still.", "resolved_at__isnull", "flag"),
            "unit": Filter("The id of a department or cluster.", "unit"),
            "pool": Filter("The id of a pool.", "pool"),
            "resource": Filter("What of.", "resource", "choice", {key: at for at, key in enumerate(KEYS)}),
            "compared": Filter("With what.", "level", "choice", LEVELS),
            "scope": SCOPE,
        },
        ("unit__name", "pool__name"),
        usual="-since",
    )

    def rows(self) -> QuerySet[GuardFinding]:
        return findings_seen(self.request._request)

    def prepared(self, rows: Sequence[GuardFinding]) -> Sequence[FindingLine]:
        return finding_lines(rows)

    def etag(self, row: Any, body: Any) -> str:
        return etag_of(None, body)


class WatchSerializer(serializers.Serializer):
    """How one comparison is guarded."""

    mode = Word(GuardSetting.Mode)
    resources = serializers.ListField(child=serializers.ChoiceField(list(KEYS)))
    own = serializers.BooleanField(read_only=True, help_text="Set here; else as the account has it, or nobody.")


class GuardSerializer(serializers.Serializer):
    """How over-subscription is guarded in the account, or in a cluster."""

    id = serializers.IntegerField(source="unit.pk", read_only=True)
    unit = Reference(read_only=True)
    departments = serializers.SerializerMethodField()
    hardware = serializers.SerializerMethodField()

    @extend_schema_field(WatchSerializer)
    def get_departments(self, line: GuardLine) -> Any:
        return _watched(line, Level.CHILDREN)

    @extend_schema_field(WatchSerializer)
    def get_hardware(self, line: GuardLine) -> Any:
        return _watched(line, Level.HARDWARE)


def _watched(line: GuardLine, level: Level) -> Any:
    (cell,) = (cell for cell in line.cells if cell.level == level)
    watch = {"mode": cell.watch.mode, "resources": cell.watch.resources, "own": cell.own}
    return WatchSerializer(watch).data


class GuardChange(serializers.Serializer):
    """Another guard; null, of a cluster: as the account has it."""

    departments = WatchSerializer(required=False, allow_null=True)
    hardware = WatchSerializer(required=False, allow_null=True)


class Guards(Lists, Gets, Changes, OfTheAccount):
    """How what does not add up is guarded: in the account, and where a cluster has it otherwise. By the unit's id."""

    permission = "settings:read"
    serializer_class = GuardSerializer
    change_serializer = GuardChange
    listing = Listing({"id": ()})

    def rows(self) -> QuerySet[OrgUnit]:
        return guarded_units(self.request.user)

    def prepared(self, rows: Sequence[OrgUnit]) -> Sequence[GuardLine]:
        return guard_lines(self.request.user, rows)

    def etag(self, row: Any, body: Any) -> str:
        return etag_of(None, body)

    def changed(self, row: GuardLine, values: dict[str, Any]) -> Effect:
        now = {cell.level: cell.watch for cell in row.cells}
        for name, watch in values.items():
            level = LEVELS[name]
            as_it_is = {"mode": now[level].mode, "resources": now[level].resources}
            how = {"mode": None} if watch is None else as_it_is | watch
            try:
                guard_set(actor=self.actor, scope=row.unit, level=level, **how)
            except Refused as refusal:
                raise serializers.ValidationError({name: refusal.message_dict}) from None
        return ()
