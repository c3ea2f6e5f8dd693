"""What every test may use."""

from __future__ import annotations

import os

from hypothesis import settings

# The same examples on every machine: a failure here is a failure everywhere.
settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=60, database=None)
settings.register_profile("soak", deadline=None, max_examples=5000, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
