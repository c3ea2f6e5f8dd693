"""What the audit log keeps of an act, and that nothing in it is changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from orgs.services.unit import unit_rename
from portal import digests
from portal.actor import SYSTEM, Actor
from portal.errors import Unchangeable
from portal.models import AuditEvent, AuditSeal
from portal.services.audit import LEFT_OUT, Act, audit_record, audit_record_all
from portal.services.seal import Sealer
from tests.factories import actor_of, make_department, make_project, make_user

pytestmark = pytest.mark.django_db


def test_who_from_where_what_before_and_after() -> None:
    ana = make_user("ana@example.org", "Ana Krol")
    vision = make_department("vision")
    audit_record(
        actor=actor_of(ana),
        action="update",
        entity=vision,
        unit=vision.pk,
        before={"name": "eyes"},
        after={"name": "vision"},
    )
    event = AuditEvent.objects.get(action="update")
    assert (event.actor, event.actor_name, event.address) == (ana.subject.pk, "Ana Krol", "192.0.2.1")
    assert (event.action, event.entity, event.entity_id, event.entity_name) == (
        "update", "department", vision.pk, "vision"
    )  # fmt: skip
    assert (event.unit, event.unit_name, event.unit_path) == (vision.pk, "vision", vision.path)
    assert (event.before, event.after) == ({"name": "eyes"}, {"name": "vision"})
    assert digests.fits(digests.EVENT, vars(event))


def test_a_name_stays_what_it_was_at_the_time() -> None:
    project = make_project("vis-3d")
    unit_rename(actor=SYSTEM, unit=project, name="nerf")
    project.refresh_from_db()
    unit_rename(actor=SYSTEM, unit=project, name="splat")
    events = AuditEvent.objects.filter(action="update").order_by("id")
    assert list(events.values_list("unit_name", "entity_name", "before", "after")) == [
        ("nerf", "nerf", {"name": "vis-3d"}, {"name": "nerf"}),
        ("splat", "splat", {"name": "nerf"}, {"name": "splat"}),
    ]


def test_a_digest_covers_every_column_but_itself_and_the_seal() -> None:
    columns = {field.attname for field in AuditEvent._meta.concrete_fields}
    assert columns - set(digests.EVENT) == {"digest", "seal"}
    columns = {field.attname for field in AuditSeal._meta.concrete_fields}
    assert columns - set(digests.SEAL) == {"digest"}


def test_values_come_back_as_they_were_signed_on_either_database() -> None:
    odd = {
        "whole": 2**70, "part": 1e22, "half": 0.1, "none": None, "yes": True, "text": "видение \x00 \ud800 \\u0000 \"",
        "inside": [{"b": 1, "a": (1.5, float("nan"))}], 7: "seven", "other": SYSTEM,
    }  # fmt: skip
    audit_record(actor=Actor("A\x00na"), action="update", entity="thing", unit=None, name="x" * 300, after=odd)
    event = AuditEvent.objects.get()
    assert digests.fits(digests.EVENT, vars(event))
    assert (event.after["whole"], event.after["part"], event.after["yes"]) == (2**70, "1e+22", True)
    assert (event.actor_name, len(event.entity_name)) == ("Ana", 254)


def test_what_stands_under_the_name_of_a_secret_is_left_out() -> None:
    secrets = {
        "password": "a1",
        "API_TOKEN": "a2",
        "env": {"A": "a3"},
        "more": [{"kubeconfig": "a4"}],
        "command": ["a5"],
    }
    audit_record(
        actor=SYSTEM, action="create", entity="thing", unit=None, before=secrets, after=secrets | {"label_key": "b"}
    )
    event = AuditEvent.objects.get()
    assert event.after == {
        "password": LEFT_OUT, "API_TOKEN": LEFT_OUT, "env": LEFT_OUT, "more": [{"kubeconfig": LEFT_OUT}],
        "command": LEFT_OUT, "label_key": "b",
    }  # fmt: skip
    assert event.before == {name: value for name, value in event.after.items() if name != "label_key"}


def test_several_acts_take_as_many_queries_as_one(django_assert_num_queries: object) -> None:
    acts = [Act("stop", make_project(), make_project().pk) for _ in range(20)]
    # Savepoint, ids, units, rows, end of savepoint.
    with django_assert_num_queries(5):  # type: ignore[operator]
        rows = audit_record_all(actor=SYSTEM, acts=acts)
    assert [row.pk for row in rows] == sorted(row.pk for row in rows)
    assert len({row.pk for row in rows}) == 20
    assert audit_record_all(actor=SYSTEM, acts=[]) == []


def test_neither_model_nor_managers_change_or_remove_rows() -> None:
    event = audit_record(actor=SYSTEM, action="create", entity="thing", unit=None)
    Sealer("test").step()
    seal = AuditSeal.objects.get()
    for row in (event, seal):
        rows = type(row).objects.all()
        attempts: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
            (row.save, (), {}),
            (row.delete, (), {}),
            (rows.delete, (), {}),
            (rows.update, (), {"digest": ""}),
            (type(row)._base_manager.update, (), {"digest": ""}),
            (rows.create, (), {"digest": ""}),
            (rows.bulk_create, ([row],), {}),
            (rows.bulk_update, ([row], ["digest"]), {}),
            (rows.get_or_create, (), {"digest": ""}),
            (rows.update_or_create, (), {"digest": ""}),
        ]
        for attempt, positional, named in attempts:
            with pytest.raises(Unchangeable):
                attempt(*positional, **named)
    assert AuditEvent.objects.filter(digest=event.digest).count() == 1


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="only PostgreSQL has the trigger")
def test_the_database_refuses_changes_underneath() -> None:
    def refused(sql: str) -> str:
        with transaction.atomic(), connection.cursor() as cursor:
            try:
                with transaction.atomic():
                    cursor.execute(sql)
            except DatabaseError as problem:
                return str(problem).splitlines()[0]
        return ""

    event = audit_record(actor=SYSTEM, action="create", entity="thing", unit=None)
    assert refused("UPDATE portal_auditevent SET actor_name = 'x'") == f"Audit event {event.pk} cannot be changed."
    assert "is not sealed yet" in refused("DELETE FROM portal_auditevent")
    assert (
        refused("UPDATE portal_auditevent SET seal = 1, action = 'x'") == f"Audit event {event.pk} cannot be changed."
    )
    Sealer("test").step()
    assert "cannot be changed" in refused("UPDATE portal_auditevent SET seal = NULL")
    assert "cannot be changed" in refused("UPDATE portal_auditevent SET seal = 2")
    assert "neither changed nor removed" in refused("UPDATE portal_auditseal SET rows = 7")
    assert "neither changed nor removed" in refused("DELETE FROM portal_auditseal")
    assert refused("DELETE FROM portal_auditevent") == "", "sealed rows go when their time is over"
