"""Submit a Kubernetes document: what it asks for, whether it will start, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from orgs.models import OrgUnit
from portal.errors import Refused
from portal.formats import cores, counted, gpus_counted, memory
from scheduling.asking import Ask
from scheduling.engine.remedies import RemedyCode
from scheduling.engine.types import Request
from scheduling.forms import WishesForm, YamlForm
from scheduling.models import Workload
from scheduling.selectors.asks import tolerations_of
from scheduling.selectors.offers import PoolAnswer
from scheduling.services.workload import same_again
from scheduling.services.workload_access import GANGS, may_change
from scheduling.services.workload_rules import shape_problems
from scheduling.services.workload_yaml import is_yaml, submitted, workload_submit_yaml
from scheduling.submitted_yaml import written

from .submit import SubmitPage

SHAPE = ("pods", "devices", "cpu_millicores", "memory_bytes")
NO_SHARE = {"min_pods": None, "device_milli": 1000, "gpu_memory_mib": 0}
"""Documents ask for whole GPUs."""


class SubmitYamlPage(SubmitPage):
    template_name = "scheduling/submit_yaml.html"
    fragment_template = "scheduling/submit_yaml_live.html"
    takes_yaml = True

    def read(self, given: QueryDict) -> None:
        """Also the document: what it asks for, or what is wrong with it."""
        super().read(given)
        self.asked: dict[str, Any] = {}
        self.problems: list[str] = []
        text = given.get("manifest", "")
        if self.chosen is None or not text.strip():
            return
        try:
            self.asked = submitted(self.chosen, text).asked
        except Refused as refusal:
            self.problems = refusal.message_dict["manifest"]

    def form_of(self, data: QueryDict | None, **given: Any) -> WishesForm:
        return YamlForm(data, problems=self.problems, **given)

    def ask(self, values: Mapping[str, Any]) -> Ask | None:
        asked = self.asked
        if not asked:
            return None
        shapes = _shapes(asked)
        if any(shape_problems(shape | NO_SHARE) for shape in shapes):
            return None
        first, *others = [_part(shape, asked["kind"]) for shape in shapes]
        return Ask(
            *first,
            bool(values.get("preemptible")),
            tuple(others),
            node_labels=asked["node_labels"],
            tolerations=tolerations_of(asked["tolerations"]),
            level=str(values.get("near_required") or "").partition(":")[2],
        )

    def answers(self, values: Mapping[str, Any]) -> list[PoolAnswer]:
        found = super().answers(values)
        # What would change the document is for whoever wrote it to do.
        self.sooner = [one for one in self.sooner if one.change.startswith(("pool:", "preemptible:"))]
        return found

    def own_context(self, form: WishesForm, answers: list[PoolAnswer]) -> dict[str, Any]:
        return {"asked": _words(self.asked), "problems": self.problems}

    def submit(self, project: OrgUnit, arguments: dict[str, Any]) -> Workload:
        return workload_submit_yaml(actor=self.actor, project=project, **arguments)

    def source(self) -> Workload | None:
        found = super().source()
        return found if found is not None and is_yaml(found) else None

    def again(self) -> QueryDict | None:
        given, source = super().again(), self.source()
        if given is None or source is None:
            return None
        same = same_again(source, with_env=may_change(self.actor, "update", source)) | {"name": given["name"]}
        if self.request.GET.get("change") == RemedyCode.WITHOUT_SELECTOR:
            same["node_labels"] = {}
        given["manifest"] = written(same)
        return given


def _shapes(asked: Mapping[str, Any]) -> list[dict[str, int]]:
    """What each pod of each group asks for, and how many there are."""
    more = [group.shape for group in asked.get("more_groups", ())]
    return [{name: shape[name] for name in SHAPE} for shape in (asked, *more)]


def _part(shape: Mapping[str, int], kind: Workload.Kind) -> tuple[Request, int, int]:
    """As a forecast takes it: what a pod asks for, how many there are, and how many start together."""
    request = Request(
        devices=shape["devices"],
        device_milli=1000,
        cpu_millicores=shape["cpu_millicores"],
        memory_bytes=shape["memory_bytes"],
    )
    return request, shape["pods"], shape["pods"] if kind in GANGS else 1


def _words(asked: Mapping[str, Any]) -> str:
    """“distributed training train-1: 4 pods with 2 GPUs, 8 cores and 64 GiB each”."""
    if not asked:
        return ""
    groups = "; ".join(map(_words_of, _shapes(asked)))
    return f"{Workload.Kind(asked['kind']).label} {asked['name']}: {groups}"


def _words_of(shape: Mapping[str, int]) -> str:
    amounts = f"{gpus_counted(shape['devices'] * 1000)}, {cores(shape['cpu_millicores'])} cores"
    each = " each" if shape["pods"] > 1 else ""
    return f"{counted(shape['pods'], 'pod')} with {amounts} and {memory(shape['memory_bytes'])}{each}"
