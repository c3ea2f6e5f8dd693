"""Quantities of a resource by the engine's name for it, in the words of the pages."""

from __future__ import annotations

from portal.formats import cores, count, counted, gpus_counted, memory

MEBIBYTE = 1024**2
DEVICE_MILLI = 1000


def device_share_milli(memory_mib: int, device_memory_mib: int) -> int:
    """What part of a GPU so much of its memory is, rounded up; all of it at most, nothing where it is not known."""
    if not device_memory_mib:
        return 0
    return min(-(-memory_mib * DEVICE_MILLI // device_memory_mib), DEVICE_MILLI)


def amount(resource: str, value: int) -> str:
    """With its unit: 1 GPU, 8 GPUs, 32 cores, 256 GiB, 3 pods."""
    if resource == "gpu_milli":
        return gpus_counted(value)
    if resource == "cpu_millicores":
        return "1 core" if value == 1000 else f"{cores(value)} cores"
    if resource == "device_memory_mib":
        return f"{memory(value * MEBIBYTE)} of GPU memory"
    return memory(value) if resource == "memory_bytes" else counted(value, "pod")


def bare(resource: str, value: int) -> str:
    """The number where the unit is clear; memory keeps its own."""
    if resource in ("memory_bytes", "device_memory_mib"):
        return memory(value * (1 if resource == "memory_bytes" else MEBIBYTE))
    return cores(value) if resource in ("gpu_milli", "cpu_millicores") else count(value)
