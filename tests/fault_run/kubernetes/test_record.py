"""What the API server tells, as the checks look at it; and what is wrong with a bind is noticed as it happens."""

from __future__ import annotations

from typing import Any, cast

from tests.cluster.api import Api, Object
from tests.fault_run.moment import KIND, Moment

from .record import Record, job_of, node_of, now_ms, pod_of

GIB = 2**30


def node(gpus: int = 2) -> Object:
    return {
        "metadata": {"name": "n", "uid": "n-1"},
        "spec": {},
        "status": {"allocatable": {"nvidia.com/gpu": str(gpus), "cpu": "4", "memory": "8Gi"}},
    }


def pod(name: str, devices: str = "", **requests: str) -> Object:
    """With devices: bound to the node by decision 7."""
    notes = {"bursar.dev/devices": devices, "bursar.dev/decision": "7"} if devices else {}
    return {
        "metadata": {"name": name, "uid": f"{name}-uid", "labels": {"bursar.dev/workload": "w"}, "annotations": notes},
        "spec": {"containers": [{"resources": {"requests": requests}}], **({"nodeName": "n"} if devices else {})},
        "status": {"phase": "Pending", "conditions": []},
    }


def told(*pods: Object) -> Record:
    record = Record(cast(Api, None))
    record._take(node_of(node()))
    for item in pods:
        record._take(pod_of(item))
    return record


def test_a_pod_is_told_with_what_it_asks_for_and_where_it_is() -> None:
    asked: dict[str, Any] = {"cpu": "1500m", "memory": "1Gi", "nvidia.com/gpu": "2"}
    found = pod_of(pod("p", "0,1", **asked))
    assert (found.owner, found.status["node"], found.status["decision"]) == ("w", "n", 7)
    assert (found.spec["devices"], found.spec["cpu_millicores"], found.spec["memory_bytes"]) == (2, 1500, GIB)


def test_binds_that_fit_are_well() -> None:
    assert told(pod("p", "0"), pod("q", "1")).found == []


def test_a_device_for_two_or_one_that_is_not_there_and_too_many_cores_are_noticed() -> None:
    assert "GPU 0 of n holds 2000" in told(pod("p", "0"), pod("q", "0")).found[0]
    assert "n has no GPU 2" in told(pod("p", "2")).found[0]
    assert "cpu_millicores of n" in told(pod("p", "0", cpu="3"), pod("q", "1", cpu="3")).found[0]


def test_room_is_free_again_when_its_pod_has_ended_or_is_gone() -> None:
    ended = pod("p", "0")
    ended["status"]["phase"] = "Succeeded"
    record = told(pod("p", "0"), ended, pod("q", "0"))
    record._went(record._items[KIND.POD]["q-uid"])
    record._take(pod_of(pod("r", "0")))
    assert record.found == []
    assert set(record.bound) == {"p-uid", "q-uid", "r-uid"}


def test_evictions_are_told_from_other_ends_and_remembered() -> None:
    evicted = pod("p", "0")
    evicted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    reason = {"type": "DisruptionTarget", "reason": "EvictionByEvictionAPI", "status": "True"}
    evicted["status"]["conditions"] = [reason]
    deleted = pod("q", "1")
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert told(evicted, deleted).evicted == {"p-uid": "p"}


def test_jobs_go_by_the_uid_of_their_workload_and_others_are_left_out() -> None:
    job: Object = {"metadata": {"name": "j", "labels": {"bursar.dev/workload": "w"}}, "spec": {"suspend": True}}
    job["status"] = {}
    record = told()
    record._take(job_of(job))
    record._take(job_of({"metadata": {"name": "other"}, "spec": {}, "status": {}}))
    moment = Moment(now_ms())
    record.show(moment)
    assert [(uid, item.status["state"]) for uid, item in moment.jobs.items()] == [("w", "stopped")]
    job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    assert job_of(job).status["state"] == "completed"
