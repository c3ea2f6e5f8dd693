"""Taking out of a cluster what Bursar wrote there, whatever kinds of objects it is on: the server says which it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..gateway import GatewayError
from . import decode
from .calls import CONFLICT, NOT_FOUND, Calls, decoded
from .errors import ApiError
from .manifests import FIELD_MANAGER, MANAGED_BY, POD_SECURITY
from .request import MERGE
from .text import plain

DOMAIN = "bursar.dev/"
"""What labels and annotations of Bursar begin with."""
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Asks for lists without contents: nobody here reads what is in a Secret."""
PAGE_SIZE = 500
NEEDED = frozenset({"list", "patch", "delete"})
PASSING = frozenset({"endpoints", "events"})
"""Kinds that repeat the labels of others, and go or change with these, or by themselves."""
NAMESPACE = "Namespace"


class _Resource(decode.Fields, frozen=True):
    name: str
    kind: str
    namespaced: bool = False
    verbs: tuple[str, ...] = ()


class _Resources(decode.Fields, frozen=True):
    resources: tuple[_Resource, ...] = ()


class _Version(decode.Fields, frozen=True):
    group_version: str


class _Group(decode.Fields, frozen=True):
    preferred_version: _Version


class _Groups(decode.Fields, frozen=True):
    groups: tuple[_Group, ...] = ()


class _Manager(decode.Fields, frozen=True):
    manager: str = ""
    operation: str = ""


class _Metadata(decode.Metadata, frozen=True):
    managed_fields: tuple[_Manager, ...] = ()

    @property
    def is_made(self) -> bool:
        """Bursar applied the object itself, and not only somebody a part of it."""
        is_applied = any(each.manager == FIELD_MANAGER and each.operation == "Apply" for each in self.managed_fields)
        return is_applied and self.labels.get(MANAGED_BY) == FIELD_MANAGER


class _Object(decode.Fields, frozen=True):
    metadata: _Metadata


@dataclass(frozen=True, slots=True)
class Trace:
    """An object that Bursar made, or one of others that it, or somebody for it, wrote on."""

    kind: str
    name: str
    """With its namespace before it."""
    path: str
    uid: str
    made: bool
    labels: tuple[str, ...]
    """Keys of Bursar's; so `annotations`."""
    annotations: tuple[str, ...]

    def goes(self, *, with_namespaces: bool) -> bool:
        """As a whole: in a namespace there may be what others put there."""
        return self.made and (with_namespaces or self.kind != NAMESPACE)


@dataclass(frozen=True, slots=True)
class Traces:
    found: list[Trace]
    unread: list[str]
    """Kinds that could not be looked at, and why."""


class Cleaner(Calls):
    """Needs an account that may read and change everything."""

    @property
    def address(self) -> str:
        return self.transport.server

    def look(self) -> Traces:
        """Everything of Bursar's. Objects that go with others that it made are left out."""
        found: dict[str, tuple[Trace, _Metadata]] = {}
        unread: list[str] = []
        for prefix, resource in self._resources(unread):
            try:
                for item in self._list(f"{prefix}/{resource.name}"):
                    if (trace := _trace(prefix, resource, item)) is not None:
                        found[trace.uid] = trace, item
            except GatewayError as problem:
                unread.append(f"{resource.name}: {problem}")
        going = {uid for uid, (trace, _) in found.items() if trace.goes(with_namespaces=False)}
        before = -1
        while len(going) != before:
            before = len(going)
            going |= {uid for uid, (_, item) in found.items() if any(o.uid in going for o in item.owner_references)}
        traces = [trace for trace, item in found.values() if not any(o.uid in going for o in item.owner_references)]
        return Traces(sorted(traces, key=lambda trace: (trace.kind, trace.name)), unread)

    def remove(self, traces: Traces, *, with_namespaces: bool) -> list[str]:
        """What could not be removed, and why. Bindings of people go first, then work, and namespaces last: what keeps
        people from walking round the quota looks at their labels."""
        problems = []
        order = sorted(traces.found, key=lambda trace: (trace.kind == NAMESPACE, trace.kind != "RoleBinding"))
        for trace in order:
            try:
                self._remove(trace, goes=trace.goes(with_namespaces=with_namespaces))
            except GatewayError as problem:
                problems.append(f"{trace.kind} {trace.name}: {problem}")
        return problems

    def _remove(self, trace: Trace, *, goes: bool) -> None:
        try:
            if goes:
                options = {"preconditions": {"uid": trace.uid}, "propagationPolicy": "Background"}
                self.call("DELETE", trace.path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
            else:
                off = {"labels": dict.fromkeys(trace.labels), "annotations": dict.fromkeys(trace.annotations)}
                self.call("PATCH", trace.path, {"metadata": {"uid": trace.uid, **off}}, content_type=MERGE)
        except ApiError as error:
            # Gone, or another of that name by now.
            if error.status not in (NOT_FOUND, CONFLICT):
                raise

    def _resources(self, unread: list[str]) -> Iterator[tuple[str, _Resource]]:
        """Kinds of objects, each with the path before its name."""
        groups = decoded(self.call("GET", "/apis"), _Groups).groups
        for prefix in ("/api/v1", *(f"/apis/{group.preferred_version.group_version}" for group in groups)):
            try:
                resources = decoded(self.call("GET", prefix), _Resources).resources
            except GatewayError as problem:
                unread.append(f"{prefix}: {problem}")
                continue
            for resource in resources:
                if NEEDED.issubset(resource.verbs) and "/" not in resource.name and resource.name not in PASSING:
                    yield prefix, resource

    def _list(self, path: str) -> Iterator[_Metadata]:
        query = {"limit": str(PAGE_SIZE)}
        while True:
            page = decoded(self.call("GET", path, query=query, accept=METADATA), decode.Page[_Object])
            yield from (item.metadata for item in page.items or ())
            if not page.metadata.continue_from:
                return
            query["continue"] = page.metadata.continue_from


def _trace(prefix: str, resource: _Resource, item: _Metadata) -> Trace | None:
    labels, annotations = (
        tuple(key for key in keys if key.startswith(DOMAIN)) for keys in (item.labels, item.annotations)
    )
    if not (item.is_made or labels or annotations):
        return None
    if item.is_made:
        labels += tuple(key for key in (MANAGED_BY, POD_SECURITY) if key in item.labels)
    inside = f"namespaces/{item.namespace}/" if resource.namespaced else ""
    name = f"{item.namespace}/{item.name}" if resource.namespaced else item.name
    path = f"{prefix}/{inside}{resource.name}/{item.name}"
    return Trace(resource.kind, plain(name, 600), path, item.uid, item.is_made, labels, annotations)
