from __future__ import annotations

import csv
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orgs.models import OrgUnit
from orgs.services.unit import unit_delete, units_remove
from quotas.models import Node, Pool, Quota, QuotaVersion, Rank, UnitUsage
from quotas.selectors.history import NEWEST
from quotas.services.pool import pool_delete
from quotas.services.quota import MOST_CHANGES, quota_clear, quota_set
from quotas.views import quotas as quotas_page
from tests.bad_input import BAD
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    actor_of,
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_user,
    signed_in,
)
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


ONE: dict[str, Any] = {"cell": "1-1", "version": "0", "resource": "gpu", "show": "quota", "text": "1"}


@pytest.fixture
def vision() -> OrgUnit:
    vision = make_department("vision", make_cluster("north"))
    pool = _pool(vision)
    make_node(pool=pool)
    make_quota(vision, pool, gpus=6)
    return vision


def _pool(unit: OrgUnit) -> Pool:
    assert unit.cluster is not None
    return default_pool_of(unit.cluster)


def _cell(unit: OrgUnit) -> str:
    return f"{unit.pk}-{_pool(unit).pk}"


def _edit(unit: OrgUnit, text: str, version: str = "0", resource: str = "gpu", show: str = "quota") -> dict[str, str]:
    return {"cell": _cell(unit), "version": version, "resource": resource, "show": show, "text": text}


def _send(client: Client, name: str, *edits: dict[str, str], reason: str = "") -> HttpResponse:
    body = json.dumps({"edits": edits, "reason": reason})
    return client.post(reverse(name), body, content_type="application/json")


def _save(client: Client, *edits: dict[str, str], reason: str = "") -> HttpResponse:
    return _send(client, "quotas_save", *edits, reason=reason)


def _refused(response: HttpResponse) -> list[str]:
    return [one["words"] for one in response.json()["refused"].values()]


def _heading(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html, re.DOTALL)
    assert found
    return found[1]


