"""Three minutes of the fault run on Kubernetes (`make soak FAULTS=minutes FAULTS_ON=kubernetes`), always the same."""

from __future__ import annotations

import pytest

from tests.fault_run.trial import trial


@pytest.mark.long
def test_whatever_dies_nothing_is_lost_or_doubled_and_all_goes_on() -> None:
    trial(3, "kubernetes")
