"""What a submitted workload may ask for. Every refusal names the field, what is wrong with the value and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orgs.models import ClusterInfo, OrgUnit
from portal.errors import Refused
from portal.formats import counted
from quotas.models import Pool
from quotas.selectors.pool_order import named_pools, pool_order
from scheduling.clusters.seen import JOB_SETS
from scheduling.models import Priority, Workload

MEBIBYTE = 1024**2
TEBIBYTE = 1024**4

NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")

NAME_LENGTH = 50
"""A Kubernetes label allows 63; the rest is for what names of pods add."""
TEXT_LENGTH = 4000
ENTRIES = 100
GROUP_NAME_LENGTH = 40
JOB_GROUP_NAME_LENGTH = 20
"""Of one of several groups on Kubernetes, where it is a part of its pods' names."""
MOST_GROUPS = 8


SUBMITTED = tuple(kind for kind in Workload.Kind if kind != Workload.Kind.OTHER)
"""Kinds that people submit; the other one is only found."""


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers that a field takes, and how they are called to people."""

    lowest: int
    highest: int
    unit: str
    step: int = 1
    """How many of the field make one of `unit`."""

    def refusal(self, value: object) -> str | None:
        if type(value) is not int:
            return f"This must be a whole number of {self.unit}. Type digits only."
        if self.lowest <= value <= self.highest:
            return None
        lowest, highest = (f"{bound / self.step:,g}" for bound in (self.lowest, self.highest))
        return f"{value / self.step:,g} is outside {lowest} to {highest} {self.unit}. Give a number in between."


RANGES = {
    "pods": Range(1, 1000, "pods"),
    "min_pods": Range(1, 1000, "pods"),
    "devices": Range(0, 64, "GPUs per pod"),
    "device_milli": Range(10, 1000, "of a GPU", step=1000),
    "gpu_memory_mib": Range(0, 1024 * 1024, "GiB of GPU memory", step=1024),
    "cpu_millicores": Range(10, 1_000_000, "cores per pod", step=1000),
    "memory_bytes": Range(MEBIBYTE, 64 * TEBIBYTE, "MiB per pod", step=MEBIBYTE),
    "retries": Range(0, 100, "retries"),
    "run_seconds": Range(1, 30 * 86400, "seconds"),
    "fail_after_seconds": Range(1, 30 * 86400, "seconds"),
    "preemption_delay_seconds": Range(0, 30 * 86400, "minutes", step=60),
}


@dataclass(frozen=True, slots=True)
class PodGroup:
    """Pods that ask for the same, beside the first group of a workload. Amounts are for each pod."""

    name: str
    pods: int
    cpu_millicores: int
    memory_bytes: int
    min_pods: int | None = None
    """So many must start together; None = all."""
    devices: int = 0
    device_milli: int = 1000
    gpu_memory_mib: int = 0

    @property
    def shape(self) -> dict[str, Any]:
        """By the names in RANGES."""
        return {name: getattr(self, name) for name in SHAPE}


SHAPE = ("pods", "min_pods", "devices", "device_milli", "gpu_memory_mib", "cpu_millicores", "memory_bytes")


def shape_problems(shape: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with what a group of pods asks for, by field. `shape`: by the names in SHAPE."""
    given = {field: value for field, value in shape.items() if not (field == "min_pods" and value is None)}
    wrong = {field: found for field, value in given.items() if (found := RANGES[field].refusal(value))}
    if wrong:
        return wrong
    if shape["devices"] == 0 and shape["device_milli"] != 1000:
        wrong["device_milli"] = "There is no GPU to take a share of. Ask for 1 GPU, or leave the share at 1."
    if shape["gpu_memory_mib"] and shape["devices"] == 0:
        wrong["gpu_memory_mib"] = "There is no GPU to take memory of. Ask for 1 GPU, or leave the GPU memory empty."
    elif shape["gpu_memory_mib"] and shape["device_milli"] != 1000:
        wrong["gpu_memory_mib"] = "A share of a GPU is asked for, too. Ask for a share or for GPU memory, not for both."
    if (shape["min_pods"] or 0) > shape["pods"]:
        wrong["min_pods"] = f"{shape['min_pods']} is more than its {counted(shape['pods'], 'pod')}. Start with fewer."
    return wrong


