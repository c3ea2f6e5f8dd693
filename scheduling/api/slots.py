"""What of one size starts now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.access import NotVisible
from orgs.models import OrgUnit
from portal.api.endpoint import Endpoint
from portal.api.fields import Reference
from portal.api.listing import Filter
from portal.api.problems import BadParameter
from portal.errors import Refused
from quotas.models import Pool
from scheduling.engine.types import Request as Size
from scheduling.quantities import DEVICE_MILLI
from scheduling.selectors.my_work import submit_projects
from scheduling.selectors.slots import MOST_PODS, slots_in
from scheduling.selectors.visible import CREATE_WORK
from scheduling.services.workload_rules import check_cluster, shape_problems

USUAL = {"devices": 1, "device_milli": DEVICE_MILLI, "cpu_millicores": 1000, "memory_bytes": 2**30}


class SlotsSerializer(serializers.Serializer):
    """In one pool: how many such pods would start together now, and what they would be."""

    pool = Reference()
    pods = serializers.IntegerField(help_text=f"At most {MOST_PODS:,}; 0: none would start now.")
    guaranteed_gpu_milli = serializers.IntegerField(help_text="Of all of them, what is inside the project's quota.")
    over_gpu_milli = serializers.IntegerField(help_text="And what is above it: it may be taken back.")
    text = serializers.CharField(help_text="The same in words; where none starts, why.")
    note = serializers.CharField(allow_blank=True)


class SlotsAnswer(serializers.Serializer):
    """What starts now of one size, by pool."""

    project = Reference()
    items = SlotsSerializer(many=True)


class Slots(Endpoint):
    """How many pods of one size a project that you may submit to could start now, in each pool of its cluster: the
    forecast that a submission is tried with."""

    permission = CREATE_WORK
    serializer_class = SlotsAnswer
    answers = {"list": {200: SlotsAnswer}}
    asked: ClassVar[Mapping[str, Mapping[str, Filter]]] = {
        "list": {
            "project": Filter("The id of a project that you may submit to.", needed=True),
            "devices": Filter("GPUs of each pod; usually 1."),
            "device_milli": Filter("Of each of them; 500 is half. Usually 1,000."),
            "cpu_millicores": Filter("Of each pod; usually 1,000."),
            "memory_bytes": Filter("Of each pod; usually 1 GiB."),
            "preemptible": Filter("Whether it may be displaced; usually true.", kind="flag"),
        }
    }

    def rows(self) -> QuerySet[OrgUnit]:
        return submit_projects(self.request.user, None)

    def list(self, request: Request) -> Response:
        """What starts now."""
        filters, asked = self.asked["list"], request.query_params
        read: dict[str, Any] = {name: one.value(name, asked[name]) for name, one in filters.items() if name in asked}
        if "project" not in read:
            raise BadParameter("project", "Say for which project: give the id of one that you may submit to.")
        project = self.rows().filter(pk=read.pop("project")).first()
        if project is None:
            raise NotVisible("There is no such project, or you may not submit to it.")
        preemptible = read.pop("preemptible", True)
        size = _size(project, USUAL | read)
        pools = list(Pool.objects.filter(cluster=project.cluster_id).order_by("name"))
        found = {"project": project, "items": slots_in(project, pools, size, preemptible=preemptible)}
        return Response(SlotsAnswer(found).data)


def _size(project: OrgUnit, read: dict[str, Any]) -> Size:
    """As a submission may ask for it."""
    shape = {"pods": 1, "min_pods": None, "gpu_memory_mib": 0, **read}
    wrong = shape_problems(shape)
    try:
        check_cluster(project, {"": shape})
    except Refused as refusal:
        wrong |= {name: " ".join(words) for name, words in refusal.message_dict.items()}
    for name, words in wrong.items():
        raise BadParameter(name, words)
    return Size(**read)
