"""What Bursar writes into a cluster beside workloads."""

from scheduling.clusters.kubernetes import manifests


def test_binding_carries_uid_and_decision() -> None:
    binding = manifests.binding(pod="p", namespace="ns", uid="u-1", node="n1", decision=17, devices="0,3")
    assert binding["metadata"] == {
        "name": "p",
        "namespace": "ns",
        "uid": "u-1",
        "annotations": {"bursar.dev/decision": "17", "bursar.dev/devices": "0,3"},
    }
    assert binding["target"]["name"] == "n1"


def test_evictions_of_before_count_no_more_for_the_job() -> None:
    binding = manifests.binding(pod="p", namespace="ns", uid="u", node="n", decision=1, devices="", is_of_job=True)
    assert binding["metadata"]["annotations"]["batch.kubernetes.io/job-index-ignored-failure-count"] == "0"


def test_eviction_has_the_uid_as_precondition() -> None:
    eviction = manifests.eviction(pod="p", namespace="ns", uid="u-1")
    assert eviction["deleteOptions"] == {"preconditions": {"uid": "u-1"}}
