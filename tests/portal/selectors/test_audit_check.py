"""`manage.py verify_audit`: whatever is done to the rows with SQL is noticed, and the first wrong one is named."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from portal import digests
from portal.actor import SYSTEM
from portal.models import AuditEvent, AuditSeal
from portal.selectors.audit_check import audit_check
from portal.services.audit import audit_record
from portal.services.seal import Sealer

pytestmark = pytest.mark.django_db

Sql = Callable[..., None]


@pytest.fixture
def log() -> list[int]:
    """Three seals over three events each, and one event without; the ids of the events."""
    sealer, ids = Sealer("test"), []
    for batch in range(3):
        for number in range(3):
            ids.append(act(f"{batch}-{number}"))
        sealer.step()
    sealer.release()
    ids.append(act("late"))
    return ids


def act(name: str) -> int:
    return audit_record(actor=SYSTEM, action="update", entity="quota", unit=None, name=name, after={"gpu_milli": 7}).pk


@pytest.fixture
def underneath() -> Sql:
    """Writes with plain SQL, as the owner of the tables can: PostgreSQL's triggers are switched off for it."""

    def write(sql: str, *parameters: object) -> None:
        with connection.cursor() as cursor:
            for table in ("portal_auditevent", "portal_auditseal") if not settings.EMBEDDED else ():
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(sql, parameters)
            assert cursor.rowcount > 0, "nothing was tampered with"

    return write


def verify(**options: str) -> str:
    """What the command says, whether it ends well or with status 1."""
    output = StringIO()
    try:
        call_command("verify_audit", stdout=output, **options)
    except CommandError as problem:
        return f"status {problem.returncode}: {problem}"
    return output.getvalue()


def first_problem() -> str:
    said = verify().splitlines()
    assert said[0] == "status 1: The audit log is not as it was written."
    return said[1]


def test_an_untouched_log_is_as_it_was_written(log: list[int]) -> None:
    last = AuditSeal.objects.get(number=3)
    assert verify().splitlines() == [
        "10 events under 3 seals are as they were written, 1 of them not sealed yet.",
        f"Last seal: 3:{last.digest}",
    ]


def test_an_empty_log_is_fine() -> None:
    assert verify() == "0 events under 0 seals are as they were written, 0 of them not sealed yet.\n"


@pytest.mark.parametrize(
    "column",
    [
        "actor = 7", "actor_name = 'Eve'", "action = 'delete'", "entity = 'pool'", "entity_id = 9", "entity_name = 'x'",
        "unit = 4", "unit_name = 'x'", "unit_path = '/1/'", "address = '10.0.0.1'", "at = '2026-01-01 00:00:00+00:00'",
        "before = '{\"a\": 1}'", "after = '{\"gpu_milli\": 8}'", "after = '{\"gpu_milli\": \"7\"}'",
    ],
)  # fmt: skip
def test_a_changed_value(log: list[int], underneath: Sql, column: str) -> None:
    underneath(f"UPDATE portal_auditevent SET {column} WHERE id = %s", log[4])
    assert first_problem().startswith(f"Event {log[4]} (")
    assert first_problem().endswith("was changed after it was sealed.")


def test_the_first_of_several_is_named_first(log: list[int], underneath: Sql) -> None:
    underneath("UPDATE portal_auditevent SET actor_name = 'Eve' WHERE id IN (%s, %s)", log[7], log[2])
    assert verify().splitlines()[1].startswith(f"Event {log[2]} (")
    assert verify().splitlines()[2].startswith(f"Event {log[7]} (")


def test_a_changed_event_that_is_not_sealed_yet(log: list[int], underneath: Sql) -> None:
    underneath("UPDATE portal_auditevent SET actor_name = 'Eve' WHERE id = %s", log[-1])
    assert first_problem().endswith("was changed, or added by somebody without the key.")


def test_a_changed_digest(log: list[int], underneath: Sql) -> None:
    underneath("UPDATE portal_auditevent SET digest = %s WHERE id = %s", "0" * 64, log[0])
    assert first_problem().startswith(f"Event {log[0]} (")


def test_a_removed_event(log: list[int], underneath: Sql) -> None:
    underneath("DELETE FROM portal_auditevent WHERE id = %s", log[4])
    assert first_problem() == f"1 of the 3 events under seal 2 were removed: {log[4]}."


def test_all_events_of_a_seal_removed(log: list[int], underneath: Sql) -> None:
    underneath("DELETE FROM portal_auditevent WHERE seal = 2")
    assert first_problem() == f"3 of the 3 events under seal 2 were removed: of {', '.join(map(str, log[3:6]))}."


@pytest.mark.parametrize("seal", [None, 2, 9])
def test_an_added_event(log: list[int], underneath: Sql, seal: int | None) -> None:
    """With the digest of another one, as whoever has no key would add it."""
    columns = ", ".join(set(digests.EVENT) - {"id"})
    underneath(
        f"INSERT INTO portal_auditevent (id, seal, digest, {columns}) SELECT %s, %s, digest, {columns} "
        "FROM portal_auditevent WHERE id = %s",
        log[-1] + 1000, seal, log[3],
    )  # fmt: skip
    said = first_problem()
    assert said.startswith(f"Event {log[-1] + 1000} ")
    ends = {None: "was changed, or added by somebody without the key.", 2: "was added after it was sealed."}
    assert said.endswith(ends.get(seal, "lies under seal 9, which is not there."))


