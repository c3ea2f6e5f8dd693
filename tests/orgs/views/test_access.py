"""The tabs of the Access page: what they list, for whom, and that their queries do not grow."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from orgs.models import AccessRule, ClusterInfo, Role, RuleSync, User
from orgs.views import access
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    make_account,
    make_cluster,
    make_department,
    make_group,
    make_project,
    make_role,
    make_rule,
    make_user,
    signed_in,
)
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


def text_of(client: Client, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def test_rules_of_ones_own_scopes_only() -> None:
    vision, hidden = make_department("vision"), make_department("secret-lab")
    make_rule(make_user("mira@example.org", "Mira Okafor"), RESEARCHER, vision)
    make_rule(make_user("noor@example.org", "Noor Haddad"), RESEARCHER, hidden)
    page = text_of(signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision)), "/access/")
    assert "Mira Okafor" in page
    assert "Noor Haddad" not in page
    assert "secret-lab" not in page


def test_filters_sorting_and_search() -> None:
    vision = make_department("vision")
    now = timezone.now()
    make_rule(make_user(name="Mira Okafor"), RESEARCHER, vision, expires_at=now + timedelta(days=3))
    make_rule(make_user(name="Noor Haddad"), VIEWER, vision, expires_at=now - timedelta(days=3))
    make_rule(make_group("readers"), VIEWER, make_account())
    client = signed_in(make_user(name="Ana Krol", role=ADMIN))

    def listed(**query: Any) -> set[str]:
        response = client.get("/access/", query)
        return {rule.subject.title for rule, *_ in response.context["rows"]}

    everybody = {"Mira Okafor", "Noor Haddad", "readers", "Ana Krol"}
    assert (
        listed()
        == listed(sort="-ends")
        == listed(sort="nonsense")
        == listed(role="x", state="y", kind="z")
        == everybody
    )
    assert listed(q="oka") == {"Mira Okafor"}
    assert listed(q="vision") == {"Mira Okafor", "Noor Haddad"}
    assert listed(role=Role.objects.get(name=VIEWER).pk) == {"Noor Haddad", "readers"}
    assert listed(kind="group") == {"readers"}
    assert listed(state=["ending", "ended"]) == {"Mira Okafor", "Noor Haddad"}
    assert listed(state="lasting") == {"readers", "Ana Krol"}
    assert client.get("/access/").context["answer"].line == "1 ends within 30 days; 1 ended and grants nothing."
    assert text_of(client, "/access/", q="zzz").count("No rule matches") == 1


def test_several_rules_in_one_form() -> None:
    one, other = make_project("one"), make_project("other")
    mira = make_user("mira@example.org", "Mira Okafor")
    group = make_group("vision")
    make_rule(mira, VIEWER, one)
    client = signed_in(make_user(role=ADMIN))
    data = {
        "subjects": "mira@example.org\n vision \n\nmira@example.org",
        "role": Role.objects.get(name=VIEWER).pk,
        "scopes": [one.pk, other.pk],
        "expires_at": "",
    }
    page = client.post("/access/rules/new/", data, follow=True).content.decode()
    assert "3 rules made, 1 were there already." in page
    assert set(AccessRule.objects.filter(subject=group.subject).values_list("scope", flat=True)) == {one.pk, other.pk}
    wrong = client.post("/access/rules/new/", data | {"subjects": "vision\nnobody-such\nstranger@example.org"})
    page = wrong.content.decode()
    assert wrong.status_code == 422
    assert "“nobody-such”: This is neither an e-mail address nor the name of a group or application." in page
    assert "“stranger@example.org”: Nobody signs in as stranger@example.org." in page
    assert len(re.findall(r'name="scopes"[^>]* checked', page)) == 2, "the units stay chosen"


def test_a_role_beyond_ones_own_on_one_of_the_units() -> None:
    vision, elsewhere = make_department("vision"), make_department("elsewhere")
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    make_rule(head, "Research manager", elsewhere)
    data = {
        "subjects": head.email,
        "role": Role.objects.get(name=DEPARTMENT_ADMIN).pk,
        "scopes": [vision.pk, elsewhere.pk],
    }
    response = signed_in(head).post("/access/rules/new/", data)
    assert response.status_code == 422
    assert "which you do not hold on elsewhere" in response.content.decode()
    assert AccessRule.objects.count() == 2


def test_changing_a_rule_keeps_its_day() -> None:
    vision = make_department("vision")
    rule = make_rule(make_user(name="Mira Okafor"), RESEARCHER, vision)
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    url = f"/access/rules/{rule.pk}/"
    day = (timezone.now() + timedelta(days=40)).date().isoformat()
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/access/?q=mira"}
    role = Role.objects.get(name=VIEWER).pk
    response = client.post(url, {"role": role, "expires_at": day}, headers=headers)
    assert response.headers["HX-Redirect"] == "/access/?q=mira"
    rule.refresh_from_db()
    assert rule.role.name == VIEWER
    assert rule.last_moment is not None
    assert rule.last_moment.date().isoformat() == day
    page = client.get(url).content.decode()
    assert f'value="{day}"' in page
    assert ADMIN not in page


def test_roles_with_their_cells() -> None:
    custom = make_role("Night shift", "project:read", "training:read")
    vision = make_department()
    make_rule(make_user(), "Night shift", vision)
    make_rule(make_user(), "Night shift", make_department())
    client = signed_in(make_user(role=ADMIN))
    page = text_of(client, "/access/roles/", role=custom.pk)
    assert "15 predefined roles, 1 of your own." in page
    assert 'aria-label="read"' in page
    counts = {role.name: role.granted for role in client.get("/access/roles/").context["roles"]}
    assert counts["Night shift"] == 2
    mine = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision)).get("/access/roles/").context["roles"]
    assert {role.name: role.granted for role in mine}["Night shift"] == 1
    copied = client.get("/access/roles/new/", {"copy": Role.objects.get(name=VIEWER).pk}).content.decode()
    assert "Copy of Viewer" in copied
    assert (
        len(re.findall(r'name="permissions"[^>]* checked', copied)) == Role.objects.get(name=VIEWER).permissions.count()
    )


def test_people_with_the_roles_that_one_may_know_of() -> None:
    vision, hidden = make_department("vision"), make_department("secret-lab")
    mira = make_user("mira@example.org", "Mira Okafor", role=RESEARCHER, scope=hidden)
    make_group("readers", mira)
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    page = text_of(client, "/access/people/", q="oka")
    assert "mira@example.org" in page
    assert "readers" in page
    assert "secret-lab" not in page
    assert "Nobody is called that." in text_of(client, "/access/people/", q="zzz")


def test_groups_with_people_and_roles() -> None:
    vision, hidden = make_department("vision"), make_department("secret-lab")
    group = make_group("readers", make_user(name="Mira Okafor"))
    make_rule(group, VIEWER, vision)
    make_rule(group, VIEWER, hidden)
    client = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    page = text_of(client, "/access/groups/", group=group.pk)
    assert "Mira Okafor" in page
    assert "Viewer" in page
    assert "secret-lab" not in page
    assert "Add people" not in page
    assert "No group has this in its name" in text_of(client, "/access/groups/", q="zzz")


def test_a_group_by_its_dialogs() -> None:
    make_account()
    client = signed_in(make_user(role=ADMIN))
    mira = make_user("mira@example.org", "Mira Okafor")
    client.post("/access/groups/new/", {"name": "vision", "description": ""})
    group = client.get("/access/groups/").context["group"]
    client.post(f"/access/groups/{group.pk}/members/", {"people": "mira@example.org\nvision"})
    assert not group.members.exists()
    client.post(f"/access/groups/{group.pk}/members/", {"people": "mira@example.org"})
    member = group.members.get(user=mira)
    assert "Take Mira Okafor out of vision?" in text_of(client, f"/access/members/{member.pk}/delete/")
    client.post(f"/access/members/{member.pk}/delete/")
    client.post(f"/access/groups/{group.pk}/", {"name": "sight", "description": "Eyes"})
    assert "People lose its roles" in text_of(client, f"/access/groups/{group.pk}/delete/")
    client.post(f"/access/groups/{group.pk}/delete/")
    assert AuditEvent.objects.filter(entity="group").count() == 5


def test_queries_stay_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "SIZES", (500,))
    client = signed_in(make_user(role=ADMIN))
    cluster = make_cluster()

    def more(number: int) -> None:
        for _ in range(number):
            user = make_user(role=RESEARCHER, scope=make_project(department=make_department(parent=cluster)))
            make_rule(make_group("", user), VIEWER, cluster)
            make_role("", "project:read")

    for path in ("/access/", "/access/roles/", "/access/people/", "/access/groups/", "/access/effective/"):
        assert assert_same_queries(client, f"{path}?size=500", lambda: more(2), lambda: more(8)) < 25, path
    assert User.objects.count() == 51


def test_rules_say_how_far_they_hold_in_the_clusters_themselves() -> None:
    clusters = [make_cluster(name, ClusterInfo.Mode.KUBERNETES) for name in ("north", "south", "west", "east")]
    project = make_project(department=make_department(parent=clusters[0]))
    pia, noor = make_user(name="Pia Lund"), make_user(name="Noor Haddad")
    here, gone = make_rule(pia, RESEARCHER, project), make_rule(noor, VIEWER, project)
    client = signed_in(make_user(name="Ana Krol", role=ADMIN))
    assert "Not yet in north" in row_of(client, here)

    RuleSync.objects.create(rule=here, cluster=clusters[0], state=RuleSync.State.FAILED, message="bursar-x: full")
    RuleSync.objects.create(rule=gone, cluster=clusters[0], state=RuleSync.State.IN_FORCE)
    assert "Failed in north bursar-x: full" in row_of(client, here)
    assert "In force in north" in row_of(client, gone)
    AccessRule.objects.filter(pk=gone.pk).update(expires_at=timezone.now() - timedelta(days=1))
    assert "Being withdrawn in north" in row_of(client, gone)

    everywhere = make_rule(pia, VIEWER, make_account())
    for cluster in clusters[1:]:
        RuleSync.objects.create(rule=everywhere, cluster=cluster, state=RuleSync.State.IN_FORCE)
    words = row_of(client, everywhere)
    assert "Not yet in north" in words
    assert "In force in 3 of 4 clusters" in words
    ClusterInfo.objects.filter(pk=clusters[0].pk).update(state=ClusterInfo.State.DISCONNECTED)
    assert "Not yet in north the cluster is not connected" in row_of(client, everywhere)


def test_what_was_put_back_in_a_cluster_is_told_to_who_reads_its_rules() -> None:
    north = make_cluster("north", ClusterInfo.Mode.KUBERNETES)
    told = "The binding bursar:work:read in bursar-x was changed in the cluster, and is put back."
    ClusterInfo.objects.filter(pk=north.pk).update(access_drift=told, access_drift_at=timezone.now(), access_pending=2)
    page = text_of(signed_in(make_user(role=ADMIN)), "/access/")
    assert told in page
    assert "2 bindings" in page
    below = make_user(role=DEPARTMENT_ADMIN, scope=make_department(parent=north))
    assert told not in text_of(signed_in(below), "/access/")


def test_simulated_clusters_have_no_rights_of_their_own() -> None:
    make_rule(make_user(), VIEWER, make_project())
    assert "kubectl" not in text_of(signed_in(make_user(role=ADMIN)), "/access/")


def row_of(client: Client, rule: AccessRule) -> str:
    """The words of a rule's row, blanks put together."""
    page = text_of(client, "/access/")
    row = re.search(rf'<tr id="rule-{rule.pk}".*?</tr>', page, re.DOTALL)
    assert row is not None
    return " ".join(re.sub(r"<[^>]*>", " ", row[0]).split())
