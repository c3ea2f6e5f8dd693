from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from orgs.models import OrgUnit
from orgs.services.unit import unit_delete
from orgs.tasks import purge_sessions, remove_deleted_units
from portal.celery import app
from tests.factories import actor_of, make_project, make_user, signed_in


def test_the_schedule_names_tasks_that_exist() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {remove_deleted_units.name, purge_sessions.name} <= scheduled
    assert scheduled <= app.tasks.keys()


@pytest.mark.django_db
def test_deleted_units_are_removed() -> None:
    project = make_project()
    unit_delete(actor=actor_of(), unit=project)
    remove_deleted_units()
    assert not OrgUnit.objects.filter(pk=project.pk).exists()


@pytest.mark.django_db
def test_sessions_whose_time_is_over_leave_no_row() -> None:
    user = make_user()
    ended, goes_on = signed_in(user), signed_in(user)
    for client in (ended, goes_on):
        assert client.get("/profile/").status_code == 200
    Session.objects.filter(pk=ended.session.session_key).update(expire_date=timezone.now() - timedelta(minutes=1))
    assert (Session.objects.count(), UserSession.objects.count()) == (2, 2)
    purge_sessions()
    assert [row.pk for row in Session.objects.all()] == [goes_on.session.session_key]
    assert [row.session_key for row in UserSession.objects.all()] == [goes_on.session.session_key]
    assert goes_on.get("/profile/").status_code == 200
