"""A cluster of Bursar's on the real API server, whose bindings of people are kept as an observer keeps them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orgs.models import AccessRule, ClusterInfo, OrgUnit, RuleSync
from scheduling.clusters.gateway import Gateway
from scheduling.loops.access_sync import AccessSync
from scheduling.loops.tenure import Tenure
from tests.cluster.api import Api, Object
from tests.factories import make_cluster, make_project

RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Kept:
    """`api`: the cluster as its administrator sees it."""

    def __init__(self, api: Api, gateway: Gateway) -> None:
        self.api = api
        self.gateway = gateway
        self.cluster = make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
        self.stop = threading.Event()
        self.watch = gateway.watch(self.stop)
        tenure = Tenure.take(f"observer:cluster:{self.cluster.pk}", "test")
        assert tenure is not None
        self.tenure = tenure
        self.sync = AccessSync(self.cluster.pk, gateway)

    def project(self) -> OrgUnit:
        """With its namespace."""
        project = make_project(department=OrgUnit.objects.get(parent=self.cluster, name="default"))
        self.gateway.apply_namespace(project.project_info.namespace, project.name)
        return project

    def until(self, holds: Callable[[], object], seconds: float = 30) -> None:
        """Keeps the bindings until something is so."""
        deadline = time.monotonic() + seconds
        for seen in self.watch:
            self.sync.see(seen)
            self.tenure.keep()
            self.sync.tick(self.tenure)
            if holds():
                return
            assert time.monotonic() < deadline, f"not so after {seconds} s"

    def until_in_force(self, *rules: AccessRule) -> None:
        wanted = {rule.pk for rule in rules}
        in_force = RuleSync.objects.filter(cluster=self.cluster, state=RuleSync.State.IN_FORCE)
        self.until(lambda: wanted <= set(in_force.values_list("rule", flat=True)))

    def until_kept(self) -> None:
        """All of it is as it is to be, by rules as they are now."""
        self.sync._next_read = 0.0
        self.until(lambda: not self.sync._different() and self.sync._next_read)

    def bindings(self, project: OrgUnit) -> dict[str, list[str]]:
        """People by role, as the server has them."""
        found = self.api.items(f"{RBAC}/namespaces/{project.project_info.namespace}/rolebindings")
        return {
            binding["metadata"]["name"]: [subject["name"] for subject in binding.get("subjects", [])]
            for binding in found
        }


@contextmanager
def kept(api: Api, gateway: Gateway) -> Iterator[Kept]:
    made = Kept(api, gateway)
    try:
        yield made
    finally:
        made.stop.set()
        made.watch.close()  # type: ignore[attr-defined]


def allows(api: Api, namespace: str, verb: str, group: str, resource: str) -> bool:
    """What the server says when asked whether this person may. `resource` with its part, as `pods/log`."""
    name, _, part = resource.partition("/")
    asked = {"namespace": namespace, "verb": verb, "group": group, "resource": name, "subresource": part}
    review: Object = {"spec": {"resourceAttributes": asked}}
    return bool(api.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)["status"]["allowed"])
