"""Pods that others made for Bursar to place, grouped by what made them. Remembered by one watch, without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from scheduling.clusters.found import CRON_JOB, JOB, OPTIONAL, POD, Owner
from scheduling.clusters.seen import OBJECTS, REPLICA_SETS, ObjectState, PodPhase, Seen, SeenObject, SeenPod

OWNER_SECONDS = 3.0
"""So long a pod waits for the object that it names to be seen; then it counts as made by nothing."""
EMPTY_SECONDS = 30.0
"""So long work of a kind that is not followed may be without pods, as when its operator replaces them."""
MOST_STEPS = 8
"""Up from a pod to what made it, at most."""
GANGS = (JOB, *OPTIONAL)
"""Kinds whose pods start together, where nothing else is said."""


class Shape(NamedTuple):
    """What a pod asks for, and where it may run."""

    devices: int
    cpu_millicores: int
    memory_bytes: int
    node_labels: tuple[tuple[str, str], ...]
    tolerations: tuple[tuple[tuple[str, str], ...], ...]


class Member(NamedTuple):
    """A pod of a group."""

    shape: Shape
    phase: PodPhase
    is_live: bool
    """It has not ended and is not going."""
    message: str


@dataclass(slots=True)
class Group:
    """What becomes one workload."""

    top: Owner
    namespace: str
    pod: SeenPod
    """The newest: it tells priority, pool and minimum."""
    members: dict[str, Member] = field(default_factory=dict)
    """By uid."""
    empty_since: float | None = None
    """Since when it has no live pod, where more may come by themselves."""
    is_over: bool = False
    """It has had none for too long."""

    def shapes(self) -> Counter[Shape]:
        """How many live pods ask for the same, in the order in which they came."""
        return Counter(member.shape for member in self.members.values() if member.is_live)

    @property
    def is_live(self) -> bool:
        return any(member.is_live for member in self.members.values())

    def as_object(self) -> SeenObject | None:
        """What stands for an object of which nothing is known but its pods; None: they are gone."""
        state, message = ObjectState.ACTIVE, ""
        if not self.is_live:
            members = self.members.values()
            failed = [member.message for member in members if member.phase is PodPhase.FAILED]
            if members and all(member.phase is PodPhase.SUCCEEDED for member in members):
                state = ObjectState.SUCCEEDED
            elif self.is_over and failed:
                state, message = ObjectState.FAILED, failed[-1]
            elif self.is_over:
                return None
        top = self.top
        return SeenObject(top.uid, top.name, self.namespace, top.uid, state, top.kind, message=message)

    def count(self, now: float) -> None:
        """Looks whether it is empty. Of a kind that is followed nothing comes any more once its object is gone."""
        if self.is_live:
            self.empty_since, self.is_over = None, False
        elif self.top.kind == POD or self.top.is_followed:
            self.is_over = True
        elif self.empty_since is None and not self.is_over:
            self.empty_since = now


class FoundPods:
    """What one watch has shown of found pods and of what made them."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        """By the uid of what made them."""
        self.objects: dict[str, SeenObject] = {}
        """Found objects of followed kinds, by uid."""
        self._group_of: dict[str, str] = {}
        """By uid of the pod."""
        self._above: dict[str, tuple[str, str, Owner | None]] = {}
        """By uid of an object: its kind as `Seen.complete` has it, its namespace, and what made it."""
        self._held: dict[str, tuple[SeenPod, float]] = {}
        """Pods of which the maker has not been seen, and since when."""

    def is_due(self, now: float) -> bool:
        """Something happens by itself: a pod waits no longer, or what has no pods has ended."""
        return any(now - since >= OWNER_SECONDS for _, since in self._held.values()) or bool(self._over(now))

    def see(self, seen: Seen, again: Iterable[SeenPod], now: float) -> tuple[set[str], dict[str, SeenPod]]:
        """Groups (uids) of which something differs, and the pods that are to be looked at by their uids. `again`: pods
        seen before."""
        touched = self._see_objects(seen)
        gone = set(seen.gone_pods)
        if "pods" in seen.complete:
            gone |= {*self._group_of, *self._held} - {pod.uid for pod in seen.pods}
        waiting = () if "pods" in seen.complete else (*again, *(pod for pod, _ in self._held.values()))
        pods = {pod.uid: pod for pod in (*waiting, *seen.pods)}
        for uid in gone:
            pods.pop(uid, None)
            self._held.pop(uid, None)
            touched |= self._forget(uid)
        pods = {uid: pod for uid, pod in pods.items() if pod.found is not None}
        for uid, pod in pods.items():
            touched |= self._see(uid, pod, now)
        for uid in touched & self.groups.keys():
            self.groups[uid].count(now)
        for uid in self._over(now):
            self.groups[uid].empty_since, self.groups[uid].is_over = None, True
            touched.add(uid)
        return touched, pods

    def object_of(self, group: str) -> SeenObject | None:
        """What is there of it."""
        if group in self.objects:
            return self.objects[group]
        return self.groups[group].as_object() if group in self.groups else None

    def top_of(self, pod: str) -> str:
        """The uid of the group that a pod belongs to; empty: of none."""
        return self._group_of.get(pod, "")

    def drop_empty(self, group: str) -> None:
        """Forgets a group that has no pods and gets no more."""
        found = self.groups.get(group)
        if found is not None and found.is_over and not found.members:
            del self.groups[group]

    def _over(self, now: float) -> list[str]:
        empty = ((uid, group.empty_since) for uid, group in self.groups.items())
        return [uid for uid, since in empty if since is not None and now - since >= EMPTY_SECONDS]

    def _see_objects(self, seen: Seen) -> set[str]:
        kinds = seen.complete.keys() & {*OBJECTS, REPLICA_SETS}
        touched = set()
        if kinds:
            lost = {uid for uid, (kind, _, _) in self._above.items() if kind in kinds}
            touched |= lost & self.objects.keys()
            self._above = {uid: above for uid, above in self._above.items() if uid not in lost}
            self.objects = {uid: item for uid, item in self.objects.items() if uid not in lost}
        for uid in (*seen.gone_objects, *seen.gone_owners):
            self._above.pop(uid, None)
            if self.objects.pop(uid, None):
                touched.add(uid)
        for owner in seen.owners:
            self._above[owner.uid] = REPLICA_SETS, owner.namespace, owner.owner
        for item in seen.objects:
            if item.found:
                self._above[item.uid] = item.kind, item.namespace, item.owner
                self.objects[item.uid] = item
                touched.add(item.uid)
        return touched

    def _see(self, uid: str, pod: SeenPod, now: float) -> set[str]:
        since = self._held.pop(uid, (pod, now))[1]
        top = self._top(pod, is_patient=now - since < OWNER_SECONDS)
        if pod.found is None or pod.found.refused:
            return self._forget(uid)
        if top is None:
            self._held[uid] = pod, since
            return set()
        touched = {top.uid} if self._group_of.get(uid) == top.uid else self._forget(uid) | {top.uid}
        group = self.groups.setdefault(top.uid, Group(top, pod.namespace, pod))
        if pod.created_ms >= group.pod.created_ms:
            group.pod = pod
        is_live = pod.phase in (PodPhase.PENDING, PodPhase.RUNNING) and not pod.deleting
        group.members[uid] = Member(_shape_of(pod), pod.phase, is_live, pod.message)
        self._group_of[uid] = top.uid
        return touched

    def _top(self, pod: SeenPod, *, is_patient: bool) -> Owner | None:
        """What made it, as far up as is known; None: that is still to be seen. Pods may name what they like: what is
        not there, or lies in another namespace, has not made them."""
        itself = Owner(pod.uid, "", POD, pod.name)
        owner = (pod.found and pod.found.owner) or itself
        for _ in range(MOST_STEPS):
            if owner.uid in self._above:
                _, namespace, above = self._above[owner.uid]
                if namespace != pod.namespace:
                    return itself
                # Each Job of a CronJob is a workload of its own.
                if above is None or above.kind == CRON_JOB:
                    return owner
                owner = above
            elif is_patient and (owner.is_followed or owner.may_be_followed):
                return None
            elif owner.is_followed:
                return itself
            else:
                # A group of workers may belong to the pod that leads it.
                group = self.groups.get(self._group_of.get(owner.uid, owner.uid))
                if group is None:
                    return owner
                return group.top if group.namespace == pod.namespace else itself
        return itself

    def _forget(self, uid: str) -> set[str]:
        top = self._group_of.pop(uid, None)
        if top is None:
            return set()
        self.groups[top].members.pop(uid, None)
        return {top}


def _shape_of(pod: SeenPod) -> Shape:
    assert pod.found is not None
    devices = pod.gpu_milli // 1000
    return Shape(devices, pod.cpu_millicores, pod.memory_bytes, pod.found.node_labels, pod.found.tolerations)
