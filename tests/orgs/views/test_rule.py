from __future__ import annotations

import pytest
from django.urls import reverse

from orgs.models import AccessRule, Role
from tests.factories import ADMIN, DEPARTMENT_ADMIN, VIEWER, make_department, make_rule, make_user, signed_in

pytestmark = pytest.mark.django_db


def test_giving_a_role_by_address() -> None:
    vision = make_department("vision")
    mira = make_user("mira@example.org", "Mira Okafor")
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    url = reverse("rule_create", args=[vision.pk])
    page = client.get(url).content.decode()
    assert '<option value="mira@example.org">Mira Okafor</option>' in page
    assert ADMIN not in page
    role = Role.objects.get(name=VIEWER)
    response = client.post(url, {"person": "MIRA@example.org", "role": role.pk}, follow=True)
    assert "Mira Okafor is Viewer on vision." in response.content.decode()
    assert AccessRule.objects.get(subject=mira.subject).scope == vision


def test_strangers_and_roles_beyond_ones_own() -> None:
    vision = make_department("vision")
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    data = {"person": "stranger@example.org", "role": Role.objects.get(name=ADMIN).pk}
    response = client.post(reverse("rule_create", args=[vision.pk]), data)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Nobody signs in as stranger@example.org." in page
    assert "you may not grant it here" in page


def test_taking_a_role_away_asks_first() -> None:
    vision = make_department("vision")
    rule = make_rule(make_user(name="Mira Okafor"), VIEWER, vision)
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    url = reverse("rule_delete", args=[rule.pk])
    assert "Mira Okafor is then no longer Viewer on vision." in client.get(url).content.decode()
    assert client.post(url).headers["Location"] == f"/organization/?unit={vision.pk}"
    assert not AccessRule.objects.filter(pk=rule.pk).exists()


def test_the_last_administrator_is_refused_in_the_dialog() -> None:
    admin = make_user(role=ADMIN)
    rule = AccessRule.objects.get(subject=admin.subject)
    response = signed_in(admin).post(reverse("rule_delete", args=[rule.pk]))
    assert response.status_code == 422
    assert "This is the last System administrator" in response.content.decode()
