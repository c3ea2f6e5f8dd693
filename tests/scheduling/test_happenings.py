"""What happens becomes deliveries: each once, in order, to whom it concerns, and whatever commits late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import Delivery, OrgUnit, Webhook
from orgs.services import happening
from orgs.services.happening import happenings_collect, happenings_skip
from orgs.services.webhook import webhook_create
from portal.actor import SYSTEM
from portal.models import AuditEvent
from portal.services.audit import audit_record
from quotas.guard import Level
from quotas.models import GuardFinding, Quota
from quotas.services.quota import quota_set
from scheduling.models import Event, Workload
from tests.factories import actor_of, make_department, make_pool, make_project, make_webhook, make_workload

pytestmark = pytest.mark.django_db

RECLAIM = {
    "for_workload": 7,
    "unit": "protein",
    "unit_id": 12,
    "allocated": 8000,
    "fair_share": 4000,
    "quota": 2000,
    "pool": "a100",
}


@pytest.fixture
def project() -> OrgUnit:
    return make_project("vision")


@pytest.fixture
def work(project: OrgUnit) -> Workload:
    return make_workload("train-1", project)


@pytest.fixture(autouse=True)
def from_here(work: Workload) -> None:
    """Numbers go on from those of rows that are there: before them some are missing."""
    happen(work, "seen")
    audit_record(actor=SYSTEM, action="see", entity=work, unit=None)
    happenings_skip()


def collect() -> None:
    while happenings_collect():
        pass


def told(webhook: Webhook) -> list[str]:
    return list(webhook.deliveries.order_by("pk").values_list("kind", flat=True))


def happen(work: Workload, code: str, **fields: Any) -> Event:
    return Event.objects.create(workload=work, code=code, **fields)


def evict(work: Workload) -> AuditEvent:
    return audit_record(actor=SYSTEM, action="reclaim", entity=work, unit=work.project_id, after=RECLAIM)


def test_the_scope_is_told_what_it_has_chosen_and_nobody_else(project: OrgUnit, work: Workload) -> None:
    assert project.parent is not None
    inside = [make_webhook(project), make_webhook(project.parent), make_webhook(OrgUnit.objects.get(kind=1))]
    few = make_webhook(project, kinds=["workload.failed"])
    others = [make_webhook(make_project()), make_webhook(make_department()), make_webhook(project, is_active=False)]
    for code in ("starting", "running", "failed"):
        happen(work, code, numbers={"message": "Out of memory"})
    collect()
    collect()
    for webhook in inside:
        assert told(webhook) == ["workload.starting", "workload.running", "workload.failed"]
    assert told(few) == ["workload.failed"]
    assert [told(webhook) for webhook in others] == [[], [], []]
    delivery = few.deliveries.get()
    assert delivery.subject == f"workload:{work.uid}"
    assert delivery.payload == {
        "text": "Failed: Out of memory",
        "workload": {"id": work.pk, "uid": str(work.uid), "name": "train-1"},
        "kind": "training",
        "project": {"id": project.pk, "name": "vision"},
        "pool": None,
    }


def test_what_was_before_is_not_told(project: OrgUnit, work: Workload) -> None:
    happen(work, "starting")
    chosen = {"address": "https://a.example/", "kinds": ["workload.running", "workload.starting"]}
    webhook = webhook_create(actor=actor_of(), name="a", scope=project, **chosen).webhook  # type: ignore[arg-type]
    collect()
    happen(work, "running")
    collect()
    assert told(webhook) == ["workload.running"]
    later = webhook_create(actor=actor_of(), name="b", scope=project, **chosen).webhook  # type: ignore[arg-type]
    happen(work, "starting")
    collect()
    assert (told(webhook), told(later)) == (["workload.running", "workload.starting"], ["workload.starting"])


def test_an_eviction_comes_before_what_follows_from_it_and_names_nobody_else(project: OrgUnit, work: Workload) -> None:
    webhook = make_webhook(project)
    happen(work, "running")
    evict(work)
    happen(work, "stopping")
    happen(work, "waiting")
    collect()
    assert told(webhook) == ["workload.running", "workload.evicted", "workload.stopping", "workload.waiting"]
    payload = webhook.deliveries.get(kind="workload.evicted").payload
    assert payload["reason"] == "reclaim"
    assert payload["text"].startswith("Taken back for another workload: its project or department held 8 GPUs")
    assert "protein" not in str(payload)


def test_what_commits_late_is_told_and_holds_up_what_follows(project: OrgUnit, work: Workload) -> None:
    """A number that is missing may still come; what happened after it, in another log too, waits."""
    webhook = make_webhook(project)
    first = happen(work, "starting")
    collect()
    assert told(webhook) == ["workload.starting"]
    happen(work, "running", pk=first.pk + 2)
    evict(work)
    collect()
    assert told(webhook) == ["workload.starting"]
    happen(work, "degraded", pk=first.pk + 1, at=first.at)
    collect()
    assert told(webhook) == ["workload.starting", "workload.degraded", "workload.running", "workload.evicted"]
    late = timezone.now() - timedelta(seconds=20)
    happen(work, "completed", pk=first.pk + 9, at=late)
    Webhook.objects.update(since=late)
    collect()
    assert told(webhook)[-1] == "workload.completed", "after ten seconds no missing one can come"


def test_many_are_read_in_parts(project: OrgUnit, work: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happening, "MOST", 4)
    webhook = make_webhook(project)
    now = timezone.now()
    Event.objects.bulk_create(Event(workload=work, code="running", at=now) for _ in range(9))
    for _ in range(9):
        evict(work)
    collect()
    assert sorted(told(webhook)) == ["workload.evicted"] * 9 + ["workload.running"] * 9


def test_too_many_that_wait_are_given_up(project: OrgUnit, work: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happening, "MOST_WAITING", 3)
    webhook = make_webhook(project)
    for _ in range(5):
        happen(work, "running")
    collect()
    assert [row.state for row in webhook.deliveries.order_by("pk")] == [3, 3, 1, 1, 1]


def test_quotas_and_findings(project: OrgUnit) -> None:
    pool = make_pool("a100", cluster=project.cluster)
    webhook, other = make_webhook(project), make_webhook(make_project())
    quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=4000, expected_version=0)
    finding = GuardFinding.objects.create(
        unit=project, pool=pool, resource=0, level=Level.CHILDREN, sum=5000, ceiling=4000
    )
    collect()
    collect()
    assert told(webhook) == ["quota.changed", "finding.opened"]
    change = webhook.deliveries.get(kind="quota.changed").payload
    assert (change["unit"], change["change"], change["by"]) == (
        {"id": project.pk, "name": "vision"},
        "create",
        "Bursar",
    )
    assert change["after"]["gpu_milli"] == 4000
    GuardFinding.objects.filter(pk=finding.pk).update(resolved_at=timezone.now())
    quota_set(actor=actor_of(), unit=project, pool=pool, gpu_milli=5000, expected_version=Quota.objects.get().version)
    collect()
    assert told(webhook)[2:] == ["quota.changed", "finding.resolved"]
    subjects = list(webhook.deliveries.order_by("pk").values_list("subject", flat=True))
    assert subjects == ["quota:vision in a100", f"finding:{finding.pk}"] * 2
    assert told(other) == []


def test_nothing_is_read_while_nobody_is_told(work: Workload, django_assert_num_queries: Any, project: OrgUnit) -> None:
    happen(work, "running")
    with django_assert_num_queries(1):
        assert happenings_collect() == 0
    make_webhook(project)
    happenings_skip()
    collect()
    assert not Delivery.objects.exists()
    with django_assert_num_queries(6):
        assert happenings_collect() == 0
