"""The rows of a simulated cluster: read freely, written one transaction at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import QuerySet

from scheduling.models import SimObject

KIND = SimObject.Kind


def objects(cluster: int, kind: SimObject.Kind | None = None) -> QuerySet[SimObject]:
    """What is there, oldest first."""
    found = SimObject.objects.filter(cluster_id=cluster, deleted=False).exclude(kind=KIND.CLOCK).order_by("pk")
    return found if kind is None else found.filter(kind=kind)


def create_clock(cluster: int) -> None:
    """The row that hands out the cluster's versions."""
    SimObject.objects.get_or_create(cluster_id=cluster, kind=KIND.CLOCK, uid="clock", defaults={"name": "clock"})


class Change:
    """One write transaction of a simulated cluster. Each object that it saves gets the next version."""

    def __init__(self, cluster: int, version: int) -> None:
        self.cluster = cluster
        self.version = version

    def get(self, kind: SimObject.Kind, uid: str) -> SimObject | None:
        return objects(self.cluster, kind).filter(uid=uid).first()

    def save(self, item: SimObject) -> None:
        self.version += 1
        item.resource_version = self.version
        item.save()

    def delete(self, item: SimObject, now_ms: int) -> None:
        item.deleted, item.due_ms = True, now_ms
        self.save(item)


@contextmanager
def writing(cluster: int) -> Iterator[Change]:
    """Holds the clock row to the end, so versions become visible in the order in which they were given."""
    with transaction.atomic():
        clock = SimObject.objects.select_for_update().get(cluster_id=cluster, kind=KIND.CLOCK)
        change = Change(cluster, clock.resource_version)
        yield change
        if change.version > clock.resource_version:
            clock.resource_version = change.version
            clock.save(update_fields=["resource_version"])
