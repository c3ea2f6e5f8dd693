"""What is read out of a submitted document, and what is refused in which words."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models import Workload
from scheduling.submitted_yaml import Wrong, read, without_values, written
from tests.documents import Document, container, deployment, job, stateful_set

NAMESPACE = "bursar-vision"
GIB = 2**30
POD = "spec.template.spec"
FIRST = f"{POD}.containers[0]"


def problems(document: object) -> dict[str, str]:
    """By path."""
    with pytest.raises(Wrong) as caught:
        read(document, NAMESPACE)
    return dict(caught.value.problems)


def changed(document: Document, path: str, value: Any) -> Document:
    """With another value at a path such as `spec.template.0.name`."""
    document = copy.deepcopy(document)
    *way, last = path.split("/")
    found: Any = document
    for step in way:
        found = found[int(step)] if isinstance(found, list) else found.setdefault(step, {})
    found[int(last) if isinstance(found, list) else last] = value
    return document


@pytest.mark.parametrize(
    ("document", "kind", "pods"),
    [
        (job(), Workload.Kind.TRAINING, 1),
        (job(pods=4), Workload.Kind.DISTRIBUTED, 4),
        (stateful_set(), Workload.Kind.WORKSPACE, 1),
        (deployment(pods=3), Workload.Kind.INFERENCE, 3),
    ],
)
def test_kinds(document: Document, kind: Workload.Kind, pods: int) -> None:
    for given_as in (document, yaml.safe_dump(document)):
        asked = read(given_as, NAMESPACE).asked
        assert (asked["kind"], asked["pods"], asked["name"]) == (kind, pods, document["metadata"]["name"])
        assert (asked["devices"], asked["cpu_millicores"], asked["memory_bytes"]) == (1, 4000, 16 * GIB)
        assert asked["image"] == "python:3.12"


def test_what_is_requested_is_counted_as_kubernetes_does() -> None:
    sidecar = container(name="logs", restartPolicy="Always", resources={"requests": {"cpu": "500m", "memory": "1Gi"}})
    start = container(name="start", resources={"requests": {"cpu": 7, "memory": "2Gi"}})
    asked = read(job(initContainers=[sidecar, start]), NAMESPACE).asked
    assert (asked["devices"], asked["cpu_millicores"], asked["memory_bytes"]) == (1, 7500, 17 * GIB)


def test_limits_are_requests_where_there_are_none() -> None:
    asked = read(
        job(containers=[container(resources={"requests": {"cpu": 0.5}, "limits": {"memory": "1Gi"}})]), NAMESPACE
    )
    (made,) = asked.asked["manifest"]["template"]["spec"]["containers"]
    assert made["resources"] == {"requests": {"memory": "1Gi", "cpu": "0.5"}, "limits": {"memory": "1Gi"}}
    assert (asked.asked["cpu_millicores"], asked.asked["devices"]) == (500, 0)


def test_where_it_goes_and_how_often_it_may_fail_are_said_by_the_service() -> None:
    wishes = {"nodeSelector": {"zone": "a"}, "tolerations": [{"key": "gpu", "operator": "Exists"}]}
    asked = read(changed(job(**wishes), "spec/backoffLimit", 2), NAMESPACE).asked
    assert (asked["node_labels"], asked["tolerations"]) == (wishes["nodeSelector"], wishes["tolerations"])
    assert asked["retries"] == 2
    assert not asked["manifest"]["template"]["spec"].keys() & wishes.keys()
    assert read(job(), NAMESPACE).asked["retries"] == 6


EVERYTHING = job(
    volumes=[
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "imagenet", "readOnly": True}},
        {
            "name": "settings",
            "configMap": {"name": "a", "items": [{"key": "a.yaml", "path": "a"}], "defaultMode": 0o440},
        },
        {"name": "keys", "secret": {"secretName": "keys"}},
        {"name": "all", "projected": {"sources": [{"secret": {"name": "keys"}}, {"configMap": {"name": "a"}}]}},
        {"name": "me", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ],
    securityContext={
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "fsGroup": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    imagePullSecrets=[{"name": "registry"}],
    terminationGracePeriodSeconds=60,
    dnsPolicy="None",
    dnsConfig={
        "nameservers": ["10.96.0.10", "fd00::a"],
        "searches": ["svc.cluster.local", "_tcp.example.org.", "."],
        "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
    },
    hostAliases=[{"ip": "10.1.2.3", "hostnames": ["data", "data.example.org"]}],
    initContainers=[container(name="fetch", command=["sh", "-c", "echo a\necho b"], resources={})],
    containers=[
        container(
            args=["--fast"],
            workingDir="/work",
            env=[
                {"name": "A", "value": "1"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}},
                {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            ],
            envFrom=[{"configMapRef": {"name": "a"}, "prefix": "A_"}],
            ports=[{"name": "http", "containerPort": 80, "protocol": "TCP"}],
            volumeMounts=[
                {"name": "scratch", "mountPath": "/scratch", "subPath": "a", "readOnly": False},
                {"name": "data", "mountPath": "/data", "mountPropagation": "HostToContainer"},
            ],
            readinessProbe={"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5},
            livenessProbe={"exec": {"command": ["true"]}},
            lifecycle={"preStop": {"sleep": {"seconds": 5}}},
            securityContext={
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            },
        )
    ],
)


EVERYTHING["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "main"}


def test_what_is_taken_stays_as_it_is() -> None:
    made = read(EVERYTHING, NAMESPACE).asked["manifest"]["template"]["spec"]
    wanted = copy.deepcopy(EVERYTHING["spec"]["template"]["spec"])
    for one in (*wanted["initContainers"], *wanted["containers"]):
        limits = {name: str(amount) for name, amount in one["resources"].get("limits", {}).items()}
        one["resources"] = {"requests": limits, "limits": limits}
    assert made == wanted


def test_annotations_for_kubectl_stay() -> None:
    metadata = read(EVERYTHING, NAMESPACE).asked["manifest"]["template"]["metadata"]
    assert metadata["annotations"] == {"kubectl.kubernetes.io/default-container": "main"}


@pytest.mark.parametrize(
    ("document", "way", "strategy"),
    [
        (deployment(), "spec/strategy", {"type": "RollingUpdate"}),
        (deployment(), "spec/strategy", {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}),
        (deployment(), "spec/strategy", {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
        (
            stateful_set(),
            "spec/updateStrategy",
            {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        ),
    ],
)
def test_what_bursar_does_or_kubernetes_writes_out_is_taken_and_replaced(
    document: Document, way: str, strategy: object
) -> None:
    assert read(changed(document, way, strategy), NAMESPACE) == read(document, NAMESPACE)


def test_what_tools_write_out_empty_is_passed_over() -> None:
    written = changed(changed(job(), "metadata/creationTimestamp", None), "status", {})
    written = changed(changed(written, f"{POD.replace('.', '/')}/affinity", {}), "spec/template/metadata/name", None)
    assert read(written, NAMESPACE).asked == read(job(), NAMESPACE).asked


POD_WAY = "spec/template/spec"
MAIN = f"{POD_WAY}/containers/0"
REFUSED = [
    # at the top
    ("kind", "DaemonSet", "kind", "Create other kinds with kubectl and schedulerName: bursar"),
    ("kind", None, "kind", "Bursar takes a Job (training)"),
    ("kind", ["Job"], "kind", "Bursar takes a Job (training)"),
    ("apiVersion", "batch/v1beta1", "apiVersion", "Write batch/v1."),
    ("metadata/namespace", "kube-system", "metadata.namespace", "runs in bursar-vision"),
    ("metadata/generateName", "a-", "metadata.generateName", "metadata.name"),
    ("metadata/ownerReferences", [{"uid": "a"}], "metadata.ownerReferences", "Remove it."),
    ("metadata/finalizers", ["a/b"], "metadata.finalizers", "Remove it."),
    ("metadata/labels", {"bursar.dev/pool": "a"}, "metadata.labels.bursar.dev/pool", "not for people to set"),
    (
        "metadata/labels",
        {"app.kubernetes.io/managed-by": "a"},
        "metadata.labels.app.kubernetes.io/managed-by",
        "not for",
    ),
    ("status", {"active": 1}, "status", "The cluster writes it."),
    ("items", [1], "items", "does not know this field"),
    # of the kind
    ("spec/parallelism", 0, "spec.parallelism", "from 1 to 1000"),
    ("spec/completions", 5, "spec.completions", "start together"),
    ("spec/completionMode", "NonIndexed", "spec.completionMode", "Indexed"),
    ("spec/suspend", True, "spec.suspend", "waits until there is room"),
    ("spec/ttlSecondsAfterFinished", 1, "spec.ttlSecondsAfterFinished", "stay for people to look at"),
    ("spec/podFailurePolicy", {"rules": [1]}, "spec.podFailurePolicy", "Use backoffLimit."),
    ("spec/selector", {"matchLabels": {"a": "b"}}, "spec.selector", "Bursar sets it."),
    (
        "spec/template/metadata/labels",
        {"bursar.dev/workload": "a"},
        "spec.template.metadata.labels.bursar.dev/workload",
        "not",
    ),
    (
        "spec/template/metadata/annotations",
        {"bursar.dev/devices": "0"},
        "spec.template.metadata.annotations.bursar.dev/devices",
        "not for people",
    ),
    (
        "spec/template/metadata/annotations",
        {"gpu-fraction": "0.5"},
        "spec.template.metadata.annotations.gpu-fraction",
        "whole GPUs",
    ),
    (
        "spec/template/metadata/annotations",
        {"container.apparmor.security.beta.kubernetes.io/main": "unconfined"},
        "spec.template.metadata.annotations.container.apparmor.security.beta.kubernetes.io/main",
        "not for people",
    ),
    # of the pod
    (f"{POD_WAY}/hostNetwork", True, f"{POD}.hostNetwork", "its node's network"),
    (f"{POD_WAY}/hostPID", True, f"{POD}.hostPID", "its node's network or processes"),
    (f"{POD_WAY}/hostIPC", True, f"{POD}.hostIPC", "its node's network or processes"),
    (f"{POD_WAY}/nodeName", "a", f"{POD}.nodeName", "Use nodeSelector."),
    (f"{POD_WAY}/schedulerName", "default-scheduler", f"{POD}.schedulerName", "Bursar places"),
    (f"{POD_WAY}/serviceAccountName", "admin", f"{POD}.serviceAccountName", "the service account default"),
    (f"{POD_WAY}/serviceAccount", "admin", f"{POD}.serviceAccount", "the service account default"),
    (f"{POD_WAY}/automountServiceAccountToken", True, f"{POD}.automountServiceAccountToken", "API server"),
    (f"{POD_WAY}/priorityClassName", "high", f"{POD}.priorityClassName", "beside the document"),
    (f"{POD_WAY}/preemptionPolicy", "Never", f"{POD}.preemptionPolicy", "beside the document"),
    (f"{POD_WAY}/affinity", {"nodeAffinity": {"a": 1}}, f"{POD}.affinity", "nearness beside the document"),
    (f"{POD_WAY}/topologySpreadConstraints", [{"maxSkew": 1}], f"{POD}.topologySpreadConstraints", "nearness"),
    (f"{POD_WAY}/runtimeClassName", "gvisor", f"{POD}.runtimeClassName", "Remove it."),
    (f"{POD_WAY}/overhead", {"cpu": "1"}, f"{POD}.overhead", "Remove it."),
    (f"{POD_WAY}/resourceClaims", [{"name": "a"}], f"{POD}.resourceClaims", "nvidia.com/gpu"),
    (f"{POD_WAY}/resources", {"limits": {"cpu": 1}}, f"{POD}.resources", "into the containers"),
    (f"{POD_WAY}/ephemeralContainers", [{"name": "a"}], f"{POD}.ephemeralContainers", "Remove it."),
    (f"{POD_WAY}/schedulingGates", [{"name": "a"}], f"{POD}.schedulingGates", "Remove it."),
    (f"{POD_WAY}/restartPolicy", "OnFailure", f"{POD}.restartPolicy", "Never"),
    (f"{POD_WAY}/hostname", "a", f"{POD}.hostname", "names pods"),
    (f"{POD_WAY}/hostAliases", [{"ip": "1.1.1.1"}], f"{POD}.hostAliases[0].hostnames", "It is missing"),
    (f"{POD_WAY}/hostAliases", [{"ip": "a", "hostnames": ["a"]}], f"{POD}.hostAliases[0].ip", "no IP address"),
    (f"{POD_WAY}/hostAliases", [{"ip": "1.1.1.1", "hostnames": []}], f"{POD}.hostAliases[0].hostnames", "1 to 100"),
    (f"{POD_WAY}/dnsPolicy", "ClusterFirstWithHostNet", f"{POD}.dnsPolicy", "ClusterFirst or Default or None"),
    (f"{POD_WAY}/dnsConfig", {"nameservers": ["1.1.1"]}, f"{POD}.dnsConfig.nameservers[0]", "no IP address"),
    (f"{POD_WAY}/dnsConfig", {"nameservers": ["::1"] * 4}, f"{POD}.dnsConfig.nameservers", "0 to 3"),
    (f"{POD_WAY}/dnsConfig", {"searches": ["a b"]}, f"{POD}.dnsConfig.searches[0]", "does not take"),
    (
        f"{POD_WAY}/dnsConfig",
        {"options": [{"name": "ndots", "value": "1\nnameserver 1.1.1.1"}]},
        f"{POD}.dnsConfig.options[0].value",
        "does not take",
    ),
    (
        f"{POD_WAY}/tolerations",
        [{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": -1}],
        f"{POD}.tolerations[0].tolerationSeconds",
        "whole number",
    ),
    (
        f"{MAIN}/volumeMounts",
        [{"name": "a", "mountPath": "/a", "mountPropagation": "Bidirectional"}],
        f"{FIRST}.volumeMounts[0].mountPropagation",
        "Use HostToContainer",
    ),
    (
        f"{POD_WAY}/securityContext",
        {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
        f"{POD}.securityContext.sysctls[0].name",
        "may set",
    ),
    (
        f"{POD_WAY}/securityContext",
        {"seccompProfile": {"type": "Unconfined"}},
        f"{POD}.securityContext.seccompProfile.type",
        "RuntimeDefault",
    ),
    (
        f"{POD_WAY}/securityContext",
        {"appArmorProfile": {"type": "Unconfined"}},
        f"{POD}.securityContext.appArmorProfile.type",
        "confined",
    ),
    (
        f"{POD_WAY}/securityContext",
        {"seLinuxOptions": {"type": "spc_t"}},
        f"{POD}.securityContext.seLinuxOptions.type",
        "container_t",
    ),
    (
        f"{POD_WAY}/securityContext",
        {"seLinuxOptions": {"user": "a"}},
        f"{POD}.securityContext.seLinuxOptions.user",
        "Remove it.",
    ),
    (
        f"{POD_WAY}/volumes",
        [{"name": "a", "hostPath": {"path": "/"}}],
        f"{POD}.volumes[0].hostPath",
        "Use a persistentVolumeClaim.",
    ),
    (
        f"{POD_WAY}/volumes",
        [{"name": "a", "nfs": {"server": "a"}}],
        f"{POD}.volumes[0].nfs",
        "Use a persistentVolumeClaim.",
    ),
    (f"{POD_WAY}/volumes", [{"name": "a", "hostPath": {}}], f"{POD}.volumes[0]", "Give one of emptyDir"),
    (
        f"{POD_WAY}/volumes",
        [{"name": "a", "projected": {"sources": [{"serviceAccountToken": {"path": "a"}}]}}],
        f"{POD}.volumes[0].projected.sources[0].serviceAccountToken",
        "API server",
    ),
    (f"{POD_WAY}/containers", [], f"{POD}.containers", "There are 0 of them."),
    (f"{POD_WAY}/containers", {"name": "a"}, f"{POD}.containers", "This is a list."),
    # of a container
    (f"{MAIN}/securityContext", {"privileged": True}, f"{FIRST}.securityContext.privileged", "its whole node"),
    (
        f"{MAIN}/securityContext",
        {"allowPrivilegeEscalation": True},
        f"{FIRST}.securityContext.allowPrivilegeEscalation",
        "more rights",
    ),
    (f"{MAIN}/securityContext", {"procMount": "Unmasked"}, f"{FIRST}.securityContext.procMount", "/proc"),
    (
        f"{MAIN}/securityContext",
        {"capabilities": {"add": ["SYS_ADMIN"]}},
        f"{FIRST}.securityContext.capabilities.add[0]",
        "may add",
    ),
    (f"{MAIN}/ports", [{"containerPort": 80, "hostPort": 80}], f"{FIRST}.ports[0].hostPort", "ports of its node"),
    (
        f"{MAIN}/livenessProbe",
        {"httpGet": {"port": 80, "host": "10.0.0.1"}},
        f"{FIRST}.livenessProbe.httpGet.host",
        "the pod itself",
    ),
    (f"{MAIN}/volumeDevices", [{"name": "a"}], f"{FIRST}.volumeDevices", "does not know this field"),
    (f"{MAIN}/restartPolicy", "Always", f"{FIRST}.restartPolicy", "does not know this field"),
    (f"{MAIN}/image", "python 3.12", f"{FIRST}.image", "python:3.12"),
    (f"{MAIN}/env", [{"name": "A", "value": 7}], f"{FIRST}.env[0].value", "Put it in quotes."),
    (f"{MAIN}/env", ["A=secret"], f"{FIRST}.env[0]", "fields of its own"),
    (f"{MAIN}/command", "python train.py", f"{FIRST}.command", "This is a list."),
    (f"{MAIN}/command", ["a\0"], f"{FIRST}.command[0]", "control characters"),
    (f"{MAIN}/resources", {"limits": {"memory": "1Gi"}}, f"{FIRST}.resources.requests.cpu", "counts in the quota"),
    (f"{MAIN}/resources", {"limits": {"cpu": "1"}}, f"{FIRST}.resources.requests.memory", "as 16Gi"),
    (f"{MAIN}/resources/limits/amd.com~gpu", "1", f"{FIRST}.resources.limits.amd.com~gpu", "Bursar counts cpu"),
    (f"{MAIN}/resources/limits/nvidia.com-mig", "1", f"{FIRST}.resources.limits.nvidia.com-mig", "Bursar counts cpu"),
    (f"{MAIN}/resources/limits/memory", "a lot", f"{FIRST}.resources.limits.memory", "500m or 16Gi"),
    (f"{MAIN}/resources/limits/memory", "-1", f"{FIRST}.resources.limits.memory", "500m or 16Gi"),
    (f"{MAIN}/resources/requests", {"cpu": "5"}, f"{FIRST}.resources.requests.cpu", "more than its limit"),
    (f"{MAIN}/resources/requests", {"nvidia.com/gpu": "0"}, f"{FIRST}.resources.limits.nvidia.com/gpu", "limits alone"),
    (f"{MAIN}/resources/claims", [{"name": "a"}], f"{FIRST}.resources.claims", "resource claims"),
]


@pytest.mark.parametrize(("way", "value", "path", "words"), REFUSED, ids=[str(row[2])[-40:] for row in REFUSED])
def test_refused_by_its_path(way: str, value: object, path: str, words: str) -> None:
    found = problems(changed(job(), way, value))
    assert list(found) == [path]
    assert words in found[path]
    assert found[path].endswith((".", ".)"))


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"nvidia.com/gpu": 0.5}, "no shares"), ({"nvidia.com/mig-1g.5gb": 1}, "Ask for nvidia.com/gpu instead.")],
)
def test_gpus_are_whole(limits: dict[str, object], words: str) -> None:
    (name,) = limits
    found = problems(job(containers=[container(resources={"limits": {"cpu": 1, "memory": "1Gi"} | limits})]))
    assert words in found[f"{FIRST}.resources.limits.{name}"]


@pytest.mark.parametrize(
    ("document", "way", "value", "path", "words"),
    [
        (stateful_set(), "spec/replicas", 2, "spec.replicas", "A workspace is one pod."),
        (stateful_set(), "spec/volumeClaimTemplates", [{}], "spec.volumeClaimTemplates", "persistentVolumeClaim"),
        (stateful_set(), f"{POD_WAY}/restartPolicy", "Never", f"{POD}.restartPolicy", "Always"),
        (deployment(), "spec/strategy", {"type": "Recreate"}, "spec.strategy.type", "Set it to RollingUpdate"),
        (
            deployment(),
            "spec/strategy",
            {"rollingUpdate": {"maxSurge": 1}},
            "spec.strategy.rollingUpdate.maxSurge",
            "in the room that there is",
        ),
        (stateful_set(), "spec/updateStrategy", {"type": "OnDelete"}, "spec.updateStrategy.type", "RollingUpdate"),
        (
            stateful_set(),
            "spec/updateStrategy",
            {"rollingUpdate": {"partition": 1}},
            "spec.updateStrategy.rollingUpdate.partition",
            "one by one",
        ),
        (deployment(), "spec/paused", True, "spec.paused", "waits until there is room"),
        (deployment(), "spec/parallelism", 2, "spec.parallelism", "does not know this field"),
    ],
)
def test_refused_of_other_kinds(document: Document, way: str, value: object, path: str, words: str) -> None:
    assert words in problems(changed(document, way, value))[path]


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = problems(job(hostPID=True, nodeName="a", containers=[container(tty="yes")]))
    assert list(found) == [f"{POD}.containers[0].tty", f"{POD}.hostPID", f"{POD}.nodeName"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [x]\nb: [*a, *a]", "YAML alias"),
        ("[" * 100, "nested more than 24 levels"),
        ("a: b\n---\na: c", "Another document begins in line 2."),
        ("a: [b", "not valid YAML in line"),
        ("a: 2020-99-99", "number or date"),
        ("a: " + "9" * 5000, "number or date"),
        ("!!python/object/apply:os.system [id]", "not valid YAML"),
        ("x" * 70_000, "64 KiB"),
        ("", "no object of Kubernetes"),
        ("- a", "no object of Kubernetes"),
    ],
)
def test_text_that_is_no_document(text: str, words: str) -> None:
    (found,) = problems(text).values()
    assert words in found


def test_a_document_is_no_larger_when_it_comes_as_an_object() -> None:
    many = [{"name": f"A{number}", "value": "x" * 4000} for number in range(20)]
    assert "64 KiB" in problems(job(containers=[container(env=many)]))[""]


def test_values_of_variables_are_left_out_for_others() -> None:
    manifest = read(EVERYTHING, NAMESPACE).asked["manifest"]
    (main,) = without_values(manifest)["template"]["spec"]["containers"]
    assert [variable["name"] for variable in main["env"]] == ["B", "C"]
    assert len(manifest["template"]["spec"]["containers"][0]["env"]) == 3


@pytest.mark.parametrize("document", [EVERYTHING, job(pods=3), stateful_set(), deployment(nodeSelector={"zone": "a"})])
def test_what_is_written_reads_the_same(document: Document) -> None:
    asked = read(document, NAMESPACE).asked
    assert read(written(asked), NAMESPACE).asked == asked


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4),
    max_leaves=12,
)


def ways(found: Any, way: str = "") -> list[str]:
    """To every value of a document."""
    items = found.items() if isinstance(found, Mapping) else enumerate(found) if isinstance(found, list) else ()
    own = [f"{way}/{name}" if way else str(name) for name, _ in items if "/" not in str(name)]
    return own + [
        deeper
        for name, inner in items
        if "/" not in str(name)
        for deeper in ways(inner, f"{way}/{name}" if way else str(name))
    ]


def tried(document: object) -> None:
    found: tuple[tuple[str, str], ...] = ()
    try:
        read(document, NAMESPACE)
    except Wrong as wrong:
        found = wrong.problems
    assert all(path.isprintable() and words.isprintable() for path, words in found)


@given(st.text(max_size=200) | anything.map(lambda found: yaml.safe_dump(found)))
def test_any_text_is_read_or_refused(text: str) -> None:
    tried(text)


@given(st.sampled_from(ways(EVERYTHING)), anything)
def test_anything_in_any_place_is_read_or_refused(way: str, value: Any) -> None:
    tried(changed(EVERYTHING, way, value))
    tried(yaml.safe_dump(changed(EVERYTHING, way, value)))


@given(st.sampled_from(ways(EVERYTHING)), st.text(max_size=8), anything)
def test_what_is_kept_can_be_stored(way: str, name: str, value: Any) -> None:
    document = changed(EVERYTHING, way, value)
    if isinstance(document["spec"], dict):
        document["spec"][name] = value
    try:
        kept = read(document, NAMESPACE).asked["manifest"]
    except Wrong:
        return
    stored = json.dumps(kept, allow_nan=False)
    assert "\\u0000" not in stored
    stored.encode()
