from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from django.db import models
from django.utils import timezone

from portal.errors import Unchangeable
from portal.fields import AsciiField


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise Unchangeable("Nothing that is in the audit log is changed or removed by hand.")


class Unchanging(models.QuerySet[Any]):
    """Rows that are written once. The two writers below are those of `portal.services`; everything else is refused."""

    create = get_or_create = update_or_create = bulk_create = bulk_update = update = delete = _refuse

    def written(self, rows: Sequence[models.Model]) -> None:
        """Inserts rows that are whole: ids and digests set."""
        models.QuerySet.bulk_create(self, rows, batch_size=500)

    def sealed(self, seal: int) -> int:
        """Puts those of the rows that have no seal yet under this one."""
        return models.QuerySet.update(self.filter(seal=None), seal=seal)

    def purged(self) -> int:
        """Removes the rows: a purge that is itself in the log has named them."""
        return self._raw_delete(self.db)


class Written(models.Model):
    """A row of the audit log: refuses to be saved or deleted, whoever asks."""

    objects = Unchanging.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    save = delete = _refuse


class AuditEvent(Written):
    """Who did what: written in the transaction of the act, never changed.

    Ids and names without foreign keys, so it outlives what it names.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.BigIntegerField(null=True)
    """Subject id; none for Bursar's own loops, and where nobody was signed in."""
    actor_name = models.CharField(max_length=254)
    action = AsciiField(max_length=40)
    entity = AsciiField(max_length=40)
    entity_id = models.BigIntegerField(null=True)
    entity_name = AsciiField(max_length=254)
    unit = models.BigIntegerField(null=True)
    """The scope it happened in; its name and path as they were then."""
    unit_name = AsciiField(max_length=63, blank=True)
    unit_path = AsciiField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    digest = AsciiField(max_length=64)
    """HMAC-SHA-256 of all the above (`portal.digests`), in hexadecimal."""
    seal = models.BigIntegerField(null=True)
    """Number of the seal it lies under."""

    class Meta(Written.Meta):
        indexes = [
            models.Index(fields=["at", "id"], name="audit_at"),
            models.Index(fields=["actor", "at", "id"], name="audit_actor"),
            models.Index(fields=["unit", "at", "id"], name="audit_unit"),
            models.Index(fields=["entity", "entity_id", "id"], name="audit_entity"),
            models.Index(fields=["entity_name", "id"], name="audit_name"),
            models.Index(fields=["seal", "id"], name="audit_seal"),
            # Where units lay that are gone: few rows, asked for with every page of a reader with a scope.
            models.Index(fields=["unit_path"], condition=models.Q(action="remove"), name="audit_removals"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.entity} {self.entity_name}"


class AuditSeal(Written):
    """What says how many events there were, and which, some seconds after they were written. Each holds the last one's
    digest, and all are kept for ever, so that none can be taken out.
    """

    number = models.BigIntegerField(primary_key=True)
    """1 for the first, without gaps."""
    at = models.DateTimeField(default=timezone.now)
    rows = models.PositiveIntegerField()
    first = models.BigIntegerField()
    """Lowest id of its events; `last`: the highest."""
    last = models.BigIntegerField()
    content = AsciiField(max_length=64)
    """SHA-256 of the digests of its events in the order of their ids: what is left of them once they are purged."""
    previous = AsciiField(max_length=64, blank=True)
    """Digest of the seal before."""
    digest = AsciiField(max_length=64)
    """HMAC-SHA-256 of all the above."""

    class Meta(Written.Meta):
        pass

    def __str__(self) -> str:
        return f"seal {self.number}"
