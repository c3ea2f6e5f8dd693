from __future__ import annotations

from portal.audit_words import changes
from portal.models import AuditEvent


def told(**after: object) -> dict[str, str | None]:
    event = AuditEvent(entity="workload", action="reclaim", after=after)
    return {change.field: change.after for change in changes(event)}


def test_the_figures_of_an_eviction_are_in_the_unit_of_their_resource() -> None:
    gpus = told(resource="gpu_milli", allocated=48_000, fair_share=32_000, quota=8_500)
    assert gpus == {"resource": "GPUs", "allocated": "48 GPUs", "fair share": "32 GPUs", "quota": "8.5 GPUs"}
    assert told(resource="memory_bytes", allocated=2 * 1024**3)["allocated"] == "2 GiB"
    assert told(resource="cpu_millicores", quota=1500)["quota"] == "1.5 cores"


def test_numbers_without_a_resource_stay_numbers() -> None:
    assert told(pods=3, priority=50)["pods"] == "3"
