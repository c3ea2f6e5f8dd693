"""What a right or a guard refuses is in the audit log when a change was asked for, and not when somebody looks."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from portal.models import AuditEvent
from portal.refusals import refusals_heard
from quotas.guard import Level
from quotas.models import GuardSetting, Quota
from quotas.services.guard import OverSubscribed
from quotas.services.quota import QuotaChange, RefusedCells, quotas_check, quotas_save
from quotas.services.quota_rules import values_of
from tests.factories import actor_of, make_node, make_quota, make_user, signed_in
from tests.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def refusals() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="refuse").order_by("id"))


def test_a_right_that_is_missing(world: World) -> None:
    client, url = signed_in(world.people["researcher"]), reverse("unit_rename", args=[world.project.pk])
    assert client.get(url).status_code == 403
    assert refusals() == [], "looking at a form asks for no change"
    assert client.post(url, {"name": "mine", "description": ""}, REMOTE_ADDR="10.4.2.17").status_code == 403
    (event,) = refusals()
    assert (event.actor, event.address) == (world.people["researcher"].subject.pk, "10.4.2.17")
    assert (event.entity, event.entity_name, event.unit) == ("project", "vis-3d", world.project.pk)
    assert event.after["asked"] == url
    assert event.after["reason"].startswith("To update this in project vis-3d takes the permission “project: update”")


def test_what_may_not_even_be_seen(world: World) -> None:
    url = reverse("unit_delete", args=[world.elsewhere.pk])
    assert signed_in(world.people["researcher"]).post(url).status_code == 404
    (event,) = refusals()
    assert (event.entity, event.entity_name, event.unit) == ("page", url, None)
    assert "protein" not in str(event.after)


def test_work_of_somebody_else(world: World) -> None:
    other = make_user("other@example.org", role="L1 researcher", scope=world.project)
    assert signed_in(other).post(reverse("workload_stop", args=[world.workload.pk])).status_code == 403
    (event,) = refusals()
    assert (event.entity, event.unit) == ("workload", world.project.pk)
    assert "train-1 is not yours to change" in event.after["reason"]


def test_the_last_administrator(world: World) -> None:
    rule = world.people["admin"].subject.rules.get()
    client = signed_in(world.people["admin"])
    assert client.post(reverse("rule_delete", args=[rule.pk])).status_code == 422
    (event,) = refusals()
    assert (event.entity, event.unit) == ("accessrule", world.account.pk)
    assert event.after["reason"].startswith("This is the last System administrator of ")


@pytest.fixture
def change(world: World) -> QuotaChange:
    """Of a project to 6 GPUs, in a department with 4, under a guard that enforces."""
    make_node("a100-9", pool=world.pool, gpus=8)
    make_quota(world.department, world.pool, gpus=4)
    for level in (Level.CHILDREN, Level.HARDWARE):
        GuardSetting.objects.update_or_create(
            scope=world.account, level=level, defaults={"mode": GuardSetting.Mode.ENFORCE, "resources": ["gpu"]}
        )
    return QuotaChange(world.project, world.pool, values_of(Quota()) | {"gpu_milli": 6000}, None)


def test_what_the_guard_refuses(world: World, change: QuotaChange) -> None:
    cell = f"{change.unit.pk}-{change.pool.pk}"
    edit = {"cell": cell, "version": "0", "resource": "gpu", "show": "quota", "text": "6"}
    body = json.dumps({"edits": [edit], "reason": ""})
    client = signed_in(world.people["department"])
    assert client.post(reverse("quotas_save"), body, content_type="application/json").status_code == 422
    assert not Quota.objects.filter(unit=world.project).exists()
    (event,) = refusals()
    assert (event.entity, event.entity_name, event.unit) == ("quota", "vision", world.department.pk)
    assert "6 GPUs asked for" in event.after["reason"]


def test_a_preview_tries_nothing(world: World, change: QuotaChange) -> None:
    actor = actor_of(world.people["department"])
    with refusals_heard() as heard:
        assert quotas_check(actor=actor, changes=[change])
    assert heard == []
    with refusals_heard() as heard, pytest.raises(RefusedCells):
        quotas_save(actor=actor, changes=[change])
    assert [type(refusal) for refusal in heard] == [OverSubscribed]


def test_what_is_typed_wrong_is_no_refusal(world: World) -> None:
    client = signed_in(world.people["admin"])
    url = reverse("unit_rename", args=[world.project.pk])
    assert client.post(url, {"name": "Not a Name!", "description": ""}).status_code == 422
    assert refusals() == []
