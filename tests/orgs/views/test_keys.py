"""The list of everybody's access keys, for who administers them; and the reference of the API."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from orgs.models import AccessKey
from portal.api.reference import reference
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


def test_an_administrator_finds_a_key_of_somebody_else_and_revokes_it() -> None:
    project = make.make_project()
    owner = make.make_user("ada@example.org", "Ada", role=make.RESEARCHER, scope=project)
    new = make.make_key(owner, "nightly")
    make.with_key(new).get("/api/v1/projects/")
    old = make.make_key(owner, "forgotten").key
    AccessKey.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=91))
    client = make.signed_in(make.make_user(role=make.ADMIN))
    page = unescape(client.get("/access/keys/").content.decode())
    assert "2 access keys of 1 owner, 1 not used for 90 days." in page
    assert "from 127.0.0.1" in page
    assert new.token not in page
    found = client.get("/access/keys/?q=night").content.decode()
    assert "nightly" in found
    assert "forgotten" not in found
    url = f"/access/keys/{new.key.pk}/revoke/"
    assert f'href="{url}"' in page
    assert client.post(url).headers["Location"] == "/access/keys/?q=ada@example.org"
    assert make.with_key(new).get("/api/v1/projects/").status_code == 401


def test_who_administers_no_keys_sees_none_of_others() -> None:
    department = make.make_department()
    make.make_key(make.make_user("ada@example.org"), "nightly")
    head = make.signed_in(make.make_user(role="Department administrator", scope=department))
    assert "nightly" not in head.get("/access/keys/").content.decode()
    assert make.signed_in(make.make_user()).get("/access/keys/").status_code == 404


def test_more_keys_take_no_more_queries() -> None:
    client = make.signed_in(make.make_user(role=make.ADMIN))

    def make_keys(number: int) -> None:
        for _ in range(number):
            make.with_key(make.make_key(make.make_user())).get("/api/v1/projects/")

    assert_same_queries(client, "/access/keys/", lambda: make_keys(1), lambda: make_keys(5))


def test_every_operation_stands_on_a_page_of_the_reference() -> None:
    client = make.signed_in(make.make_user())
    sections = reference()
    assert sum(len(section.operations) for section in sections.values()) > 100
    for name, section in sections.items():
        page = client.get(f"/reference/?of={name}").content.decode()
        for operation in section.operations:
            assert f'id="{operation.key}"' in page
            assert operation.path in page
    (create,) = (one for one in sections["projects"].operations if one.key == "projects_create")
    assert [(one.name, one.needed) for one in create.takes] == [
        ("name", True),
        ("description", False),
        ("parent", True),
    ]
    assert "dry_run" in [one.name for one in create.parameters]
    assert '"name": "…"' in create.example
    assert "namespace" in [one.name for one in create.gives]
    assert client.get("/reference/?of=moons").status_code == 404
