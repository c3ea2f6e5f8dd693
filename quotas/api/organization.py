"""The organization as one document: given as it is, and made as it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.models import OrgUnit
from orgs.scope import visible_units
from orgs.selectors.impact import unit_impact
from orgs.words import impact_rows
from portal.api.endpoint import Effect, Endpoint
from portal.api.fields import Text, Whole
from portal.api.listing import Filter
from portal.api.problems import Changed
from portal.api.writing import Done, written
from quotas.declared import KINDS, Declared, Values, differences, digest
from quotas.models import Pool
from quotas.models.pool import CPU_PLACEMENTS
from quotas.models.quota import Rank
from quotas.selectors.declared import moment, organization_of, pool_values, quota_values
from quotas.services.organization import OtherChanges, organization_apply

MOST_ROWS = 20_000
UNSET_POOL, UNSET_QUOTA = pool_values(Pool()), quota_values(None)
"""What holds where a document says nothing."""


class UnitRow(serializers.Serializer):
    """A department or project, by the names on the way to it."""

    path = Text(help_text="`north/vision/vis-3d`")
    description = Text(default="")


class PoolRow(serializers.Serializer):
    """A node pool. The default pool has no label."""

    cluster = Text()
    name = Text()
    label_key = Text(default="")
    label_value = Text(default="")
    gpu_placement = serializers.ChoiceField(Pool.Placement.labels, default=UNSET_POOL["gpu_placement"])
    cpu_placement = serializers.ChoiceField(
        [Pool.Placement(one).label for one in CPU_PLACEMENTS], default=UNSET_POOL["cpu_placement"]
    )
    min_runtime_seconds = Whole(default=0)
    topology = Text(default=None, allow_null=True, help_text="Its name.")
    staleness_grace_seconds = Whole(default=60, allow_null=True)
    disruptions_per_workload = Whole(default=None, allow_null=True)
    disruptions_per_cycle = Whole(default=None, allow_null=True)
    disruption_budget_delay_seconds = Whole(default=600, allow_null=True)
    history_weight_milli = Whole(default=0)
    history_half_life_hours = Whole(default=None, allow_null=True)
    history_window_days = Whole(default=7)


class QuotaRow(serializers.Serializer):
    """A quota; what is not said is as where there is none."""

    unit = Text(help_text="The path of a department or project.")
    pool = Text(help_text="The name of a pool of its cluster.")
    gpu_milli = Whole(default=0)
    cpu_millicores = Whole(default=None, allow_null=True)
    memory_bytes = Whole(default=None, allow_null=True)
    over_quota = serializers.BooleanField(default=True)
    limit_gpu_milli = Whole(default=None, allow_null=True)
    limit_cpu_millicores = Whole(default=None, allow_null=True)
    limit_memory_bytes = Whole(default=None, allow_null=True)
    rank = serializers.ChoiceField(Rank.labels, default=UNSET_QUOTA["rank"])
    weight_milli = Whole(default=UNSET_QUOTA["weight_milli"])
    reclaim_min_runtime_seconds = Whole(default=None, allow_null=True)
    preempt_min_runtime_seconds = Whole(default=None, allow_null=True)


class RuleRow(serializers.Serializer):
    """Who has which role where."""

    scope = Text(help_text="The path of a unit, a cluster's name, or `/` for the account.")
    subject = Text(help_text="An address, or the name of a group or application.")
    role = Text(help_text="Its name.")
    expires_at = serializers.DateTimeField(default=None, allow_null=True)


class Document(serializers.Serializer):
    """An organization. A kind that is missing is not looked at."""

    pools = PoolRow(many=True, required=False, max_length=MOST_ROWS)  # type: ignore[call-arg]
    departments = UnitRow(many=True, required=False, max_length=MOST_ROWS)  # type: ignore[call-arg]
    projects = UnitRow(many=True, required=False, max_length=MOST_ROWS)  # type: ignore[call-arg]
    quotas = QuotaRow(many=True, required=False, max_length=MOST_ROWS)  # type: ignore[call-arg]
    rules = RuleRow(many=True, required=False, max_length=MOST_ROWS)  # type: ignore[call-arg]


class Wanted(serializers.Serializer):
    """What is to be made, and how."""

    document = Document()
    prune = serializers.BooleanField(
        default=False, help_text="What the document does not have, of its kinds and clusters, goes."
    )
    plan = Text(default="", help_text="As a dry run answered it: other changes are refused with 412.")
    reason = Text(default="", help_text="Stands in the history of quotas.")


class DifferenceSerializer(serializers.Serializer):
    """One difference."""

    action = serializers.ChoiceField(["create", "change", "move", "delete"])
    kind = serializers.ChoiceField(KINDS)
    name = serializers.CharField()
    before = serializers.DictField(help_text="The fields that differ.")
    after = serializers.DictField()


class Applied(serializers.Serializer):
    """What was done, in its order; nothing where there was no difference."""

    plan = serializers.CharField(help_text="Stands for these changes.")
    changes = DifferenceSerializer(many=True)


KEYS = {
    "pool": ("cluster", "name"),
    "department": ("path",),
    "project": ("path",),
    "quota": ("unit", "pool"),
    "rule": ("scope", "subject", "role"),
}


ROWS: dict[str, type[serializers.Serializer]] = {
    "pool": PoolRow,
    "department": UnitRow,
    "project": UnitRow,
    "quota": QuotaRow,
    "rule": RuleRow,
}


class Organization(Endpoint):
    """Departments, projects, pools, quotas and access rules that you may see, by their names."""

    permission = "project:read"
    serializer_class = Document
    taken = {"apply": Wanted}
    answers = {"apply": {200: Applied}, "export": {200: Document}}
    asked: ClassVar[Mapping[str, Mapping[str, Filter]]] = {"export": {}}

    def rows(self) -> QuerySet[OrgUnit]:
        return visible_units(self.request.user)

    @action(["get"], detail=False)
    def export(self, request: Request) -> Response:
        """The organization as a document that makes no difference when it is applied. What is as usual is left out."""
        declared = organization_of(request.user).declared
        return Response({f"{kind}s": _rows(kind, declared) for kind in KINDS})

    @action(["post"], detail=False)
    def apply(self, request: Request) -> Response:
        """Makes the organization as a document says: all of it or nothing. A dry run answers what would change."""
        sent = self.read_in(Wanted)
        wanted = _declared(sent["document"])

        def act() -> Done:
            seen = self.effect(lambda: self._goes(wanted)) if sent["prune"] else ()
            try:
                changes = organization_apply(
                    actor=self.actor,
                    wanted=wanted,
                    prune=sent["prune"],
                    expected=sent["plan"],
                    reason=sent["reason"],
                )
            except OtherChanges as other:
                raise Changed(str(other.messages[0])) from None
            body = {"plan": digest(changes), "changes": [change.told() for change in changes]}
            return Done(200, body, effect=seen)

        return written(request, act, once=True)

    def _goes(self, wanted: Declared) -> Effect:
        """What goes along with the units that go."""
        now = organization_of(self.request.user)
        rows: list[dict[str, Any]] = []
        for change in differences(now.declared, wanted.resolved(now.declared), prune=True):
            if change.action == "delete" and change.kind in ("department", "project"):
                unit = now.units[change.key[0]]
                rows += impact_rows(unit_impact(unit, self.request.user), unit)
        return rows


def _declared(document: dict[str, Any]) -> Declared:
    """What was sent, by kind and key. What is there twice is refused."""
    things: dict[str, Any] = {}
    for kind in (kind for kind in KINDS if f"{kind}s" in document):
        rows = things[kind] = {}
        for place, row in enumerate(document[f"{kind}s"]):
            key = tuple(row.pop(name) for name in KEYS[kind])
            key = (f"{key[0].rstrip('/')}/",) if kind == "department" else key
            if key in rows:
                raise serializers.ValidationError(
                    {f"{kind}s": {str(place): {KEYS[kind][0]: ["This is there twice. Keep one of the two."]}}}
                )
            rows[key] = row
    for row in things.get("rule", {}).values():
        row["expires_at"] = moment(row["expires_at"])
    return Declared(things)


def _rows(kind: str, declared: Declared) -> list[Values]:
    """As a document has them; what is as usual is left out."""
    usual = {name: field.default for name, field in ROWS[kind]().fields.items()}
    projects = {path for (path,) in declared.of("project")}
    rows = []
    for key, values in sorted(declared.of(kind).items()):
        # A slash at the end says that the department is meant, where a project beside it has its name.
        bare = key[0].rstrip("/") or key[0]
        place = key[0] if bare in projects and kind in ("quota", "rule") else bare
        named = dict(zip(KEYS[kind], (place, *key[1:]), strict=True))
        rows.append(named | {name: value for name, value in values.items() if value != usual[name]})
    return rows
