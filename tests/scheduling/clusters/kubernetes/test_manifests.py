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


def test_eviction_has_the_uid_as_precondition() -> None:
    eviction = manifests.eviction(pod="p", namespace="ns", uid="u-1")
    assert eviction["deleteOptions"] == {"preconditions": {"uid": "u-1"}}
