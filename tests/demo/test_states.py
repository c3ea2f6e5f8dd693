"""Within two minutes of a first start every state that the tour promises is on its page; what is missing is told."""

from __future__ import annotations

import re
import time
from html import unescape
from pathlib import Path

import pytest

from tests.demo.running import Demo, Person

pytestmark = pytest.mark.faults
SECONDS = 120
SPEED = 3
"""So many seconds pass in the simulated clusters in one of ours."""

STATES = {
    "guaranteed": "non-preemptible",
    "over": "of them over quota",
    "reclaim": "Taken back",
    "preempt": "higher priority",
    "consolidate": "finds room in one place",
    "gang": "together",
    "elastic": "of 6 pods",
    "limit": "limit",
    "blocked": "blocked",
    "best_effort": "Runs in",
    "fragmented": "no node has",
    "second_pool": "Moved from",
    "failed": "Failed after",
    "node": "not ready",
    "findings": "biology",
}
"""By the keys of the tour's steps: words on the page that the step leads to."""


def steps(overview: str) -> dict[str, str]:
    """By key where each step leads to, of those in whose state something is now."""
    found = re.findall(r'<li id="tour-(\w+)">(?:<a class="why name" href="([^"]+)")?', overview)
    return {key: href for key, href in found if href}


@pytest.mark.long
def test_every_state_of_the_tour_is_on_its_page_within_two_minutes(tmp_path: Path) -> None:
    with Demo(tmp_path, speed=SPEED) as demo:
        demo.wait_until_ready()
        deadline = time.monotonic() + SECONDS
        ines = Person(demo.address, "ines@aldergrove.example")
        missing, wrong = set(STATES), dict[str, str]()
        while missing and time.monotonic() < deadline:
            offered = steps(ines.get("/overview/"))
            for key in sorted(missing & offered.keys()):
                if STATES[key] in unescape(ines.get(offered[key])):
                    missing.discard(key)
                else:
                    wrong[key] = offered[key]
            time.sleep(1)
        assert not missing, f"not to be seen: {sorted(missing)}; without their words: {wrong}"
        assert set(re.findall(r'<li id="tour-(\w+)"', ines.get("/overview/"))) == set(STATES)
