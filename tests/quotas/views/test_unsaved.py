"""What the matrix would show with unsaved changes: by the arithmetic of the page, so equal to the page after saving."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from orgs.models import OrgUnit
from quotas.models import GuardSetting, Pool, Quota, UnitUsage
from quotas.models.guard import SET_LEVELS
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_usage,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db

CELL = r'<t[dh][^>]* id="{}".*?</t[dh]>'


@pytest.fixture
def pool() -> Pool:
    """16 GPUs ready, 12 of vision; vis-3d uses 6 of its 8, vis-med has 4. Beside them a default project with 2."""
    vision = make_department("vision", make_cluster("north"))
    assert vision.cluster is not None
    pool = make_pool("a100", vision.cluster)
    make_node(pool=pool, gpus=16)
    make_quota(vision, pool, gpus=12)
    make_quota(make_project("vis-3d", vision), pool, gpus=8)
    make_quota(make_project("vis-med", vision), pool, gpus=4)
    make_usage(OrgUnit.objects.get(name="vis-3d"), pool, gpus=6)
    make_quota(make_project("sandbox", OrgUnit.objects.get(name="default")), pool, gpus=2)
    return pool


def _edits(pool: Pool, texts: dict[str, str], **side: str) -> list[dict[str, str]]:
    versions = dict(Quota.objects.filter(pool=pool).values_list("unit__name", "version"))
    return [
        {
            "cell": f"{OrgUnit.objects.get(name=name).pk}-{pool.pk}",
            "version": str(versions.get(name, 0)),
            "text": text,
            "resource": "gpu",
            "show": "quota",
            **side,
        }
        for name, text in texts.items()
    ]


def _sent(client: Client, name: str, edits: list[dict[str, str]], query: str = "", scale: int = 8000) -> dict[str, Any]:
    body = json.dumps({"edits": edits, "scales": {edits[0]["cell"].split("-")[1]: scale}})
    response = client.post(f"{reverse(name)}?{query}", body, content_type="application/json")
    told: dict[str, Any] = response.json()
    return told


def _text(html: str, part: str) -> str:
    """Of a cell, sum or head in a page or in what the effect answers; empty: it is not there."""
    found = re.search(CELL.format(part), html, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])).strip() if found else ""


def _bar(html: str, part: str) -> str:
    found = re.search(CELL.format(part), html, re.DOTALL)
    return "".join(re.findall(r"<svg class=\"bar.*?</svg>", found[0], re.DOTALL)) if found else ""


def _unit(name: str) -> int:
    return OrgUnit.objects.get(name=name).pk


def test_sums_bars_and_heads_are_what_the_page_shows_once_it_is_saved(pool: Pool) -> None:
    client = signed_in(make_user(role=ADMIN))
    edits = _edits(pool, {"vis-3d": "4", "vis-med": "10", "sandbox": "5"})
    parts = _sent(client, "quotas_effect", edits, scale=10_000)["parts"]
    total, vision = f"sum-{pool.pk}", f"cell-{_unit('vision')}-{pool.pk}"
    assert _text(parts, vision) == "0 used, 2 too many given 12"
    assert _text(parts, f"cell-{_unit('default')}-{pool.pk}") == "0 used 2 5"
    assert _text(parts, total) == "14 17 of 16 1 over once it is saved"
    assert "unsaved" in parts
    assert _text(parts, f"head-{pool.pk}").endswith("1 over")
    assert _text(parts, "sum-all") == "14 17 of 16"
    assert _text(parts, f"total-{_unit('vis-med')}") == "4 10"
    assert _sent(client, "quotas_save", edits)["saved"] == 3
    page = client.get(reverse("quotas")).content.decode()
    for part in (total, vision, *(f"cell-{_unit(name)}-{pool.pk}" for name in ("vis-3d", "vis-med", "default"))):
        assert _bar(parts, part) == _bar(page, part)
    assert _text(page, total) == "17 of 16 1 over"
    assert _text(page, f"head-{pool.pk}").endswith("1 over")


def test_what_is_not_touched_is_not_sent(pool: Pool) -> None:
    client = signed_in(make_user(role=ADMIN))
    parts = _sent(client, "quotas_effect", _edits(pool, {"vis-3d": "7"}))["parts"]
    ids = set(re.findall(r' id="([a-z]+-[a-z0-9-]+)"', parts))
    vis_3d, vision = _unit("vis-3d"), _unit("vision")
    assert ids == {f"cell-{vis_3d}-{pool.pk}", f"cell-{vision}-{pool.pk}", f"total-{vis_3d}"}
    assert _text(parts, f"cell-{vision}-{pool.pk}") == "0 used, 1 left 12"


def test_refused_changes_are_still_shown_and_those_that_cannot_be_read_are_not(pool: Pool) -> None:
    client = signed_in(make_user(role=ADMIN))
    for level in SET_LEVELS:
        account = OrgUnit.objects.get(parent=None)
        GuardSetting.objects.create(scope=account, level=level, mode=GuardSetting.Mode.ENFORCE, resources=["gpu"])
    told = _sent(client, "quotas_effect", _edits(pool, {"vis-3d": "9", "vis-med": "many"}))
    assert len(told["refused"]) == 2
    assert _text(told["parts"], f"cell-{_unit('vision')}-{pool.pk}") == "0 used, 1 too many given 12"
    assert f"total-{_unit('vis-med')}" not in told["parts"]
    told = _sent(client, "quotas_save", _edits(pool, {"vis-3d": "9"}))
    assert "1 too many given" in told["parts"]


def test_cpu_counts_further_up_where_it_is_not_set(pool: Pool) -> None:
    client = signed_in(make_user(role=ADMIN))
    edits = _edits(pool, {"vis-3d": "40"}, resource="cpu")
    parts = _sent(client, "quotas_effect", edits, "resource=cpu")["parts"]
    assert _text(parts, f"sum-{pool.pk}").startswith("0 40 of ")
    gpus = _sent(client, "quotas_effect", edits)["parts"]
    assert f"sum-{pool.pk}" not in gpus
    assert _sent(client, "quotas_effect", edits, "resource=cpu&show=limit")["parts"].count("<td") <= 1


def test_a_head_of_a_department_is_told_nothing_of_the_whole(pool: Pool) -> None:
    head = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=OrgUnit.objects.get(name="vision")))
    UnitUsage.objects.update(gpu_milli=1000)
    parts = _sent(head, "quotas_effect", _edits(pool, {"vis-3d": "6"}))["parts"]
    assert "2 left" in _text(parts, f"cell-{_unit('vision')}-{pool.pk}")
    assert "sum-" not in parts
    assert "head-" not in parts


@pytest.mark.parametrize("scales", ['{"1": "x"}', "[1]", '{"x": 1}', '{"1": 1e999}', '{"1": NaN}', "7", '{"1": null}'])
def test_scales_that_no_page_sends_are_refused(pool: Pool, scales: str) -> None:
    client = signed_in(make_user(role=ADMIN))
    edits = json.dumps({"edits": _edits(pool, {"vis-3d": "6"})})[:-1]
    body = f'{edits}, "scales": {scales}}}'
    response = client.post(reverse("quotas_effect"), body, content_type="application/json")
    assert (response.status_code, response.json()["said"]) == (422, "The page is out of date. Load it again.")
    body = f'{edits}, "scales": {{"{pool.pk}": -5, "{10**30}": 1}}}}'
    assert client.post(reverse("quotas_effect"), body, content_type="application/json").status_code == 200


def test_the_guard_is_said_above_the_matrix(pool: Pool) -> None:
    client = signed_in(make_user(role=ADMIN))

    def pills(**query: str) -> list[str]:
        html = client.get(reverse("quotas"), query).content.decode()
        found = re.findall(r'class="pill pill-line guard-pill" title="(.*?)">.*?</svg>(.*?)</span>', html, re.DOTALL)
        return [f"{text} / {title}" for title, text in found]

    warned = "GPU inside departments and against the hardware: a change that makes it worse passes, with a warning."
    assert pills() == [f"Guard: warn / {warned}"]
    GuardSetting.objects.create(
        scope=OrgUnit.objects.get(name="north"), level=SET_LEVELS[1], mode=GuardSetting.Mode.ENFORCE, resources=["gpu"]
    )
    assert pills() == [
        "Guard inside departments: warn / GPU inside departments: a change that makes it worse passes, with a warning.",
        "Guard against the hardware: enforce / GPU against the hardware: a change that makes it worse is refused.",
    ]
    assert pills(resource="cpu")[1].startswith("Guard against the hardware: off")
    assert pills(at="2020-01-01") == []
