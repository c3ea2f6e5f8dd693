"""Why it waits, as its loop answers: what was tried, what would help and where that leads, as far as one may know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import OrgUnit, User
from quotas.models import Pool
from scheduling.engine.alone import Step
from scheduling.engine.decisions import WaitCode
from scheduling.engine.obstacles import Obstacle
from scheduling.engine.remedies import RemedyCode
from scheduling.models import Question, Workload
from scheduling.remedy_words import remedy_title
from scheduling.tried import tried
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db
NO_NODE = {"resource": "gpu_milli", "pods": 1, "requested": 8000, "slots": 0, "free": 10000, "largest": 6000}


@pytest.fixture
def pool(roomy_pool: Pool) -> Pool:
    return roomy_pool


@pytest.fixture
def workload(project: OrgUnit, pool: Pool, researcher: User) -> Workload:
    workload = make.make_workload("nerf-city", project, pool, gpus=8, by=researcher)
    make.make_waiting(workload, "fragmented", **NO_NODE)
    return workload


def page(user: User, workload: Workload) -> str:
    response = make.signed_in(user).get(f"/workloads/{workload.pk}/")
    assert response.status_code == 200
    return unescape(response.content.decode())


def attempt(step: Step, code: str, **numbers: Any) -> dict[str, Any]:
    return {"step": step, "code": code, "numbers": numbers}


def remedy(code: RemedyCode, *raises: dict[str, Any], is_least: bool = True, **numbers: Any) -> dict[str, Any]:
    return {"code": code, "numbers": numbers, "raises": list(raises), "units": [], "is_least": is_least}


def answer(workload: Workload, **fields: Any) -> Question:
    quota = {"unit": workload.project_id, "resource": "gpu_milli", "by": 2000}
    return make.make_answer(
        workload,
        [
            attempt(Step.START, WaitCode.FRAGMENTED, **NO_NODE),
            attempt(Step.CONSOLIDATE, Obstacle.NOT_MOVABLE, workloads=2),
            attempt(
                Step.RECLAIM,
                Obstacle.ABOVE_FAIR_SHARE,
                unit=workload.project_id,
                resource="gpu_milli",
                fair_share=9000,
                allocated=8000,
                requested=8000,
            ),
            attempt(Step.PREEMPT, Obstacle.NO_LOWER_PRIORITY, priority=50, workloads=0),
        ],
        [remedy(RemedyCode.FEWER_DEVICES, devices=6, instead_of=8), remedy(RemedyCode.QUOTA, quota)],
        **fields,
    )


def test_the_page_asks_and_meanwhile_shows_what_is_known(researcher: User, workload: Workload) -> None:
    shown = page(researcher, workload)
    assert "<h1>Waits for room in a100: needs 1 pod of 8 GPUs, no node has 8 free.</h1>" in shown
    assert f'hx-post="/workloads/{workload.pk}/why/"' in shown
    assert "Asking the loop of a100" in shown

    client = make.signed_in(researcher)
    response = client.post(f"/workloads/{workload.pk}/why/", headers={"HX-Request": "true"})
    asked = unescape(response.content.decode())
    assert f'hx-get="/workloads/{workload.pk}/"' in asked, "it looks for the answer"
    assert "hx-post" not in asked, "and does not ask again"
    assert Question.objects.get().is_open
    assert client.post(f"/workloads/{workload.pk}/why/").status_code == 302, "without scripts"
    assert Question.objects.count() == 1


def test_the_answer_names_its_cycle_and_each_help_leads_somewhere(researcher: User, workload: Workload) -> None:
    answer(workload)
    shown = page(researcher, workload)
    assert "true of what cycle 48,211 left" in shown
    assert "no moving of the 2 preemptible workloads makes room in one place" in shown
    assert "no claim: vision would have 16 of a fair share of 9 GPUs" in shown
    assert "nothing preemptible of its project runs here" in shown
    assert "6 GPUs a pod instead of 8" in shown
    assert f'href="/submit/?from={workload.pk}&change=fewer_devices&to=6"' in shown
    assert "Quota in a100: 2 GPUs more for vision" in shown
    assert "Ask who administers the units above." in shown
    assert "Nobody can say" in shown
    assert "hx-post" not in shown

    admin = page(make.make_user(role=make.ADMIN), workload)
    cell = f"#cell-{workload.project_id}-{workload.pool_id}"
    assert f'href="/quotas/?cluster={workload.cluster_id}&q=vision{cell}"' in admin


def test_a_viewer_sees_what_would_help_and_who_can_do_it(workload: Workload) -> None:
    answer(workload)
    shown = page(make.make_user(role=make.VIEWER), workload)
    assert "Who submitted it may submit it so." in shown
    assert "/submit/?from=" not in shown


def test_an_answer_grows_old_and_a_loop_may_be_silent(researcher: User, workload: Workload) -> None:
    answer(workload, asked_at=timezone.now() - timedelta(seconds=20))
    shown = page(researcher, workload)
    assert "hx-post" in shown
    assert "no moving of the 2" in shown, "the last answer stays until the next is there"
    Question.objects.update(is_open=True)
    shown = page(researcher, workload)
    assert "has not answered since" in shown
    assert "hx-get" not in shown.split('id="told"')[1].split("</section>")[0], "it is not looked for all the time"
    assert "See whether it runs" in shown


@pytest.mark.parametrize(
    ("state", "says"), [("not_here", "does not see its pods yet"), ("failed", "could not answer this")]
)
def test_what_has_no_answer_says_so(researcher: User, workload: Workload, state: str, says: str) -> None:
    answer(workload, answer={"state": state})
    assert says in page(researcher, workload)


def test_the_earliest_moment_is_the_first_that_is_known(researcher: User, workload: Workload) -> None:
    at = datetime(2026, 11, 5, 14, 40, tzinfo=UTC)
    make.make_answer(
        workload,
        [
            attempt(Step.START, WaitCode.FRAGMENTED, **NO_NODE),
            attempt(Step.RECLAIM, Obstacle.PROTECTED, workloads=1, until_ms=int(at.timestamp() * 1000)),
        ],
        [],
    )
    shown = page(researcher, workload)
    assert "the minimum runtime protects 1 workload until 14:40 UTC" in shown
    assert "At 14:40 UTC at the earliest" in shown
    assert "No single change" in shown


def test_another_pool_of_its_order_that_has_room_is_a_help(researcher: User, workload: Workload) -> None:
    other = make.make_pool("h100", cluster=workload.project.cluster)
    make.make_node(pool=other, gpus=8)
    make.make_summary(other, gpus=8)
    workload.spec.spec["pools"] = ["a100", "h100"]
    workload.spec.save()
    shown = page(researcher, workload)
    assert "h100 now: it would start there" in shown
    assert f"/submit/?from={workload.pk}&change=pool_first&to=h100" in shown
    assert "would start now</span>" in shown
    make.make_try(workload, other, at=datetime(2026, 11, 5, 14, 40, tzinfo=UTC))
    assert "would start now, tried since 14:40</span>" in page(researcher, workload)


def test_who_holds_the_pool_is_named_as_far_as_one_may_know(researcher: User, workload: Workload, pool: Pool) -> None:
    hidden = make.make_project("secret", department=make.make_department(parent=workload.project.cluster))
    make.make_usage(workload.project, pool, 2)
    make.make_usage(hidden, pool, 4, over_gpu_milli=1000)
    shown = page(researcher, workload)
    assert "secret" not in shown
    assert "other projects" in shown
    assert "4 GPUs" in shown.split('id="holders"')[1]
    assert "secret" in page(make.make_user(role=make.VIEWER), workload)


def test_what_runs_is_not_asked_about(researcher: User, project: OrgUnit, pool: Pool) -> None:
    runs = make.make_workload(project=project, pool=pool, state=Workload.State.RUNNING, by=researcher)
    make.signed_in(researcher).post(f"/workloads/{runs.pk}/why/")
    assert not Question.objects.exists()
    assert "What would help" not in page(researcher, runs)


def test_more_remedies_take_no_more_queries(researcher: User, workload: Workload) -> None:
    question = answer(workload)

    def times(number: int) -> None:
        question.answer["remedies"] = question.answer["remedies"][:2] * number
        question.save()

    assert_same_queries(make.signed_in(researcher), f"/workloads/{workload.pk}/", lambda: times(1), lambda: times(5))


def test_ways_that_fail_alike_are_one_line() -> None:
    alike = [attempt(step, WaitCode.BLOCKED, unit=1) for step in (Step.START, Step.CONSOLIDATE, Step.RECLAIM)]
    ways = tried([*alike, attempt(Step.PREEMPT, Obstacle.SWITCHED_OFF)], None, "a100", lambda unit: "vision")
    assert [way.step.text for way in ways] == ["vision is blocked in a100", "this pool does not do that"]
    assert ways[0].name.startswith("Start in free room; move others together; take back")


def test_every_code_has_words() -> None:
    """None of them shows as a bare code."""
    numbers = dict.fromkeys(
        ("unit", "until_ms", "pods", "most", "workloads", "free", "requested", "fair_share", "allocated", "above"), 1
    ) | {"priority": 50, "resource": "gpu_milli", "lowest": 75, "below": 1, "units": 2}
    for code in (*Obstacle, *WaitCode):
        ways = tried([attempt(Step.START, code, **numbers)], None, "a100", lambda unit: "vision")
        assert len(ways) == len(Step)
        assert ways[0].step.text not in ("", code.replace("_", " "))
    amounts = {"level": "zone", "instead_of": "rack", "pods": 1, "devices": 1}
    raises = {"unit": 1, "resource": "gpu_milli", "by": 2000}
    for remedy_code in RemedyCode:
        one = remedy(remedy_code, raises, **amounts) | {"units": [1]}
        assert str(remedy_code).replace("_", " ") != remedy_title(one, "a100", lambda unit: "vision")
