"""The Audit page: who sees what, filters, pages, differences in words, files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from orgs.models import OrgUnit
from orgs.services.move import unit_move
from orgs.services.unit import unit_delete, unit_rename, units_remove
from orgs.views import audit as views
from portal.actor import SYSTEM, Actor
from portal.models import AuditEvent
from portal.services import audit as writer
from portal.services.audit import audit_record
from portal.services.seal import Sealer
from quotas.services.quota import quota_set
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    default_pool_of,
    make_cluster,
    make_department,
    make_project,
    make_user,
    signed_in,
)
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db
At = Callable[[datetime], None]


@pytest.fixture
def north() -> OrgUnit:
    return make_cluster("north")


@pytest.fixture
def vision(north: OrgUnit) -> OrgUnit:
    return make_department("vision", north)


@pytest.fixture
def speech(north: OrgUnit) -> OrgUnit:
    return make_department("speech", north)


@pytest.fixture
def admin() -> Client:
    return signed_in(make_user("ana@example.org", "Ana Krol", role=ADMIN))


@pytest.fixture
def head(vision: OrgUnit) -> Client:
    """Department administrator of vision."""
    return signed_in(make_user("tom@example.org", "Tomas Lind", role=DEPARTMENT_ADMIN, scope=vision))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> At:
    """Lets events be written as of some time."""

    class Clock:
        at = timezone.now()

        @classmethod
        def now(cls) -> datetime:
            return cls.at

    def put(at: datetime) -> None:
        Clock.at = at
        monkeypatch.setattr(writer, "timezone", Clock)

    return put


def act(name: str, unit: OrgUnit | None = None, actor: Actor = SYSTEM, **fields: Any) -> AuditEvent:
    values: dict[str, Any] = {"action": "update", "entity": "thing"} | fields
    return audit_record(actor=actor, unit=unit.pk if unit else None, name=name, **values)


def text(client: Client, query: str = "") -> str:
    response = client.get(f"/audit/{query}")
    assert response.status_code == 200
    return unescape(response.content.decode())


def names(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/audit/{query}")
    assert response.status_code == 200
    return [
        row.event.entity_name for row in response.context["found"].rows if row.event.action not in ("sign in", "create")
    ]


def test_the_heading_counts_and_the_line_tells_the_last(admin: Client, vision: OrgUnit) -> None:
    mira = make_user("mira@example.org", "Mira Okafor")
    Sealer("test").step()
    AuditEvent.objects.all().purged()
    act("one", vision)
    unit_rename(actor=Actor("Mira Okafor", None, mira.subject.pk), unit=vision, name="eyes")
    page = text(admin)
    assert "<h1>2 events in the last 7 days, by 1 person.</h1>" in page
    assert "Last: Mira Okafor changed department eyes, " in page


def test_a_row_says_in_words_what_changed(admin: Client, vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    pool = default_pool_of(project.cluster)  # type: ignore[arg-type]
    quota_set(actor=SYSTEM, unit=project, pool=pool, gpu_milli=12_000)
    quota_set(
        actor=SYSTEM, unit=project, pool=pool, gpu_milli=20_500, limit_gpu_milli=24_000, rank=3, memory_bytes=2**33
    )
    event = AuditEvent.objects.latest("id")
    page = text(admin, f"?event={event.pk}")
    assert "Bursar changed quota vis-3d in default" in page
    for field, before, after in (
        ("guaranteed", "12 GPUs", "20.5 GPUs"), ("limit", "no limit", "24 GPUs"),
        ("rank", "medium", "high"), ("guaranteed memory", "not set", "8 GiB"),
    ):  # fmt: skip
        row = f'<th scope="row">{field}</th><td><del>{before}</del></td><td><ins>{after}</ins></td>'
        assert row in page
    assert "gpu_milli" not in page
    assert f'href="/quotas/?scope={project.pk}"' in page
    assert f'href="/organization/?unit={project.pk}"' in page


def test_a_department_administrator_sees_own_units_alone(head: Client, vision: OrgUnit, speech: OrgUnit) -> None:
    act("of vision", vision)
    act("of a project", make_project("vis-3d", vision))
    act("of speech", speech)
    act("of the account", speech.parent)
    act("of nothing")
    assert names(head) == ["of a project", "of vision"]
    page = text(head)
    assert "speech" not in page
    hidden = AuditEvent.objects.get(entity_name="of speech")
    assert "of speech" not in text(head, f"?event={hidden.pk}")
    assert "of speech" not in text(head, "?q=of+s")


def test_a_scope_means_everything_below(admin: Client, vision: OrgUnit, speech: OrgUnit) -> None:
    act("of vision", vision)
    act("of a project", make_project("vis-3d", vision))
    act("of speech", speech)
    assert names(admin, f"?scope={vision.pk}") == ["of a project", "of vision"]


def test_events_of_what_is_gone_stay_with_their_name_where_it_lay(head: Client, admin: Client, vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    act("a change", project)
    unit_delete(actor=SYSTEM, unit=project)
    assert units_remove() == 1
    for client, query in ((head, ""), (admin, f"?scope={vision.pk}")):
        rows = client.get(f"/audit/{query}").context["found"].rows
        found = next(row for row in rows if row.event.entity_name == "a change")
        assert (found.event.unit_name, found.unit_link) == ("vis-3d", "")
    other = make_user("eva@example.org", role=DEPARTMENT_ADMIN, scope=make_department("other", vision.cluster))
    assert "a change" not in text(signed_in(other))


def test_what_moved_away_is_no_longer_told(head: Client, vision: OrgUnit, speech: OrgUnit) -> None:
    project = make_project("nerf", vision)
    act("before the move", project)
    assert names(head) == ["before the move"]
    unit_move(actor=SYSTEM, unit=project, parent=speech)
    assert names(head) == []


def test_where_something_came_from_is_told_to_those_who_may_see_that(
    head: Client, admin: Client, vision: OrgUnit, speech: OrgUnit
) -> None:
    project = make_project("nerf", speech)
    unit_move(actor=SYSTEM, unit=project, parent=vision)
    moved = f"?event={AuditEvent.objects.get(action='move').pk}"
    assert "<del>speech</del>" in text(admin, moved)
    page = text(head, moved)
    assert "<del>one that you may not see</del>" in page
    assert "<ins>vision</ins>" in page
    assert "speech" not in page
    assert "speech" not in b"".join(head.get("/audit/export.jsonl")).decode()  # type: ignore[arg-type]


def test_filters(admin: Client, vision: OrgUnit) -> None:
    mira = make_user("mira@example.org", "Mira Okafor")
    by_mira = Actor("Mira Okafor", mira, mira.subject.pk, "10.4.2.17")
    act("alpha", vision, by_mira, action="stop", entity="workload")
    act("beta", vision, by_mira, entity="quota")
    act("gamma", vision)
    assert names(admin, "?action=stop") == ["alpha"]
    assert names(admin, "?action=stop&action=update&entity=quota") == ["beta"]
    assert names(admin, f"?actor={mira.subject.pk}") == ["beta", "alpha"]
    assert names(admin, "?by=mira") == names(admin, "?by=Okaf") == ["beta", "alpha"]
    assert names(admin, "?by=bursar") == ["gamma"]
    assert names(admin, "?address=10.4") == ["beta", "alpha"]
    assert names(admin, "?q=be") == ["beta"]
    assert names(admin, "?q=eta") == [], "the start of the name"
    assert "Nothing matches" in text(admin, "?q=none+such")


def test_seven_days_and_the_window_can_be_moved(admin: Client, vision: OrgUnit, clock: At) -> None:
    now = timezone.now()
    for days in (0, 6, 8, 40):
        clock(now - timedelta(days=days))
        act(f"{days} days ago", vision)
    assert names(admin) == ["0 days ago", "6 days ago"]
    then = (now - timedelta(days=8)).astimezone(UTC).date()
    assert names(admin, f"?from={then}&to={then}") == ["8 days ago"]
    assert names(admin, f"?from={now.date() - timedelta(days=60)}") == [f"{days} days ago" for days in (0, 6, 8, 40)]
    assert names(admin, f"?from={now.date()}&to={then}") == ["0 days ago", "6 days ago", "8 days ago"], (
        "either way round"
    )
    assert names(admin, "?from=never&to=9999-99-99") == ["0 days ago", "6 days ago"]
    windows = admin.get("/audit/").context["windows"]
    assert windows["later"] is None
    assert windows["earlier"]["to"] == now.astimezone(UTC).date() - timedelta(days=7)


def test_pages_by_where_the_last_one_ended(admin: Client, vision: OrgUnit) -> None:
    for number in range(30):
        act(f"event {number:02}", vision)
    first = admin.get("/audit/?q=event").context["found"]
    assert [row.event.entity_name for row in first.rows][:2] == ["event 29", "event 28"]
    second = admin.get("/audit/", {"q": "event", **first.page.following}).context["found"]
    assert [row.event.entity_name for row in second.rows] == [f"event {number:02}" for number in range(4, -1, -1)]
    assert (second.page.first, second.page.last, second.total) == (26, 30, 30)


def test_queries_do_not_grow_with_rows(admin: Client, vision: OrgUnit) -> None:
    def more(number: int) -> None:
        for _ in range(number):
            project = make_project(department=vision)
            unit_rename(actor=SYSTEM, unit=project, name=f"{project.name}-b")

    assert_same_queries(admin, "/audit/?size=100", lambda: more(2), lambda: more(30))


def exported(client: Client, kind: str, query: str = "") -> str:
    response = client.get(f"/audit/export.{kind}{query}")
    assert response.status_code == 200
    assert response.streaming
    return b"".join(response).decode()  # type: ignore[arg-type]


def test_csv_holds_what_is_shown(admin: Client, vision: OrgUnit) -> None:
    act("=cmd()", vision, Actor("+1"), before={"gpu_milli": 1000}, after={"gpu_milli": 2000})
    act("other", vision)
    lines = list(csv.DictReader(io.StringIO(exported(admin, "csv", "?q=%3D"))))
    assert len(lines) == 1
    assert (lines[0]["actor"], lines[0]["name"], lines[0]["scope"]) == ("'+1", "'=cmd()", "vision"), "no formulas"
    assert lines[0]["changes"] == "GPUs 1 GPU → 2 GPUs"


def test_json_lines(admin: Client, vision: OrgUnit) -> None:
    act("beta", vision, after={"gpu_milli": 2000})
    (line,) = exported(admin, "jsonl", "?q=beta").splitlines()
    event = json.loads(line)
    assert (event["entity_name"], event["unit_name"]) == ("beta", "vision")
    assert event["changes"] == [{"field": "GPUs", "before": None, "after": "2 GPUs"}]


def test_files_are_bounded_and_read_a_part_at_a_time(
    admin: Client, vision: OrgUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        act(f"event {number}", vision)
    monkeypatch.setattr(views, "MOST_EXPORTED", 5)
    monkeypatch.setattr(views, "audit_chunks", lambda *given: chunks(*given, size=2))
    lines = exported(admin, "jsonl", "?q=event").splitlines()
    assert [json.loads(line)["entity_name"] for line in lines] == [f"event {number}" for number in (6, 5, 4, 3, 2)]


chunks = views.audit_chunks


def test_files_obey_rights_and_filters(head: Client, vision: OrgUnit, speech: OrgUnit) -> None:
    act("of vision", vision)
    act("of speech", speech)
    for kind in ("csv", "jsonl"):
        assert "of vision" in exported(head, kind)
        assert "speech" not in exported(head, kind)
    researcher = signed_in(make_user(role="L1 researcher", scope=make_project("nerf", vision)))
    assert researcher.get("/audit/export.csv").status_code == 404


def test_late_sealing_is_told_to_those_who_can_mend_it(admin: Client, head: Client, vision: OrgUnit, clock: At) -> None:
    act("new", vision)
    assert "have not been sealed" not in text(admin)
    clock(timezone.now() - timedelta(minutes=5))
    Sealer("test").step()
    act("old", vision)
    assert "Events have not been sealed since" in text(admin)
    assert "have not been sealed" not in text(head)


def test_the_menu_shows_it_to_those_who_may_read_it(admin: Client, vision: OrgUnit) -> None:
    assert 'href="/audit/"' in text(admin)
    researcher = signed_in(make_user(role="L1 researcher", scope=make_project("nerf", vision)))
    assert 'href="/audit/"' not in researcher.get("/workloads/").content.decode()
