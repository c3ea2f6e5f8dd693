"""Whether the cluster's own controllers work: without them no Job gets pods, whatever Bursar does."""

from __future__ import annotations

import threading
import time
from itertools import count

import urllib3

from tests.cluster.api import Api, ApiError
from tests.fault_run.recovery import LONGEST

JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods"
CONFLICT = 409
NUMBERS = count()


class SignOfLife(threading.Thread):
    """Makes a Job of its own, past Bursar and the network that fails, and waits for its pod."""

    def __init__(self, api: Api, over: float) -> None:
        super().__init__(name="sign of life", daemon=True)
        self.over = over
        """When the fault was over, monotonic."""
        self.at: float | None = None
        """When the pod was there."""
        self._api = api
        self._name = f"sign-of-life-{next(NUMBERS)}"
        self._is_made = False

    def run(self) -> None:
        while self.at is None and time.monotonic() < self.over + LONGEST:
            try:
                if self._is_there():
                    self.at = time.monotonic()
                    self._api.delete(f"{JOBS}/{self._name}", {"propagationPolicy": "Background"})
            except (ApiError, urllib3.exceptions.HTTPError):
                pass
            time.sleep(0.1)

    def wait(self) -> float | None:
        self.join()
        return self.at

    def _is_there(self) -> bool:
        if not self._is_made:
            self._make()
        return bool(self._api.items(PODS, labelSelector=f"job-name={self._name}"))

    def _make(self) -> None:
        try:
            self._api.create(JOBS, self._job())
        except ApiError as error:
            if error.status != CONFLICT:
                raise
        self._is_made = True

    def _job(self) -> dict[str, object]:
        container = {"name": "main", "image": "pause"}
        spec = {"schedulerName": "nobody", "restartPolicy": "Never", "containers": [container]}
        return {"metadata": {"name": self._name}, "spec": {"template": {"spec": spec}}}
