from __future__ import annotations

import pytest

from orgs.models import AccessRule, Group
from quotas.models import GuardFinding
from quotas.tasks import refresh_findings
from scheduling.demo.content import demo_create
from tests.factories import signed_in

pytestmark = pytest.mark.django_db


def test_the_demo_begins_with_groups_and_without_findings() -> None:
    demo_create()
    refresh_findings(thorough=True)
    assert not GuardFinding.objects.exists()
    assert {group.name: group.members.count() for group in Group.objects.all()} == {
        "model-evaluation": 3,
        "lab-managers": 3,
    }
    rules = AccessRule.objects.filter(subject__group__isnull=False).values_list("subject__name", "scope__name")
    assert set(rules) == {("model-evaluation", "language"), ("lab-managers", "robotics")}
    administrator = AccessRule.objects.filter(role__name="System administrator").get().subject.user
    assert administrator is not None
    assert "lab-managers" in signed_in(administrator).get("/access/").content.decode()
