"""Cycles: the list, one cycle's page, and saved ones: who may ask for them, take them and delete them."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from orgs.models import OrgUnit, User
from portal.models import AuditEvent
from quotas.models import Pool
from scheduling.models import CycleReport, Decision, SavedCycle, Workload
from scheduling.services.saved_cycle import SEEN_WHOLE
from tests import factories as make
from tests.queries import assert_same_queries

from .test_scheduler import decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> OrgUnit:
    return make.make_project("vis-3d")


@pytest.fixture
def admin() -> User:
    return make.make_user(role=make.ADMIN)


def page(user: User, address: str = "/scheduler/cycles/") -> str:
    response = make.signed_in(user).get(address)
    assert response.status_code == 200
    return unescape(response.content.decode())


def rows(shown: str) -> list[int]:
    """Cycle ids in the order of the list."""
    return [int(part.split('"')[0]) for part in shown.split('<tr id="cycle-')[1:]]


def test_the_list_by_time_by_pool_by_what_was_done_and_by_how_long_it_took(admin: User, pool: Pool) -> None:
    other = make.make_pool("h100", cluster=pool.cluster)
    now = timezone.now()
    first = make.make_cycle(pool, 1, 900, at=now - timedelta(minutes=30))
    second = make.make_cycle(pool, 2, 20, at=now - timedelta(minutes=20), evicts=2)
    third = make.make_cycle(other, 3, 310, at=now - timedelta(minutes=10))
    old = make.make_cycle(other, 1, 5, at=now - timedelta(days=2))
    shown = page(admin)
    assert rows(shown) == [third.pk, second.pk, first.pk, old.pk]
    assert "<h1>3 cycles of the last hour decided something; 1 of them stopped or moved work.</h1>" in shown
    assert "The slowest took 900 ms." in shown
    assert rows(page(admin, f"/scheduler/cycles/?pool={pool.pk}")) == [second.pk, first.pk]
    assert rows(page(admin, "/scheduler/cycles/?only=evicting")) == [second.pk]
    assert rows(page(admin, "/scheduler/cycles/?only=slow")) == [third.pk, first.pk]
    assert rows(page(admin, "/scheduler/cycles/?sort=-took")) == [first.pk, third.pk, second.pk, old.pk]
    assert rows(page(admin, f"/scheduler/cycles/?only=evicting&only=slow&pool={pool.pk}")) == []
    assert "Nothing matches" in page(admin, "/scheduler/cycles/?only=evicting&only=slow")


def test_the_list_goes_on(admin: User, pool: Pool) -> None:
    now = timezone.now()
    made = [make.make_cycle(pool, number, number, at=now - timedelta(seconds=number)) for number in range(1, 61)]
    shown = page(admin)
    assert rows(shown) == [cycle.pk for cycle in made[:25]]
    following = shown.split('rel="next" href="')[1].split('"')[0]
    assert rows(page(admin, f"/scheduler/cycles/{following}")) == [cycle.pk for cycle in made[25:50]]
    assert "No cycle decided anything in the last hour." in page(
        make.make_user(role=make.VIEWER, scope=other_cluster())
    )


def other_cluster() -> OrgUnit:
    return make.make_cluster("south")


def test_one_cycle(admin: User, project: OrgUnit, pool: Pool) -> None:
    placed, victim = make.make_workload("eval-shard", project, pool), make.make_workload("align-rl", project, pool)
    decide(placed, node=make.make_node("a100-13", pool).pk, cycle=7)
    numbers = {"unit": project.pk, "resource": "gpu_milli", "allocated": 12_000, "quota": 6000, "fair_share": 8000}
    decide(victim, Decision.Kind.EVICT, code="reclaim", numbers=numbers, for_workload=placed.pk, cycle=7)
    decide(victim, cycle=8)
    for cycle in (6, 8):
        make.make_cycle(pool, cycle)
    assert project.parent is not None
    units = [[project.parent.pk, 8000, 9000, 12_000, 20_000], [project.pk, None, 8000, 12_000, 20_000]]
    counts = {"places": 1, "evicts": 1, "waits": 3}
    make.make_cycle(pool, 7, 61, counts=counts, served={"resource": "gpu_milli", "units": units})
    shown = page(admin, f"/scheduler/cycles/{pool.pk}/7/")
    assert "<h1>Cycle 7 of a100 placed 1 pod and stopped or moved 1 pod.</h1>" in shown
    assert "epoch 57. 3 workloads left waiting." in shown
    assert "snapshot 15 ms, decide 30 ms, record 15 ms" in shown
    assert "Placed eval-shard" in shown
    assert "Taken back for eval-shard: vis-3d held 12 GPUs, its fair share is 8, its quota 6" in shown
    assert shown.index(f'id="served-{project.parent.pk}"') < shown.index(f'id="served-{project.pk}"')
    assert 'data-name="waiting"><span class="tone-wait">8</span>' in shown
    assert f'rel="prev" href="/scheduler/cycles/{pool.pk}/6/"' in shown
    assert f'rel="next" href="/scheduler/cycles/{pool.pk}/8/"' in shown
    assert "Download" not in shown
    make.make_saved_cycle(CycleReport.objects.get(cycle=7), problem="KeyError: 7")
    shown = page(admin, f"/scheduler/cycles/{pool.pk}/7/")
    assert "Download to replay" in shown
    assert "It ended with an error, and nothing of it was recorded: <code>KeyError: 7</code>" in shown
    assert f'href="/scheduler/cycles/{pool.pk}/7/"' in page(admin, "/scheduler/")


def test_one_cycle_shows_only_what_one_may_see(project: OrgUnit, pool: Pool) -> None:
    other = make.make_project("secret", department=make.make_department("hidden-too", parent=project.cluster))
    decide(make.make_workload("hidden-one", other, pool, gpus=4), cycle=7)
    assert other.parent is not None
    units = [[other.parent.pk, 0, 0, 4000, 4000], [other.pk, 0, 0, 4000, 4000], [project.pk, 0, 0, 0, 1000]]
    report = make.make_cycle(pool, 7, served={"resource": "gpu_milli", "units": units})
    make.make_saved_cycle(report)
    shown = page(make.make_user(role=make.RESEARCHER, scope=project), f"/scheduler/cycles/{pool.pk}/7/")
    assert "without 2 that you may not see" in shown
    assert "a workload of another department, 4 GPUs" in shown
    for secret in ("secret", "hidden-one", "hidden-too", "Download"):
        assert secret not in shown


def test_the_timeline_of_a_workload_leads_to_its_cycles(admin: User, project: OrgUnit, pool: Pool) -> None:
    workload = make.make_workload("eval-shard", project, pool, state=Workload.State.RUNNING)
    decide(workload, cycle=7)
    decide(workload, cycle=6, at=timezone.now() - timedelta(days=8))
    shown = page(admin, f"/workloads/{workload.pk}/")
    assert f'<a href="/scheduler/cycles/{pool.pk}/7/">a100: 1 pod placed in cycle 7</a>' in shown
    assert f'href="/scheduler/cycles/{pool.pk}/6/"' not in shown, "that one is not kept any more"


def test_asking_taking_and_deleting(admin: User, pool: Pool) -> None:
    client, address = make.signed_in(admin), f"/scheduler/cycles/{pool.pk}/save/"
    assert client.post(address, {"deciding": "1"}).status_code == 302
    saved = SavedCycle.objects.get()
    assert (saved.deciding, saved.asked_by) == (True, admin.subject)
    assert "The next that decides something of a100" in page(admin, f"/scheduler/cycles/?pool={pool.pk}")
    again = client.post(address, follow=True)
    assert "A cycle of a100 is asked for already." in unescape(again.content.decode())
    SavedCycle.objects.update(state=SavedCycle.State.SAVED, cycle=9, at=timezone.now(), content=b"packed", size=6)
    answer = client.get(f"/scheduler/saved/{saved.pk}/")
    assert answer.content == b"packed"
    assert answer["Content-Disposition"] == 'attachment; filename="a100-cycle-9.json.gz"'
    assert client.post(f"/scheduler/saved/{saved.pk}/delete/").status_code == 302
    assert not SavedCycle.objects.exists()
    acts = AuditEvent.objects.filter(entity="savedcycle").order_by("id").values_list("action", "entity_name", "unit")
    unit = pool.cluster_id
    assert list(acts) == [
        ("ask", "next of a100", unit),
        ("export", "9 of a100", unit),
        ("delete", "9 of a100", unit),
    ]


def test_no_more_than_so_many_are_asked_for(admin: User, pool: Pool, settings: object) -> None:
    settings.SAVED_CYCLES = 1  # type: ignore[attr-defined]
    make.make_saved_cycle(make.make_cycle(pool, 7))
    answer = make.signed_in(admin).post(f"/scheduler/cycles/{pool.pk}/save/", follow=True)
    assert "Of a100 no more than 1 cycle can be kept. Delete one." in unescape(answer.content.decode())


def test_a_wish_is_no_file_and_what_is_over_is_gone(admin: User, pool: Pool) -> None:
    saved = make.make_saved_cycle(make.make_cycle(pool, 7), state=SavedCycle.State.FAILED, content=b"")
    SavedCycle.objects.update(content=None, problem="It has 20 MiB packed.")
    client = make.signed_in(admin)
    assert client.get(f"/scheduler/saved/{saved.pk}/").status_code == 404
    assert "It has 20 MiB packed." in page(admin)
    SavedCycle.objects.update(content=b"a", expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(f"/scheduler/saved/{saved.pk}/").status_code == 404


def test_one_who_may_not_see_every_kind_of_work_gets_no_file(pool: Pool) -> None:
    """The file holds all of it, so a role that lacks one kind is not enough."""
    report = make.make_cycle(pool, 7)
    saved = make.make_saved_cycle(report)
    whole = make.make_role("Whole", *(f"{entity}:read" for entity in SEEN_WHOLE))
    part = make.make_role("Part", *(f"{entity}:read" for entity in SEEN_WHOLE if entity != "inference"))
    for role, status in ((whole, 200), (part, 404)):
        client = make.signed_in(make.make_user(role=role.name, scope=pool.cluster))
        assert client.get(f"/scheduler/saved/{saved.pk}/").status_code == status
        assert ("Saved cycles" in client.get("/scheduler/cycles/").content.decode()) == (status == 200)
        assert client.post(f"/scheduler/saved/{saved.pk}/delete/").status_code == (403 if status == 200 else 404)


def test_queries_do_not_grow(admin: User, project: OrgUnit, pool: Pool) -> None:
    numbers = iter(range(1000))

    def more(count: int) -> None:
        for _ in range(count):
            department = make.make_department(parent=project.cluster)
            workload = make.make_workload(project=make.make_project(department=department), pool=pool)
            decide(workload, cycle=5000)
            make.make_saved_cycle(make.make_cycle(make.make_pool(cluster=project.cluster), next(numbers)))

    make.make_cycle(pool, 5000)
    client = make.signed_in(admin)
    assert assert_same_queries(client, "/scheduler/cycles/", lambda: more(3), lambda: more(12)) < 20
    address = f"/scheduler/cycles/{pool.pk}/5000/"
    assert assert_same_queries(client, address, lambda: more(3), lambda: more(12)) < 30
