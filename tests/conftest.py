"""What holds for every test."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

from tests import audited
from tests.examples import examples

settings.register_profile("bursar", examples(60))
settings.load_profile("bursar")
audited.watch()
# Looking for garbage as often as by default takes a fourteenth of the time of all pages.
gc.set_threshold(100_000, 50, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that nobody waits for it alone in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
