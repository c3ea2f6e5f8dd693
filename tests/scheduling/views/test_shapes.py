"""The card of Submit that says what a project could start at most: it asks the loop, waits, and shows the answer."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import OrgUnit, User
from quotas.models import Pool
from scheduling.models import Question
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    pool = make.make_pool("h100", cluster=project.cluster)
    make.make_node(pool=pool)
    make.make_summary(pool, gpus=8)
    return pool


def shape(devices: int, now: int, after: int, *, preemptible: bool = True) -> dict[str, Any]:
    return {"devices": devices, "preemptible": preemptible, "now": now, "after_reclaim": after}


def test_submit_asks_and_shows_what_the_loop_says(researcher: User, project: OrgUnit, pool: Pool) -> None:
    client = make.signed_in(researcher)
    card = f"/submit/shapes/?project={project.pk}&pool=h100"
    shown = unescape(client.get(f"/submit/?project={project.pk}&pool=h100").content.decode())
    assert f'hx-post="{card}"' in shown
    waiting = unescape(client.post(card, headers={"HX-Request": "true"}).content.decode())
    assert "Asking the loop of h100" in waiting
    assert f'hx-get="{card}"' in waiting
    question = Question.objects.get()
    assert (question.kind, question.about, question.is_open) == (Question.Kind.SHAPES, project.pk, True)

    found = [shape(4, 2, 2), shape(8, 0, 1), shape(4, 1, 1, preemptible=False)]
    Question.objects.update(is_open=False, answer={"state": "known", "shapes": found}, cycle=7, as_of=timezone.now())
    shown = unescape(client.get(card).content.decode())
    assert "2 pods now" in shown
    assert "1 pod once others have made way" in shown
    assert "cycle 7" in shown
    assert "hx-" not in shown
    assert "1 pod now" in unescape(client.get(f"{card}&fixed=1").content.decode())
    assert "2 pods now" in unescape(client.get(f"/submit/?project={project.pk}&pool=h100").content.decode())


def test_only_for_projects_that_one_may_submit_to(researcher: User, project: OrgUnit, pool: Pool) -> None:
    elsewhere = make.make_project(department=project.parent)
    client = make.signed_in(researcher)
    for query in (f"project={elsewhere.pk}&pool=h100", f"project={project.pk}&pool=none", "project=x", "pool=%00", ""):
        assert client.get(f"/submit/shapes/?{query}").status_code == 404
        assert client.post(f"/submit/shapes/?{query}").status_code == 404
    assert make.signed_in(make.make_user(role=make.VIEWER)).get("/submit/shapes/").status_code == 404
    assert not Question.objects.exists()