def check_shape(*, kind: object, shape: Mapping[str, Any], preemptible: object, priority: object) -> None:
    """Refuses ranges that do not hold, and combinations that make no sense. `shape`: see `shape_problems`."""
    wrong = shape_problems(shape)
    if kind not in SUBMITTED or isinstance(kind, bool):
        wrong["kind"] = "This is no type of workload. Choose workspace, training, distributed training or inference."
    if priority not in Priority.values or isinstance(priority, bool):
        wrong["priority"] = "This is no priority. Choose low, medium, high or very high."
    if type(preemptible) is not bool:
        wrong["preemptible"] = "Say yes or no: whether it may be stopped for others."
    if wrong:
        raise Refused(wrong)
    if kind == Workload.Kind.WORKSPACE and shape["pods"] != 1:
        raise Refused({"pods": f"A workspace is one pod, not {shape['pods']}. Set 1, or choose training."})


def check_groups(kind: int, first: object, more: object) -> None:
    """The names of all groups, and what those beside the first ask for."""
    if wrong := group_name_problem(first):
        raise Refused({"group": wrong})
    if not isinstance(more, Sequence) or not all(isinstance(group, PodGroup) for group in more):
        raise Refused({"more_groups": "Groups are a list of named pods. Give each a name and what its pods ask for."})
    if len(more) > MOST_GROUPS - 1:
        raise Refused({"more_groups": f"{len(more) + 1} groups are too many. Use at most {MOST_GROUPS}."})
    if more and kind != Workload.Kind.DISTRIBUTED:
        raise Refused({"more_groups": "Only distributed training has several groups of pods. Choose it, or use one."})
    names = [first, *(group.name for group in more)]
    for group in more:
        wrong = group_name_problem(group.name) or next(iter(shape_problems(group.shape).values()), "")
        if not wrong and names.count(group.name) > 1:
            wrong = "There are two groups of this name. Name each differently."
        if wrong:
            raise Refused({"more_groups": f"{shown(group.name)}: {wrong}"})


def group_name_problem(name: object) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > GROUP_NAME_LENGTH:
        return f"A group's name has small letters, digits and dashes, at most {GROUP_NAME_LENGTH}. Respell it."
    return ""


def check_cluster(project: OrgUnit, shapes: Mapping[str, Mapping[str, Any]]) -> None:
    """What a Kubernetes cluster cannot run is refused here, in words, and not by its actor later. `shapes`: by the
    names of the groups, the first one first."""
    if not any(map(_is_partial, shapes.values())) and len(shapes) == 1:
        return
    info = ClusterInfo.objects.filter(unit=project.cluster_id, mode=ClusterInfo.Mode.KUBERNETES).first()
    if info is None:
        return
    if len(shapes) > 1 and JOB_SETS not in info.watched:
        wrong = "This Kubernetes cluster has no JobSets. Remove the other groups, or have JobSet installed."
        raise Refused({"more_groups": wrong})
    for number, (name, shape) in enumerate(shapes.items()):
        if len(shapes) > 1 and len(name) > JOB_GROUP_NAME_LENGTH:
            wrong = f"{name} is too long for names of pods. Use at most {JOB_GROUP_NAME_LENGTH} characters."
            raise Refused({"more_groups" if number else "group": wrong})
        if _is_partial(shape):
            field = "gpu_memory_mib" if shape["gpu_memory_mib"] else "device_milli"
            wrong = "Kubernetes clusters hand out whole GPUs. Ask for whole ones, without GPU memory."
            raise Refused({"more_groups": f"{name}: {wrong}"} if number else {field: wrong})


def _is_partial(shape: Mapping[str, Any]) -> bool:
    return bool(shape["gpu_memory_mib"]) or shape["device_milli"] != 1000


def check_name(name: object) -> None:
    """The rule of Kubernetes for names of pods' owners."""
    if not isinstance(name, str) or not name:
        raise Refused({"name": "A workload needs a name. Type one, such as train-1."})
    if len(name) > NAME_LENGTH:
        raise Refused({"name": f"{len(name)} characters are too many. Use at most {NAME_LENGTH}."})
    if not NAME.fullmatch(name):
        raise Refused(
            {"name": "Use small letters a to z, digits and dashes; begin with a letter and do not end with a dash."}
        )


