from __future__ import annotations

import pytest

from orgs.models import OrgUnit
from orgs.services.unit import unit_delete
from orgs.tasks import remove_deleted_units
from portal.celery import app
from tests.factories import actor_of, make_project


def test_the_schedule_names_tasks_that_exist() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert remove_deleted_units.name in scheduled
    assert scheduled <= app.tasks.keys()


@pytest.mark.django_db
def test_deleted_units_are_removed() -> None:
    project = make_project()
    unit_delete(actor=actor_of(), unit=project)
    remove_deleted_units()
    assert not OrgUnit.objects.filter(pk=project.pk).exists()
