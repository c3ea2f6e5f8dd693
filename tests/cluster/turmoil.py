"""A cluster in which, at random from a seed, something keeps happening; and what of it the database should show."""

import random
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import TypeVar

from orgs.models import OrgUnit
from quotas.models import Node
from scheduling.models import Pod, Workload
from tests.cluster.api import MERGE_PATCH, Api, ApiError, Object
from tests.cluster.kubelet import FakeKubelet
from tests.factories import default_pool_of, make_workload

T = TypeVar("T", str, int)
NODES = 6
POOL_LABEL = "example.org/class"
OURS = "bursar.dev/workload"


class Turmoil:
    """Acts on the cluster as kubelets, users and administrators do, one thing at a time."""

    def __init__(self, api: Api, kubelet: FakeKubelet, project: OrgUnit, seed: int) -> None:
        self.api = api
        self.kubelet = kubelet
        self.project = project
        self.namespace = project.project_info.namespace
        self.random = random.Random(seed)
        self.nodes: set[str] = set()
        self.done = 0
        self._number = 0
        self._acts: list[Callable[[], None]] = [
            self.add_node,
            self.remove_node,
            self.return_node,
            self.change_node,
            self.change_node,
            self.submit,
            self.bind,
            self.bind,
            self.bind,
            self.delete_pod,
            self.delete_job,
            self.withdraw,
            self.add_foreign,
            self.add_foreign,
            self.remove_foreign,
        ]

    def act(self) -> None:
        try:
            self.random.choice(self._acts)()
            self.done += 1
        except ApiError as error:
            # What it was about is gone by now, or has changed meanwhile.
            if error.status not in (404, 409, 422):
                raise

    def add_node(self, name: str = "") -> None:
        if name or len(self.nodes) < NODES:
            name = name or self._name("node")
            self.kubelet.add_node(name, gpus=self.random.choice((0, 4, 8)), labels={POOL_LABEL: self._class()})
            self.nodes.add(name)

    def remove_node(self) -> None:
        if name := self._any(self.nodes):
            self.kubelet.remove_node(name)
            self.nodes.discard(name)

    def return_node(self) -> None:
        """One that is taken out and comes back at once: its pods are still there."""
        if name := self._any(self.nodes):
            self.kubelet.remove_node(name)
            self.add_node(name)

    def change_node(self) -> None:
        if name := self._any(self.nodes):
            taint = {"key": "example.org/kept", "value": self._class(), "effect": "NoSchedule"}
            change: Object = self.random.choice(
                [
                    {"metadata": {"labels": {POOL_LABEL: self._class()}}},
                    {"spec": {"unschedulable": self.random.random() < 0.5}},
                    {"spec": {"taints": [taint] if self.random.random() < 0.5 else None}},
                ]
            )
            self.api.patch(f"/api/v1/nodes/{name}", change, MERGE_PATCH)
            self.kubelet.set_ready(name, is_ready=self.random.random() < 0.8)

    def submit(self) -> None:
        pods = self.random.choice((1, 2, 5))
        make_workload(self._name("work"), self.project, default_pool_of(self.project.cluster), pods=pods, applied=False)

    def bind(self) -> None:
        waiting = [pod for pod in self._pods() if OURS in labels(pod) and "nodeName" not in pod["spec"]]
        node = self._any(self.nodes)
        if waiting and node:
            metadata = self.random.choice(waiting)["metadata"]
            target = {"apiVersion": "v1", "kind": "Node", "name": node}
            binding = {"metadata": {"name": metadata["name"], "uid": metadata["uid"]}, "target": target}
            self.api.create(f"{self._path}/{metadata['name']}/binding", binding)

    def delete_pod(self) -> None:
        self._delete_one([pod for pod in self._pods() if OURS in labels(pod)])

    def delete_job(self) -> None:
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        if names := [job["metadata"]["name"] for job in self.api.items(path)]:
            self.api.delete(f"{path}/{self.random.choice(names)}", {"propagationPolicy": "Background"})

    def withdraw(self) -> None:
        ids = Workload.objects.filter(project=self.project, is_active=True).order_by("pk").values_list("pk", flat=True)
        if pk := self._any(set(ids)):
            Workload.objects.filter(pk=pk).update(desired=Workload.Desired.STOPPED)

    def add_foreign(self) -> None:
        if node := self._any(self.nodes):
            requests = {"cpu": f"{self.random.randrange(1, 2000)}m", "memory": "64Mi"}
            container = {"name": "main", "image": "busybox", "resources": {"requests": requests}}
            metadata: Object = {"name": self._name("other")}
            if self.random.random() < 0.5:
                metadata["annotations"] = {"bursar.dev/run-seconds": str(self.random.randrange(1, 6))}
            self.api.create(self._path, {"metadata": metadata, "spec": {"nodeName": node, "containers": [container]}})

    def remove_foreign(self) -> None:
        self._delete_one([pod for pod in self._pods() if OURS not in labels(pod)])

    def _delete_one(self, pods: list[Object]) -> None:
        if pods:
            self.api.delete(f"{self._path}/{self.random.choice(pods)['metadata']['name']}")

    def _pods(self) -> list[Object]:
        return self.api.items(self._path)

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    def _any(self, names: Collection[T]) -> T | None:
        return self.random.choice(sorted(names)) if names else None

    def _class(self) -> str:
        return self.random.choice("abc")

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self.namespace[-8:]}-{self._number}"