def check_image(image: object) -> None:
    if not isinstance(image, str) or not image:
        raise Refused({"image": "A workload runs a container image. Give its name, such as python:3.12."})
    if len(image) > 300:
        raise Refused({"image": f"{len(image)} characters are too many. Use at most 300."})
    if not IMAGE.fullmatch(image):
        raise Refused(
            {"image": "An image name has letters a to z, digits and ._-/:@ only. Write it as python:3.12 is written."}
        )


def check_command(command: object) -> None:
    if not isinstance(command, Sequence) or isinstance(command, str) or not all(isinstance(c, str) for c in command):
        raise Refused({"command": "A command is a list of words. Give each word as text."})
    if len(command) > ENTRIES or sum(map(len, command)) > TEXT_LENGTH:
        raise Refused({"command": f"At most {ENTRIES} words and {TEXT_LENGTH:,} characters. Put the rest in a script."})
    if not all(map(is_plain, command)):
        raise Refused({"command": "A command holds no control characters but line breaks and tabs. Remove them."})


def check_env(env: object) -> None:
    if not isinstance(env, Mapping):
        raise Refused({"env": "Variables are names with values. Write NAME=value, one a line."})
    if len(env) > ENTRIES or sum(len(str(name)) + len(str(value)) for name, value in env.items()) > TEXT_LENGTH:
        raise Refused({"env": f"At most {ENTRIES} variables and {TEXT_LENGTH:,} characters. Mount a file instead."})
    for name, value in env.items():
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            raise Refused({"env": f"{shown(name)} is no name of a variable. Use letters, digits and underscores."})
        if not isinstance(value, str) or not is_plain(value):
            raise Refused({"env": f"The value of {name} must be text without control characters. Write {name}=value."})


def check_delay(preemption_delay_seconds: object) -> None:
    if wrong := RANGES["preemption_delay_seconds"].refusal(preemption_delay_seconds):
        raise Refused({"preemption_delay_seconds": wrong})


def check_retries(project: OrgUnit, kind: int, retries: object) -> None:
    """Pods of a simulated cluster fail when they are told to, so another try is of no use there."""
    if wrong := RANGES["retries"].refusal(retries):
        raise Refused({"retries": wrong})
    if retries and kind not in (Workload.Kind.TRAINING, Workload.Kind.DISTRIBUTED):
        raise Refused({"retries": "Only a training ends by failing; the rest is started again. Leave it empty."})
    if retries and not ClusterInfo.objects.filter(unit=project.cluster_id, mode=ClusterInfo.Mode.KUBERNETES).exists():
        raise Refused({"retries": "Simulated clusters do not try again. Leave it empty."})


def check_run_time(project: OrgUnit, run_seconds: object, fail_after_seconds: object) -> None:
    """Only a simulated cluster is told beforehand how long a run takes."""
    given = {"run_seconds": run_seconds, "fail_after_seconds": fail_after_seconds}
    given = {field: value for field, value in given.items() if value is not None}
    wrong = {field: found for field, value in given.items() if (found := RANGES[field].refusal(value))}
    if wrong:
        raise Refused(wrong)
    if given and not ClusterInfo.objects.filter(unit=project.cluster_id, mode=ClusterInfo.Mode.SIMULATED).exists():
        raise Refused(dict.fromkeys(given, "Only simulated clusters take a run time. Leave it empty."))


def pools_in_order(project: OrgUnit, names: Any) -> tuple[list[Pool], str]:
    """The pools of the project's cluster by these names, in this order, and "". Without names those of the project, its
    department or the default pool, and where they come from in words."""
    chosen = named_pools(project.cluster_id, names)
    if chosen:
        return chosen, ""
    order = pool_order(project)
    return order.pools, order.words()


def is_plain(text: str) -> bool:
    """Printable, apart from line breaks and tabs: no control or direction characters, nothing that is no text."""
    return all(character.isprintable() or character in "\n\t" for character in text)


def shown(text: object) -> str:
    """What somebody typed, short enough and harmless in a sentence."""
    return "".join(character if character.isprintable() else "?" for character in str(text)[:63])
