"""Quantities of a resource by the engine's name for it, in the words of the pages."""

from __future__ import annotations

from portal.formats import cores, count, counted, gpus_counted, memory


def amount(resource: str, value: int) -> str:
    """With its unit: 1 GPU, 8 GPUs, 32 cores, 256 GiB, 3 pods."""
    if resource == "gpu_milli":
        return gpus_counted(value)
    if resource == "cpu_millicores":
        return "1 core" if value == 1000 else f"{cores(value)} cores"
    return memory(value) if resource == "memory_bytes" else counted(value, "pod")


def bare(resource: str, value: int) -> str:
    """The number where the unit is clear; memory keeps its own."""
    if resource == "memory_bytes":
        return memory(value)
    return cores(value) if resource in ("gpu_milli", "cpu_millicores") else count(value)
