from typing import Any

import pytest

from scheduling.events import event_text
from scheduling.models import Workload


@pytest.mark.parametrize(
    ("code", "numbers", "text"),
    [
        ("submitted", {"by": "Mira", "pools": ["a100", "h100"]}, "Submitted by Mira, pool order a100, h100"),
        ("submitted", {"by": "Mira", "pools": ["a100"]}, "Submitted by Mira, for a100"),
        ("stop_asked", {"by": "Mira"}, "Stopped by Mira"),
        ("delete_asked", {"by": "Mira"}, "Deleted by Mira"),
        ("delete_asked", {"by": "Mira", "unit": "vision"}, "Deleted by Mira, with vision"),
        ("starting", {"running": 1, "wanted": 2}, "Starts: 1 of 2 pods run"),
        ("degraded", {"message": "OOMKilled"}, "Degraded: OOMKilled"),
        ("failed", {"message": "tag not found"}, "Failed: tag not found"),
        ("failed", {}, "Failed"),
        ("node_lost", {}, "Node lost"),
    ],
)
def test_words(code: str, numbers: dict[str, Any], text: str) -> None:
    assert event_text(code, numbers) == text


@pytest.mark.parametrize("state", Workload.State.labels)
def test_every_change_of_state_has_words(state: str) -> None:
    assert event_text(state, {"running": 1, "wanted": 2}) != state.capitalize() or state in ("completed", "failed")