def test_minimum_runtimes_are_cells_of_their_own(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    client = signed_in(make_user(role=ADMIN))
    html = client.get(reverse("quotas"), {"show": "reclaim"}).content.decode()
    assert "as the pool" in html
    assert "as above" in html
    assert "data-over" not in html
    assert _save(client, _edit(project, "90", show="reclaim")).status_code == 200
    assert "90 min" in client.get(reverse("quotas"), {"show": "reclaim"}).content.decode()
    quota = Quota.objects.get(unit=project)
    assert (quota.reclaim_min_runtime_seconds, quota.preempt_min_runtime_seconds) == (5_400, None)
    assert _save(client, _edit(project, "2 h", "1", show="preempt")).status_code == 200
    refused = _save(client, _edit(project, "44000", "2", show="preempt"))
    assert refused.status_code == 422
    assert _refused(refused) == ["This is more than 2,592,000. Type at most that."]
    assert _save(client, _edit(project, "", "2", show="reclaim")).status_code == 200
    quota.refresh_from_db()
    assert (quota.reclaim_min_runtime_seconds, quota.preempt_min_runtime_seconds) == (None, 7_200)


def test_what_was_just_saved_can_be_edited_again_before_the_page_comes_anew(vision: OrgUnit) -> None:
    client, project = signed_in(make_user(role=ADMIN)), make_project("vis-3d", vision)
    for text, version in (("4", "0"), ("5", "1"), ("4.5", "2")):
        saved = _save(client, _edit(project, text, version)).json()
        assert saved["versions"] == {f"{project.pk}-{_pool(vision).pk}": int(version) + 1}


def test_edits_of_several_sides_and_cells_are_one_save(vision: OrgUnit) -> None:
    project, other = make_project("vis-3d", vision), make_project("vis-med", vision)
    client = signed_in(make_user(role=ADMIN, name="Ana Krol"))
    response = _save(
        client,
        _edit(project, "high", show="rank"),
        _edit(project, "4.5"),
        _edit(project, "64 GiB", resource="memory", show="limit"),
        _edit(other, "off", show="over"),
        reason="Summer school",
    )
    assert response.status_code == 200
    assert response.json()["saved"] == 4
    quota = Quota.objects.get(unit=project)
    assert (quota.gpu_milli, quota.rank, quota.limit_memory_bytes) == (4_500, Rank.HIGH, 64 * 1024**3)
    assert Quota.objects.get(unit=other).blocked
    html = client.get(reverse("quotas")).content.decode()
    assert "0 used, 1.5 left" in html
    assert _heading(html) == "Quotas add up: 6 of 8 ready GPUs are guaranteed."
    versions = QuotaVersion.objects.filter(batch=response.json()["batch"])
    assert {(version.actor_name, version.reason) for version in versions} == {("Ana Krol", "Summer school")}
    undone = client.post(reverse("quotas_undo"), {"batch": response.json()["batch"]})
    assert (undone.status_code, undone.json()["said"]) == (200, "Taken back.")
    assert list(Quota.objects.values_list("unit__name", flat=True)) == ["vision"]


def test_taking_a_quota_away_goes_before_what_else_was_typed(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    make_quota(project, _pool(vision), gpus=4, rank=Rank.HIGH)
    client = signed_in(make_user(role=ADMIN))
    assert _save(client, _edit(project, "3", "1", show="weight"), _edit(project, "", "1")).status_code == 200
    quota = Quota.objects.get(unit=project)
    assert (quota.gpu_milli, quota.weight_milli, quota.rank) == (0, 3_000, Rank.MEDIUM)


@pytest.mark.parametrize("value", [value for kind, value in BAD.items() if kind not in ("missing", "blank")])
def test_what_cannot_be_read_is_refused_with_words(vision: OrgUnit, value: str) -> None:
    project, other = make_project("vis-3d", vision), make_project("vis-med", vision)
    client = signed_in(make_user(role=ADMIN))
    for resource, show in (("gpu", "quota"), ("cpu", "quota"), ("memory", "limit"), ("gpu", "weight"), ("gpu", "over")):
        edits = [_edit(project, value, resource=resource, show=show), _edit(other, "1")]
        for name, status in (("quotas_effect", 200), ("quotas_save", 422)):
            response = _send(client, name, *edits)
            assert response.status_code == status
            assert list(response.json()["refused"]) == [f"{_cell(project)}:{resource}:{show}"]
    assert not Quota.objects.filter(unit__in=[project, other]).exists()


def test_a_limit_below_the_quota_says_so(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    make_quota(project, _pool(vision), gpus=4)
    response = _save(signed_in(make_user(role=ADMIN)), _edit(project, "3", "1", show="limit"))
    assert response.status_code == 422
    assert _refused(response) == ["The limit would be below the quota. Raise the limit, or lower the quota first."]


def test_a_cell_that_somebody_else_changed_is_said_with_both_values(vision: OrgUnit) -> None:
    project, other = make_project("vis-3d", vision), make_project("vis-med", vision)
    quota_set(
        actor=actor_of(make_user(name="Tomas Lind", role=ADMIN)), unit=project, pool=_pool(vision), gpu_milli=5_000
    )
    client = signed_in(make_user(role=ADMIN))
    response = _save(client, _edit(project, "2"), _edit(other, "1"))
    assert response.status_code == 422
    (told,) = response.json()["refused"].values()
    assert told["conflict"] is True
    assert told["words"].startswith("It is 5 now, by Tomas Lind")
    assert told["words"].endswith("You typed 2.")
    html = response.json()["html"]
    assert "Keep 2" in html
    assert f'data-mine="{_cell(project)}:gpu:quota" data-version="1"' in html
    assert [quota.gpu_milli for quota in Quota.objects.filter(unit__in=[project, other])] == [5_000]
    assert _save(client, _edit(project, "2", "1"), _edit(other, "1")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"edits": 7}',
        b'{"edits": [7]}',
        b'{"edits": [{}]}',
        b'{"edits": [], "reason": 7}',
        b"[" * 100_000,
        json.dumps({"edits": [ONE | {"cell": "1"}]}).encode(),
        json.dumps({"edits": [ONE | {"version": "-1"}]}).encode(),
        json.dumps({"edits": [ONE | {"show": "all"}]}).encode(),
        json.dumps({"edits": [ONE | {"text": 7}]}).encode(),
    ],
)
def test_what_no_page_of_ours_sends_is_refused(vision: OrgUnit, body: bytes) -> None:
    client = signed_in(make_user(role=ADMIN))
    for name in ("quotas_effect", "quotas_save"):
        response = client.post(reverse(name), body, content_type="application/json")
        assert (response.status_code, response.json()["said"]) == (422, "The page is out of date. Load it again.")


def test_a_huge_save_is_bounded(vision: OrgUnit) -> None:
    client = signed_in(make_user(role=ADMIN))
    response = _save(client, *[_edit(vision, "1")] * (MOST_CHANGES + 1))
    assert response.status_code == 422
    assert "too many" in response.json()["said"]
    far = {"cell": f"{10**17}-{10**17}", "version": "0", "resource": "gpu", "show": "quota", "text": "1"}
    assert _refused(_save(client, far)) == ["This department, project or pool is gone, or not yours to see."]
    assert (
        _save(client, _edit(vision, "7", "1"), reason="x" * 501).json()["said"].startswith("A reason has at most 500")
    )


@pytest.mark.parametrize("batch", ["", "x", "\x00", "00000000-0000-4000-8000-000000000000"])
def test_there_is_no_such_save_to_take_back(vision: OrgUnit, batch: str) -> None:
    response = signed_in(make_user(role=ADMIN)).post(reverse("quotas_undo"), {"batch": batch})
    assert (response.status_code, response.json()["said"]) == (422, "There is no such save. Load the page again.")


def test_an_amount_is_split_evenly_and_the_remainder_said(vision: OrgUnit) -> None:
    projects = [make_project(name, vision) for name in ("robotics", "vis-3d", "vis-med")]
    make_quota(projects[0], _pool(vision), gpus=1, version=4)
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    url = reverse("quota_split", args=[vision.pk, _pool(vision).pk])
    told = client.get(url, {"value": "10"}).json()
    assert [(one["cell"], one["version"], one["text"]) for one in told["cells"]] == [
        (_cell(projects[0]), "4", "4"), (_cell(projects[1]), "0", "3"), (_cell(projects[2]), "0", "3")
    ]  # fmt: skip
    assert told["said"] == "10 GPUs among 3: 3 each; what remains goes to robotics: 1 more."
    assert client.get(url).json()["said"] == "6 GPUs among 3: 2 each."
    assert client.get(url, {"value": "1"}).json()["said"].startswith("1 GPU among 3: 0.33 each")
    told = client.get(url, {"value": "1 TiB", "resource": "memory"}).json()
    assert [one["text"] for one in told["cells"]] == ["342 GiB", "341 GiB", "341 GiB"]
    for value in ("x", "-1", "9" * 50, "0"):
        refused = client.get(url, {"value": value})
        assert refused.status_code == 422
        assert refused.json()["said"]
    mira = signed_in(make_user(role=RESEARCHER, scope=vision))
    assert mira.get(url).status_code == 403


def test_the_history_of_a_cell(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    ana, tomas = (actor_of(make_user(name=name, role=ADMIN)) for name in ("Ana Krol", "Tomas Lind"))
    quota_set(actor=ana, unit=project, pool=_pool(vision), gpu_milli=2_000, rank=Rank.HIGH, reason="Start")
    quota_set(actor=tomas, unit=project, pool=_pool(vision), gpu_milli=4_000, rank=Rank.HIGH)
    quota_clear(actor=ana, unit=project, pool=_pool(vision))
    client = signed_in(make_user(role=RESEARCHER, scope=project))
    html = client.get(reverse("quota_cell", args=[project.pk, _pool(vision).pk])).content.decode()
    text = re.sub(r"<[^>]+>|\s+", " ", html)
    text = re.sub(r"\s+", " ", text)
    assert re.findall(r"Ana Krol|Tomas Lind|Back to the default access|“Start”", text) == [
        "Ana Krol", "Back to the default access", "Tomas Lind", "Ana Krol", "“Start”"
    ]  # fmt: skip
    assert "GPU quota 2 became 4" in text
    assert "rank high became medium" in text
    for _ in range(NEWEST):
        quota_set(actor=ana, unit=project, pool=_pool(vision), gpu_milli=1_000)
        quota_clear(actor=ana, unit=project, pool=_pool(vision))
    html = client.get(reverse("quota_cell", args=[project.pk, _pool(vision).pk])).content.decode()
    (older,) = re.findall(r'data-older="([^"]+)"', html)
    assert "“Start”" not in html
    last = re.findall(r'data-older="([^"]+)"', client.get(older).content.decode())
    assert "“Start”" in client.get(last[0]).content.decode()


def test_the_matrix_as_it_was(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    actor = actor_of(make_user(name="Ana Krol", role=ADMIN))
    QuotaVersion.objects.update(since=timezone.now() - timedelta(days=9))
    quota_set(actor=actor, unit=project, pool=_pool(vision), gpu_milli=2_000)
    QuotaVersion.objects.filter(unit=project).update(since=timezone.now() - timedelta(days=5))
    quota_set(actor=actor, unit=project, pool=_pool(vision), gpu_milli=4_000)
    Quota.objects.filter(unit=vision).update(gpu_milli=7_000)
    OrgUnit.objects.update(created_at=timezone.now() - timedelta(days=30))
    Pool.objects.update(created_at=timezone.now() - timedelta(days=30))
    client = signed_in(make_user(role=ADMIN))

    def cell(**query: str) -> tuple[str, bool]:
        html = client.get(reverse("quotas"), query).content.decode()
        found = re.search(rf'id="cell-{_cell(project)}"[^>]*data-value="([^"]*)"([^>]*)>', html)
        assert found
        return found[1], "data-editable" in found[2]

    today = timezone.now().date()
    assert cell() == ("4", True)
    assert cell(day=str(today - timedelta(days=2))) == ("2", False)
    assert cell(day=str(today - timedelta(days=7))) == ("0", False)
    changed = QuotaVersion.objects.get(unit=project, until=None).since
    assert cell(at=changed.isoformat()) == ("4", False)
    assert cell(at=(changed - timedelta(seconds=1)).isoformat()) == ("2", False)
    for nothing in ("", "x", "2026-13-01", "9999-12-31", "0001-01-01T00:00+23:59"):
        assert cell(day=nothing, at=nothing) == ("4", True)
    assert cell(day=str(today)) == ("4", True)
    html = client.get(reverse("quotas"), {"day": str(today - timedelta(days=2))}).content.decode()
    assert _heading(html).startswith("6 GPUs guaranteed on ")
    assert "to read only" in html
    assert "4 left" in html
    assert "used" not in re.sub(r"<[^>]+>", "", html[html.index("<tbody") : html.index("</tbody")])


def test_what_was_not_there_yet_and_what_is_gone_since(vision: OrgUnit) -> None:
    """A project and a pool with quota go; their names and when come from the audit log."""
    admin, old = actor_of(make_user(name="Ana Krol", role=ADMIN)), make_project("vis-old", vision)
    assert vision.cluster is not None
    t4 = make_pool("t4", vision.cluster)
    for unit, pool, gpus in ((old, _pool(vision), 3), (vision, t4, 2)):
        quota_set(actor=admin, unit=unit, pool=pool, gpu_milli=gpus * 1000)
    QuotaVersion.objects.update(since=timezone.now() - timedelta(days=5))
    OrgUnit.objects.update(created_at=timezone.now() - timedelta(days=30))
    Pool.objects.update(created_at=timezone.now() - timedelta(days=30))
    make_project("vis-new", vision)
    make_quota(make_project("never", vision), _pool(vision), gpus=1)
    pool_delete(actor=admin, pool=t4)
    unit_delete(actor=admin, unit=old)
    unit_delete(actor=admin, unit=OrgUnit.objects.get(name="never"))
    units_remove()
    day = str(timezone.now().date() - timedelta(days=2))

    def gone(client: Client, **query: str) -> list[str]:
        html = client.get(reverse("quotas"), query).content.decode()
        found = re.search(r'aria-label="Gone since">(.*?)</ul>', html, re.DOTALL)
        return [re.sub(r"<[^>]+>", " ", line).strip() for line in found[1].split("</li>")[:-1]] if found else []

    client = signed_in(make_user(role=ADMIN))
    lines = gone(client, day=day)
    assert [line.split(" removed ")[0] for line in lines] == [
        "vis-old in default  3 GPUs; the project was", "vision in t4  2 GPUs; the pool was"
    ]  # fmt: skip
    assert gone(client, day=day, resource="cpu") == []
    assert gone(client) == []
    assert gone(client, day=str(timezone.now().date() - timedelta(days=20))) == []
    html = client.get(reverse("quotas"), {"day": day}).content.decode()
    assert re.search(
        r'data-label="vis-new in default, GPU quota" data-value="".*?<i>not there yet</i>', html, re.DOTALL
    )
    assert html.count("<i>not there yet</i>") == 1
    assert "where they lie today" in html
    head = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    assert gone(head, day=day) == []
    assert_same_queries(
        client, reverse("quotas") + f"?day={day}", lambda: None, lambda: _more_that_go(vision, _pool(vision))
    )


def _more_that_go(vision: OrgUnit, pool: Pool) -> None:
    for _ in range(4):
        project = make_project(department=vision)
        quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=100)
        QuotaVersion.objects.filter(unit=project.pk).update(since=timezone.now() - timedelta(days=5))
        unit_delete(actor=actor_of(), unit=project)
    units_remove()


def test_what_is_shown_as_csv(vision: OrgUnit) -> None:
    for name in ("vis-3d", "vis-med"):
        make_project(name, vision)
    make_quota(OrgUnit.objects.get(name="vis-3d"), _pool(vision), over_quota=False)
    client = signed_in(make_user(role=ADMIN))
    response = client.get(reverse("quotas_csv"), {"size": "50", "page": "7"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(response.content.decode().splitlines())) == [
        ["Kind", "Above", "Name", "default"],
        ["department", "north", "vision", "6"],
        ["project", "vision", "vis-3d", "blocked"],
        ["project", "vision", "vis-med", "0"],
        ["department", "north", "default", "0"],
    ]
    narrow = client.get(reverse("quotas_csv"), {"q": "vis-med", "show": "weight"}).content.decode()
    assert [line.split(",")[2:] for line in narrow.splitlines()[1:]] == [["vision", "2"], ["vis-med", "2"]]
    head = signed_in(make_user(role=RESEARCHER, scope=OrgUnit.objects.get(name="vis-med")))
    assert "vis-3d" not in head.get(reverse("quotas_csv")).content.decode()


def test_rights(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    head = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    mira = signed_in(make_user(role=RESEARCHER, scope=project))
    assert _save(head, _edit(project, "2")).status_code == 200
    for client, unit, words in (
        (head, vision, "“quota: update”"),
        (head, make_department("secret-lab", vision.cluster), "gone, or not yours to see"),
    ):
        refused = _save(client, _edit(unit, "9", "1"))
        assert refused.status_code == 422
        assert words in _refused(refused)[0]
        assert "secret-lab" not in refused.content.decode()
    for name in ("quotas_save", "quotas_effect"):
        assert _send(mira, name, _edit(project, "9", "1")).status_code == 403
    elsewhere = _pool(make_department()).pk
    for name in ("quota_cell", "quota_split"):
        assert head.get(reverse(name, args=[vision.pk, elsewhere])).status_code == 404
    foreign = _edit(project, "1") | {"cell": f"{project.pk}-{elsewhere}"}
    assert "gone, or not yours" in _refused(_save(head, foreign))[0]
    assert Quota.objects.get(unit=vision).gpu_milli == 6_000
    html = head.get(reverse("quotas")).content.decode()
    assert "Quotas are changed with the right on the unit above" in html
    assert _heading(html) == "vision has given out 2 of its 6 GPUs."
    assert f'id="cell-{_cell(vision)}"' in html
    assert re.search(rf'id="cell-{_cell(vision)}"[^>]*aria-readonly="true"', html)


def test_answers(vision: OrgUnit) -> None:
    admin = signed_in(make_user(role=ADMIN))
    make_quota(make_project("vis-3d", vision), _pool(vision), gpus=2)

    def heading(query: str = "") -> str:
        return _heading(admin.get(f"{reverse('quotas')}?{query}").content.decode())

    assert heading() == "Quotas add up: 6 of 8 ready GPUs are guaranteed."
    assert heading("resource=cpu") == "No CPU is guaranteed to anybody yet; 128 cores are ready."
    Quota.objects.filter(unit=vision).update(gpu_milli=9_500)
    assert heading() == "Quotas do not add up in default: 9.5 GPUs guaranteed, 8 ready."
    make_pool(cluster=vision.cluster)
    make_node(pool=_pool(vision), gpus=2, state=Node.State.NOT_READY)
    html = admin.get(reverse("quotas")).content.decode()
    assert "2 GPUs of default are on nodes that are not ready." in html
    assert "kept at once; the other pool adds up." in html
    mira = signed_in(make_user(role=RESEARCHER, scope=OrgUnit.objects.get(name="vis-3d")))
    html = mira.get(reverse("quotas")).content.decode()
    assert _heading(html) == "vis-3d is guaranteed 2 GPUs."
    assert "against ready" not in html
    assert "vision" not in html


def test_without_a_cluster() -> None:
    assert "No cluster yet." in signed_in(make_user(role=ADMIN)).get(reverse("quotas")).content.decode()


@pytest.mark.parametrize(
    "query",
    ["scope=x", "q=%00", "page=x&size=x", "page=-1", "cluster=99999999999999999999", "pool=x", "resource=x&show=x"],
)
def test_odd_addresses_are_no_errors(vision: OrgUnit, query: str) -> None:
    response = signed_in(make_user(role=ADMIN)).get(f"{reverse('quotas')}?{query}")
    assert response.status_code == (404 if query.startswith("scope") else 200)


def test_queries_are_the_same_for_few_and_many_rows(vision: OrgUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas_page, "SIZES", (500,))

    def add(number: int) -> None:
        for _ in range(number):
            project = make_project(department=vision)
            make_quota(project, _pool(vision), gpus=1)
            UnitUsage.objects.create(unit=project, pool=_pool(vision), gpu_milli=500)

    client = signed_in(make_user(role=ADMIN))
    assert_same_queries(client, f"{reverse('quotas')}?size=500", lambda: add(5), lambda: add(495))
    yesterday = timezone.now().date() - timedelta(days=1)
    QuotaVersion.objects.update(since=timezone.now() - timedelta(days=9))
    for address in (f"{reverse('quotas')}?size=500&day={yesterday}", reverse("quotas_csv")):
        assert_same_queries(client, address, lambda: add(5), lambda: add(95))
