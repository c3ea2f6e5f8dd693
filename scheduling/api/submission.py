"""What a workload is submitted with, and what is answered while it is only tried."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from orgs.api.base import UnitId
from orgs.models import UnitKind
from portal.api.endpoint import Effect
from portal.api.fields import RowId, Text, Whole, Word
from quotas.models import Pool
from quotas.selectors.pools import topologies_in_scope
from scheduling.forecast import Outcome
from scheduling.models import Priority, SubGroup, Workload
from scheduling.selectors.asks import ask_of
from scheduling.selectors.offers import Outlook
from scheduling.selectors.sooner import sooner
from scheduling.services.workload_rules import PodGroup

TONES = {Outcome.NOW: "kept", Outcome.AFTER_RECLAIM: "change", Outcome.NEVER: "danger"}


class Shape(serializers.Serializer):
    """What a group of pods asks for; amounts are for each pod."""

    pods = Whole(default=1)
    min_pods = Whole(required=False, allow_null=True, help_text="So many must start together; none: all.")
    devices = Whole(default=0, help_text="GPUs.")
    device_milli = Whole(default=1000, help_text="Of each of them; 500 is half.")
    gpu_memory_mib = Whole(default=0, help_text="Instead of a share: so much memory of each.")
    cpu_millicores = Whole()
    memory_bytes = Whole()


class PodGroupInput(Shape):
    """Pods that ask for something else than the first group."""

    name = Text()

    def to_internal_value(self, data: Any) -> PodGroup:
        return PodGroup(**super().to_internal_value(data))


class Toleration(serializers.Serializer):
    """As in Kubernetes."""

    key = Text(required=False)
    operator = Text(required=False)
    value = Text(required=False)
    effect = Text(required=False)


class Wishes(serializers.Serializer):
    """What is said of a workload in the words of Bursar, however its pods are described."""

    project = UnitId(UnitKind.PROJECT, help_text="The id of a project.")
    near_topology = RowId(
        topologies_in_scope, "topology", required=False, allow_null=True, help_text="The id of a topology."
    )
    near_required = Text(required=False, help_text="All pods in one domain of this level.")
    near_preferred = Text(required=False, help_text="If possible in one of this level.")
    priority = Word(Priority, required=False)
    preemptible = serializers.BooleanField(required=False)
    preemption_delay_seconds = Whole(required=False)
    pools = serializers.ListField(child=Text(), required=False, help_text="Names, the first is tried first.")
    run_seconds = Whole(required=False, allow_null=True, help_text="Of a simulated run.")
    fail_after_seconds = Whole(required=False, allow_null=True, help_text="Of a simulated run that fails.")


class NewWorkload(Wishes, Shape):
    """A workload to be run as soon as there is room."""

    kind = Word(Workload.Kind)
    name = Text()
    image = Text()
    command = serializers.ListField(child=Text(), required=False)
    env = serializers.DictField(child=Text(), required=False, help_text="Never given again.", write_only=True)
    group = Text(required=False, help_text="What the first group is called.")
    more_groups = PodGroupInput(many=True, required=False)
    node_labels = serializers.DictField(child=Text(), required=False)
    tolerations = Toleration(many=True, required=False)
    retries = Whole(required=False, help_text="So many of a training's pods may fail before it has failed.")


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}]})
class Manifest(serializers.Field):
    """A Kubernetes document, as text or as an object. What is wrong with it the service says."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class NewFromManifest(Wishes):
    """A workload that a Kubernetes document describes: a Job, a JobSet, a StatefulSet or a Deployment."""

    manifest = Manifest(write_only=True, help_text="The document, as YAML text or as an object. Never given again.")


class Clone(NewWorkload):
    """What the new one has otherwise."""

    def get_fields(self) -> Any:
        fields = super().get_fields()
        for field in fields.values():
            field.required, field.default = False, empty
        return fields


def foretold(workload: Workload) -> Effect:
    """Whether it would start, in each pool of its order, and what would start sooner: as Submit answers."""
    groups = list(SubGroup.objects.filter(workload=workload).order_by("pk"))
    ask = ask_of(workload.preemptible, groups, workload.near_required)
    pools = {pool.name: pool for pool in Pool.objects.filter(cluster=workload.cluster_id)}
    names = workload.spec.spec["pools"]
    order = [pools[name] for name in names]
    unused = [pool for name, pool in pools.items() if name not in names]
    outlook = Outlook(workload.project, [*order, *unused], ask.node_labels)
    answers = [outlook.answer(pool, ask, workload.priority, workload) for pool in order]
    lines = [
        {"text": one.sentence, "tone": TONES.get(one.outcome, "over"), "names": one.note, "figure": one.pool.name}
        for one in answers
    ]
    others = [{"text": one.title, "tone": "change", "names": one.note} for one in sooner(outlook, order, unused, ask)]
    return [*lines, *others]
