"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

from tests import audited
from tests.examples import examples

settings.register_profile("bursar", examples(60))
settings.load_profile("bursar")
audited.watch()