def labels(item: Object) -> dict[str, str]:
    found: dict[str, str] = item["metadata"].get("labels", {})
    return found


def differences(api: Api, cluster: OrgUnit) -> list[str]:
    """What the database shows otherwise than the server has it, in words; read in that order."""
    nodes = {node["metadata"]["name"]: node for node in api.items("/api/v1/nodes")}
    pods = {pod["metadata"]["uid"]: pod for pod in api.items("/api/v1/pods")}
    jobs = {labels(job)[OURS] for job in api.items("/apis/batch/v1/jobs", labelSelector=OURS)}
    found = _compare("node", {name: _node(node) for name, node in nodes.items()}, _node_rows(cluster))
    ours = {uid: pod for uid, pod in pods.items() if OURS in labels(pod)}
    known = {str(uid) for uid in Workload.objects.filter(cluster=cluster).values_list("uid", flat=True)}
    ours = {uid: pod for uid, pod in ours.items() if labels(pod)[OURS] in known}
    found += _compare("pod", {uid: _pod(pod, nodes) for uid, pod in ours.items()}, _pod_rows(cluster))
    found += _compare("foreign use", _foreign(nodes, pods, ours), _foreign_rows(cluster))
    applied = Workload.objects.filter(cluster=cluster, applied=True).values_list("uid", flat=True)
    found += _compare("object", dict.fromkeys(jobs & known, True), {str(uid): True for uid in applied})
    running: dict[str, int] = defaultdict(int)
    for pod in ours.values():
        running[labels(pod)[OURS]] += _phase(pod) == Pod.Phase.RUNNING
    active = Workload.objects.filter(cluster=cluster, is_active=True).values_list("uid", "pods_running")
    rows = {str(uid): number for uid, number in active}
    return found + _compare("running pods of", {uid: running[uid] for uid in rows}, rows)


def _compare(what: str, there: dict[str, object], rows: dict[str, object]) -> list[str]:
    return [
        f"{what} {name}: the server has {there.get(name)}, the database {rows.get(name)}"
        for name in sorted(there.keys() | rows.keys())
        if there.get(name) != rows.get(name)
    ]


def _node(node: Object) -> object:
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    gpus = int(node["status"]["allocatable"].get("nvidia.com/gpu", "0"))
    spec = node["spec"]
    taints = [(taint["key"], taint.get("value", ""), taint["effect"]) for taint in spec.get("taints", [])]
    return (node["metadata"]["uid"], ready, not spec.get("unschedulable", False), gpus, labels(node), taints)


def _node_rows(cluster: OrgUnit) -> dict[str, object]:
    return {
        node.name: (
            node.uid,
            node.state == Node.State.READY,
            node.schedulable,
            node.gpu_count,
            node.labels,
            [(taint["key"], taint["value"], taint["effect"]) for taint in node.taints],
        )
        for node in Node.objects.filter(cluster=cluster, removed_at=None)
    }


def _pod(pod: Object, nodes: dict[str, Object]) -> object:
    node = pod["spec"].get("nodeName")
    return (pod["metadata"]["name"], nodes[node]["metadata"]["uid"] if node in nodes else None, _phase(pod))


def _pod_rows(cluster: OrgUnit) -> dict[str, object]:
    rows = Pod.objects.filter(workload__cluster=cluster).select_related("node")
    # Of a node that is gone it does not matter whether the pod still points to it.
    return {
        pod.uid: (pod.name, pod.node.uid if pod.node and pod.node.removed_at is None else None, pod.phase)
        for pod in rows
    }


def _phase(pod: Object) -> int:
    phase = pod["status"]["phase"]
    if phase in ("Succeeded", "Failed"):
        return Pod.Phase.SUCCEEDED if phase == "Succeeded" else Pod.Phase.FAILED
    if "deletionTimestamp" in pod["metadata"]:
        return Pod.Phase.STOPPING
    if phase == "Running":
        return Pod.Phase.RUNNING
    return Pod.Phase.STARTING if "nodeName" in pod["spec"] else Pod.Phase.PENDING


def _foreign(nodes: dict[str, Object], pods: dict[str, Object], ours: dict[str, Object]) -> dict[str, object]:
    """Millicores and number of the pods of others on each node."""
    sums = {name: [0, 0] for name in nodes}
    for uid, pod in pods.items():
        node = pod["spec"].get("nodeName")
        if node in sums and uid not in ours and pod["status"]["phase"] in ("Pending", "Running"):
            # One init container after the other, then all containers at once.
            first = max(map(_cpu, pod["spec"].get("initContainers", ())), default=0)
            sums[node][0] += max(first, sum(map(_cpu, pod["spec"]["containers"])))
            sums[node][1] += 1
    return {name: tuple(found) for name, found in sums.items()}


def _cpu(container: Object) -> int:
    """Millicores that it requests."""
    text = container.get("resources", {}).get("requests", {}).get("cpu", "0")
    return int(text.removesuffix("m")) if text.endswith("m") else int(text) * 1000


def _foreign_rows(cluster: OrgUnit) -> dict[str, object]:
    rows = Node.objects.filter(cluster=cluster, removed_at=None)
    return {name: (cpu, pods) for name, cpu, pods in rows.values_list("name", "foreign_cpu_millicores", "foreign_pods")}