def test_an_event_that_changed_places(log: list[int], underneath: Sql) -> None:
    underneath("UPDATE portal_auditevent SET seal = 3 WHERE id = %s", log[4])
    assert first_problem() == "1 of the 3 events under seal 2 were removed."
    underneath("UPDATE portal_auditevent SET seal = 2 WHERE id = %s", log[6])
    assert first_problem() == "Other events lie under seal 2 than it was set on."


@pytest.mark.parametrize(
    ("one", "other"), [(3, 4), (4, 7), (8, 9)], ids=["of one seal", "of two seals", "one of them not sealed yet"]
)
def test_two_events_in_the_other_order(log: list[int], underneath: Sql, one: int, other: int) -> None:
    """Both keep their digests and all else, and take each other's number."""
    for old, new in ((log[one], -1), (log[other], log[one]), (-1, log[other])):
        underneath("UPDATE portal_auditevent SET id = %s WHERE id = %s", new, old)
    assert first_problem().startswith("Event ")
    named = {int(line.split()[1]) for line in verify().splitlines()[1:] if line.startswith("Event ")}
    assert named == {log[one], log[other]}


def test_two_seals_in_the_other_order(log: list[int], underneath: Sql) -> None:
    """With the events that lie under them."""
    for old, new in ((2, 9), (3, 2), (9, 3)):
        underneath("UPDATE portal_auditseal SET number = %s WHERE number = %s", new, old)
        underneath("UPDATE portal_auditevent SET seal = %s WHERE seal = %s", new, old)
    assert first_problem() == "Seal 2 does not follow seal 1: one of them was changed."


@pytest.mark.parametrize(
    "column", ["rows = 2", "first = 0", "last = 0", "content = 'x'", "at = '2026-01-01 00:00:00+00:00'"]
)
def test_a_changed_seal(log: list[int], underneath: Sql, column: str) -> None:
    underneath(f"UPDATE portal_auditseal SET {column} WHERE number = 2")
    assert first_problem() == "Seal 2 was changed, or made by somebody without the key."


def test_a_seal_that_was_taken_out(log: list[int], underneath: Sql) -> None:
    underneath("DELETE FROM portal_auditevent WHERE seal = 2")
    underneath("DELETE FROM portal_auditseal WHERE number = 2")
    assert first_problem() == "Seal 2 is not there."


def test_a_seal_that_was_taken_out_and_the_others_moved_up(log: list[int], underneath: Sql) -> None:
    underneath("DELETE FROM portal_auditevent WHERE seal = 2")
    underneath("DELETE FROM portal_auditseal WHERE number = 2")
    underneath("UPDATE portal_auditevent SET seal = 2 WHERE seal = 3")
    underneath("UPDATE portal_auditseal SET number = 2 WHERE number = 3")
    assert first_problem() == "Seal 2 does not follow seal 1: one of them was changed."


def test_an_end_that_was_cut_off_shows_against_a_seal_that_was_noted(log: list[int], underneath: Sql) -> None:
    noted = verify().splitlines()[-1].removeprefix("Last seal: ")
    assert verify(noted=noted).startswith("10 events")
    underneath("DELETE FROM portal_auditevent WHERE seal = 3 OR seal IS NULL")
    underneath("DELETE FROM portal_auditseal WHERE number = 3")
    assert verify().startswith("6 events under 2 seals")
    assert "Seal 3 is not there with the digest that was noted: the end was cut off." in verify(noted=noted)
    assert verify(noted="three").startswith("status 1: Give --noted as it was printed")


def test_a_purge_that_nobody_recorded_is_a_removal(log: list[int], underneath: Sql) -> None:
    """Somebody forges the event about the purge: without the key its digest does not fit, and it counts for nothing."""
    underneath("DELETE FROM portal_auditevent WHERE seal <= 2")
    underneath(
        "UPDATE portal_auditevent SET entity = 'auditseal', action = 'purge', entity_id = 2 WHERE id = %s", log[-1]
    )
    assert first_problem().startswith("3 of the 3 events under seal 1 were removed")


def test_keys_that_change(log: list[int], settings: Settings) -> None:
    old = settings.AUDIT_KEYS
    settings.AUDIT_KEYS = ["n" * 40, *old]
    act("with the new key")
    Sealer("test").step()
    assert audit_check().problems == []
    settings.AUDIT_KEYS = ["n" * 40]
    assert audit_check().problems[0].startswith("Seal 1 was changed, or made by somebody without the key")
    settings.AUDIT_KEYS = old
    assert audit_check().problems[-1].endswith("was changed after it was sealed.")


def test_nothing_is_locked_and_memory_stays_flat(log: list[int], django_assert_max_num_queries: object) -> None:
    for _ in range(20):
        act("more")
    Sealer("test").step()
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        check = audit_check()
    assert (check.events, AuditEvent.objects.filter(seal=None).count()) == (30, 0)
