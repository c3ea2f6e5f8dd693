"""The audit log's one writer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from portal import digests, questions
from portal.actor import Actor
from portal.models import AuditEvent

SECRET_WORDS = ("password", "secret", "token", "credential", "kubeconfig")
SECRET_NAMES = ("env", "command", "key")
"""Whatever stands under such a name is left out, should a service ever hand it over."""
LEFT_OUT = "(not kept)"


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to one thing, in one scope (`unit`: its id). `before` and `after` hold the fields that differ."""

    action: str
    entity: models.Model | str
    """The thing, or what kind of thing it would have been where there is none."""
    unit: int | None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    name: str = ""
    """Of the thing, where `entity` is only a kind."""


def audit_record(
    *,
    actor: Actor,
    action: str,
    entity: models.Model | str,
    unit: int | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    name: str = "",
) -> AuditEvent:
    """Writes what `actor` did to `entity` in scope `unit`. Call it in the transaction of the act.

    `before` and `after` hold the fields that differ; never a secret.
    """
    return audit_record_all(actor=actor, acts=[Act(action, entity, unit, before, after, name)])[0]


@transaction.atomic
def audit_record_all(*, actor: Actor, acts: Sequence[Act]) -> list[AuditEvent]:
    """Writes several acts of one actor at one moment, in a fixed number of queries."""
    now, ids = timezone.now(), _ids(len(acts))
    units = questions.units_now({act.unit for act in acts if act.unit is not None})
    rows = []
    for pk, act in zip(ids, acts, strict=True):
        kind, key, name = _named(act)
        unit = units.get(act.unit or 0, questions.UnitNow("", ""))
        row = AuditEvent(
            id=pk,
            at=now,
            actor=actor.subject_id,
            actor_name=_text(actor.name, 254),
            address=_text(actor.address, 45),
            action=act.action,
            entity=kind,
            entity_id=key,
            entity_name=_text(name, 254),
            unit=act.unit,
            unit_name=unit.name,
            unit_path=unit.path,
            before=_kept(act.before or {}),
            after=_kept(act.after or {}),
        )
        row.digest = digests.signed(digests.EVENT, vars(row))
        rows.append(row)
    AuditEvent.objects.written(rows)
    return rows


def _named(act: Act) -> tuple[str, int | None, str]:
    """Kind, id and name of the thing; a model may say by `audit_entity` that it is of several kinds."""
    if isinstance(act.entity, str):
        return act.entity, None, act.name
    kind = getattr(act.entity, "audit_entity", act.entity._meta.model_name or "")
    key = act.entity.pk
    return kind, key if isinstance(key, int) else None, act.name or str(act.entity)


def _ids(number: int) -> list[int]:
    """The next ids, taken before the rows are written: a digest covers its row's id."""
    table = AuditEvent._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, number]
            )
            return sorted(pk for (pk,) in cursor.fetchall())
        # The transaction holds SQLite's only write lock.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = (cursor.fetchone() or (0,))[0]
        return list(range(last + 1, last + 1 + number))


def _text(text: str, length: int | None = None) -> str:
    """What both databases take: neither null characters nor halves of a character."""
    return text.replace("\x00", "").encode(errors="replace").decode()[:length]


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """As both databases give it back: JSON without fractions, as numbers with a point read differently there."""
    kept: dict[str, Any] = json.loads(json.dumps(_safe(values), default=str), parse_float=str, parse_constant=str)
    return kept


def _safe(value: Any) -> Any:
    """Without what may be secret, by the names of the fields."""
    if isinstance(value, Mapping):
        return {_text(str(name)): LEFT_OUT if part and _secret(name) else _safe(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(part) for part in value]
    return _text(value) if isinstance(value, str) else value


def _secret(name: Any) -> bool:
    name = str(name).lower()
    return name in SECRET_NAMES or any(word in name for word in SECRET_WORDS)
