"""The three resources that quotas are about: their columns, and how people read and type them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from portal import formats
from quotas import parsing


@dataclass(frozen=True, slots=True)
class Resource:
    key: Literal["gpu", "cpu", "memory"]
    """In addresses."""
    label: str
    field: Literal["gpu_milli", "cpu_millicores", "memory_bytes"]
    """Of quotas and usages; limits have it with `limit_` before."""
    words: Callable[[int], str]
    """The number as people read it."""
    parse: Callable[[str], int]
    """What people type, in the field's unit. Raises Refused."""
    noun: str
    """What the number counts, where the number does not say."""

    @property
    def limit_field(self) -> str:
        return f"limit_{self.field}"

    def counted(self, value: int) -> str:
        """The number with its noun."""
        return formats.gpus_counted(value) if self.key == "gpu" else f"{self.words(value)} {self.noun}"


RESOURCES: dict[str, Resource] = {
    resource.key: resource
    for resource in (
        Resource("gpu", "GPU", "gpu_milli", formats.gpus, parsing.gpus, "GPUs"),
        Resource("cpu", "CPU", "cpu_millicores", formats.cores, parsing.cores, "cores"),
        Resource("memory", "Memory", "memory_bytes", formats.memory, parsing.memory, "of memory"),
    )
}
