"""What would help a workload that waits, in words: the engine's remedies and their figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from portal.formats import counted
from scheduling.engine.remedies import RemedyCode
from scheduling.quantities import amount

OF_UNITS = (RemedyCode.OVER_QUOTA, RemedyCode.QUOTA, RemedyCode.LIMIT)
"""What others have to grant; all else the workload itself gives up."""


def remedy_title(remedy: Mapping[str, Any], pool: str, unit: Callable[[int], str]) -> str:
    """The change itself: "4 GPUs a pod instead of 8"."""
    numbers = remedy["numbers"]
    was, code = numbers.get("instead_of", ""), remedy["code"]
    match code:
        case RemedyCode.PREEMPTIBLE:
            return "Let it be stopped for others (preemptible)"
        case RemedyCode.WIDER_TOPOLOGY:
            return f"Together in one {numbers['level']} instead of one {was}"
        case RemedyCode.WITHOUT_TOPOLOGY:
            return f"Not kept together in one {was}"
        case RemedyCode.WITHOUT_SELECTOR:
            return "Any node, whatever its labels"
        case RemedyCode.SMALLER_MINIMUM:
            return f"Start with {counted(int(numbers['pods']), 'pod')} instead of {was}; the rest follow"
        case RemedyCode.FEWER_DEVICES:
            return f"{counted(int(numbers['devices']), 'GPU')} a pod instead of {was}"
        case RemedyCode.OVER_QUOTA:
            return f"Let {_listed(map(unit, remedy['units']))} go over quota in {pool}"
    what = "a limit" if code == RemedyCode.LIMIT else "quota"
    raises = [f"{amount(one['resource'], one['by'])} more for {unit(one['unit'])}" for one in remedy["raises"]]
    return f"{what.capitalize()} in {pool}: {_listed(raises)}"


def _listed(parts: Iterable[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
