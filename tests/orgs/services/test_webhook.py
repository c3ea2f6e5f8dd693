"""Who may have webhooks made, what they may tell, and what is left of their secrets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orgs.access import Forbidden
from orgs.models import Delivery, OrgUnit, User, Webhook
from orgs.secrets import decrypt
from orgs.services.delivery import deliveries_claim, secrets_of
from orgs.services.webhook import (
    MOST_TESTS,
    MOST_WEBHOOKS,
    webhook_create,
    webhook_delete,
    webhook_rotate,
    webhook_test,
    webhook_update,
)
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import (
    DEPARTMENT_ADMIN,
    RESEARCHER,
    actor_of,
    make_department,
    make_project,
    make_role,
    make_rule,
    make_user,
    make_webhook,
)

pytestmark = pytest.mark.django_db

HOOK: dict[str, Any] = {"name": "chat", "address": "https://hooks.example.org/t/8x2", "kinds": ["workload.failed"]}


@pytest.fixture
def department() -> OrgUnit:
    return make_department("vision")


@pytest.fixture
def admin(department: OrgUnit) -> User:
    return make_user(role=DEPARTMENT_ADMIN, scope=department)


def test_it_is_made_where_one_may_and_nowhere_else(department: OrgUnit, admin: User) -> None:
    new = webhook_create(actor=actor_of(admin), scope=department, **HOOK)
    assert new.secret.startswith("whsec_")
    assert decrypt(new.webhook.secret) == new.secret
    assert new.secret not in repr(new)
    assert (new.webhook.made_by, new.webhook.short_address) == (admin.name, "https://hooks.example.org/…")
    event = AuditEvent.objects.get(entity="webhook")
    assert (event.action, event.unit) == ("create", department.pk)
    assert "8x2" not in str(event.after)
    project = make_project(department=department)
    researcher = make_user(role=RESEARCHER, scope=project)
    for user, scope in ((admin, department.parent), (researcher, project)):
        with pytest.raises(Forbidden):
            webhook_create(actor=actor_of(user), scope=scope, **HOOK)
    with pytest.raises(Refused, match="of this name already"):
        webhook_create(actor=actor_of(admin), scope=department, **HOOK)


def test_nobody_is_told_what_its_maker_may_not_read(department: OrgUnit) -> None:
    user = make_user()
    make_rule(user, make_role("Hooks", "webhook:create", "quota:read", "pool:read", "training:read").name, department)
    with pytest.raises(Forbidden, match="workspace: read"):
        webhook_create(actor=actor_of(user), scope=department, **HOOK)
    webhook_create(actor=actor_of(user), scope=department, **(HOOK | {"kinds": ["quota.changed"]}))


def test_a_unit_has_only_so_many(department: OrgUnit) -> None:
    for _ in range(MOST_WEBHOOKS):
        make_webhook(department)
    with pytest.raises(Refused, match="already"):
        webhook_create(actor=actor_of(), scope=department, **HOOK)


def test_it_is_changed_switched_off_and_deleted(department: OrgUnit, admin: User) -> None:
    webhook = webhook_create(actor=actor_of(admin), scope=department, **HOOK).webhook
    delivery = Delivery.objects.create(
        webhook=webhook, kind="workload.failed", subject="a", at=timezone.now(), payload={}
    )
    Webhook.objects.update(failures=7, failing_since=timezone.now(), paused_until=timezone.now() + timedelta(hours=1))
    webhook = webhook_update(actor=actor_of(admin), webhook=webhook, **(HOOK | {"name": "pager"}))
    assert (webhook.name, webhook.failures, webhook.version) == ("pager", 7, 2)
    webhook = webhook_update(
        actor=actor_of(admin), webhook=webhook, **(HOOK | {"address": "https://hooks.example.org/9"})
    )
    assert (webhook.failures, webhook.paused_until) == (0, None)
    told = AuditEvent.objects.filter(action="update").order_by("-id")[0]
    assert told.after["address"] == "https://hooks.example.org/…"
    webhook = webhook_update(actor=actor_of(admin), webhook=webhook, **HOOK, is_active=False)
    delivery.refresh_from_db()
    assert (webhook.is_active, delivery.state) == (False, Delivery.State.GIVEN_UP)
    before = webhook.since
    assert webhook_update(actor=actor_of(admin), webhook=webhook, **HOOK, is_active=True).since > before
    webhook_delete(actor=actor_of(admin), webhook=webhook)
    assert not Delivery.objects.exists()
    with pytest.raises(Refused, match="deleted meanwhile"):
        webhook_delete(actor=actor_of(admin), webhook=webhook)


def test_both_secrets_sign_for_a_while(department: OrgUnit) -> None:
    first = webhook_create(actor=actor_of(), scope=department, **HOOK)
    second = webhook_rotate(actor=actor_of(), webhook=first.webhook, overlap=timedelta(hours=1))
    now = timezone.now()
    assert secrets_of(second.webhook, now) == [second.secret, first.secret]
    assert secrets_of(second.webhook, now + timedelta(hours=2)) == [second.secret]
    third = webhook_rotate(actor=actor_of(), webhook=first.webhook, overlap=timedelta(0))
    assert secrets_of(third.webhook, now) == [third.secret]
    with pytest.raises(Refused, match="at most 30 days"):
        webhook_rotate(actor=actor_of(), webhook=first.webhook, overlap=timedelta(days=31))


def test_a_test_is_sent_even_where_it_is_switched_off(department: OrgUnit) -> None:
    webhook = make_webhook(department, is_active=False, kinds=["quota.changed"])
    for _ in range(MOST_TESTS):
        webhook_test(actor=actor_of(), webhook=webhook)
    with pytest.raises(Refused, match="wait to be sent already"):
        webhook_test(actor=actor_of(), webhook=webhook)
    assert {one.delivery.kind for one in deliveries_claim(most=3)} == {"test"}
