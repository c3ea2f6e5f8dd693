"""What Bursar needs of a cluster, real or simulated: to see it (`seen`), and to act on it (`orders`).

An observer iterates `watch` and writes what it yields to the database. A pool's actor calls `bind` and `evict`. The
observer's reconciler calls `apply_*` and `delete_*`. Every call is idempotent: done already is a success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Protocol

from .orders import Bind, Eviction, PodReason, PoolLabel, Result, WorkloadKey, WorkloadObject
from .seen import Health, LogLine, Seen, SeenNamespace, SeenObject, SeenPod, Told


class GatewayError(Exception):
    """The cluster could not be asked, or said no. The message is for people and holds no secret."""


class NamespaceGoneError(GatewayError):
    """The namespace of the project is not there."""


class RightsMissingError(GatewayError):
    """Bursar's account may not do what it has to."""

    def __init__(self, message: str, rights: tuple[str, ...]) -> None:
        super().__init__(message)
        self.rights = rights


class Gateway(Protocol):
    """One connected cluster. Thread-safe: the observer, the reconciler and actors of several pools share it."""

    def check(self) -> str:
        """The server's version. Raises GatewayError with what is wrong and what to do."""

    def require_rights(self) -> None:
        """Raises RightsMissingError where the cluster does not grant what Bursar needs. It may take a second."""

    def identity(self) -> str:
        """What tells the cluster from any other, whatever its address; empty where there can be no other."""

    def health(self) -> Health:
        """Of the watch that was begun last."""

    def watch(self, stop: Event) -> Iterator[Seen]:
        """Everything, then every change, until `stop`; at most 1,000 pods or 200 ms a batch, empty ones to keep time.

        Raises GatewayError when the cluster is out of reach; the caller waits and iterates a new watch.
        """

    def bind(self, binds: Sequence[Bind], keep_going: Callable[[], bool]) -> list[Result]:
        """Binds with the uid as precondition. `keep_going()` is asked before each call, by the thread that makes it:
        False stops sending."""

    def evict(self, evictions: Sequence[Eviction], keep_going: Callable[[], bool]) -> list[Result]:
        """Evicts with the uid as precondition, by the same rules."""

    def read_pod(self, namespace: str, pod: str, uid: str) -> SeenPod | None:
        """The pod of that uid now; None when it is gone."""

    def apply_namespace(self, name: str, project: str, *, adopted: bool = False) -> SeenNamespace:
        """Creates the project's namespace, or finds that one that was there has been given to the project. What is
        there then. Raises GatewayError when it belongs to another, or to none."""

    def access_missing(self) -> tuple[str, ...]:
        """Which of the roles and policies that ship for people are not in the cluster."""

    def apply_binding(self, namespace: str, role: str, people: Sequence[str]) -> None:
        """Binds these people, and nobody else, to the role in the namespace."""

    def delete_binding(self, namespace: str, role: str) -> None:
        """Binds nobody to the role there any more; gone already is fine."""

    def apply_workload(self, workload: WorkloadObject) -> SeenObject:
        """Creates the workload's object, or leaves the one that is there; one that was stopped goes on. What is there
        then. Raises NamespaceGoneError when its namespace is not there."""

    def start_workload(self, workload: WorkloadKey, pods: int) -> None:
        """Lets an object that was found, and stopped, have so many pods again."""

    def stop_workload(self, workload: WorkloadKey) -> None:
        """Stops its pods. The object stays where it can go on later, else it is deleted; gone already is fine."""

    def wake_workload(self, workload: WorkloadKey, groups: Sequence[str]) -> None:
        """Has what makes its pods, by name of their group, look again whether all are there; gone already is fine."""

    def label_pool(self, label: PoolLabel) -> None:
        """Writes the pool's name on the object and on these pods; what is gone meanwhile needs none."""

    def explain(self, why: PodReason) -> bool:
        """Writes on the pod why it waits, unless it says so. False: not now, for orders are under way or the pod is
        changing; try again. A pod that is bound or gone needs nothing."""

    def delete_workload(self, workload: WorkloadKey) -> None:
        """Deletes the workload's object and its pods; gone already is fine."""

    def read_log(self, namespace: str, pod: str, lines: int, after_ns: int = 0) -> list[LogLine]:
        """The last so many lines that the pod has written, of those after that moment."""

    def read_events(self, workload: WorkloadKey) -> list[Told]:
        """What was said of the workload's object and pods, the newest first."""

    def read_manifest(self, workload: WorkloadKey) -> str:
        """Its object as YAML, without what may be secret."""

    def close(self) -> None:
        """Lets connections go."""
