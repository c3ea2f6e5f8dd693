"""The Findings page, its number in the menu, and how Settings shows and changes the guard."""

from __future__ import annotations

import csv

import pytest
from django.urls import reverse

from orgs.models import OrgUnit
from quotas.guard import Level
from quotas.models import GuardFinding, GuardSetting, Node, Pool
from quotas.services.finding import findings_refresh
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_user,
    signed_in,
)
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool() -> Pool:
    """vision has given out 14 of its 12 GPUs, and the cluster 12 of 8 that are ready; 8 are not."""
    vision = make_department("vision", make_cluster("north"))
    pool = default_pool_of(OrgUnit.objects.get(name="north"))
    make_node("one", pool), make_node("two", pool, state=Node.State.NOT_READY)
    make_quota(vision, pool, gpus=12)
    make_quota(make_project("vis-3d", vision), pool, gpus=8)
    make_quota(make_project("vis-med", vision), pool, gpus=6)
    findings_refresh(thorough=True)
    return pool


def _page(user: object, query: str = "") -> str:
    response = signed_in(user).get(reverse("findings") + query)  # type: ignore[arg-type]
    assert response.status_code == 200
    return response.content.decode()


def test_an_administrator_sees_all_with_numbers_and_where_to_mend_it(pool: Pool) -> None:
    page = _page(make_user(role=ADMIN))
    vision = OrgUnit.objects.get(name="vision")
    assert "2 guarantees do not add up." in page
    assert "vision has given out 14 GPUs in default and has 12." in page
    assert "default of north guarantees 12 GPUs, 8 are ready." in page
    assert "ready, 8 not ready" in page
    assert 'vis-3d <span class="note">8</span>, vis-med <span class="note">6</span>' in page
    assert f"/quotas/?cluster={pool.cluster_id}&amp;scope={vision.pk}&amp;resource=gpu" in page
    assert '2<span class="hidden-visually"> open</span>' in page


def test_others_see_what_is_theirs(pool: Pool) -> None:
    vision = OrgUnit.objects.get(name="vision")
    head = _page(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    assert "vision has given out 14 GPUs in default and has 12." in head
    assert "of north" not in head
    assert '1<span class="hidden-visually"> open</span>' in head
    other = _page(make_user(role=DEPARTMENT_ADMIN, scope=make_department("sound", pool.cluster)))
    mira = _page(make_user(role=RESEARCHER, scope=OrgUnit.objects.get(name="vis-3d")))
    for page in (other, mira):
        assert "All that is guaranteed adds up." in page
        assert "vision" not in page
        assert "hidden-visually> open" not in page


def test_resolved_ones_are_on_their_own_list(pool: Pool) -> None:
    Node.objects.update(state=Node.State.READY)
    findings_refresh()
    admin = make_user(role=ADMIN)
    assert "of north" not in _page(admin)
    assert "default of north guarantees 12 GPUs, 8 are ready." in _page(admin, "?state=resolved")


def test_filters_stand_in_the_address_and_the_file_has_what_they_leave(pool: Pool) -> None:
    admin = make_user(role=ADMIN)
    for query, left in (
        ("?level=hardware", "hardware"),
        ("?q=VISI", "vision"),
        ("?resource=gpu&level=nonsense", "both"),
    ):
        page = _page(admin, query)
        assert ("of north" in page) == (left != "vision")
        assert ("vision has given" in page) == (left != "hardware")
        assert f"/findings/csv/{query.replace('&', '&amp;')}" in page
    for query in ("?resource=cpu", "?q=nobody", "?level=departments&q=default&resource=memory"):
        page = _page(admin, query)
        assert "0 findings match." in page
        assert "Clear filters" in page
    assert "Nothing to mend" not in page
    for number in range(6):
        make_quota(make_project(f"more-{number}", OrgUnit.objects.get(name="vision")), pool, gpus=1)
    findings_refresh(thorough=True)
    file = signed_in(admin).get(reverse("findings_csv"), {"level": "departments"})
    line = list(csv.DictReader(file.content.decode().splitlines()))
    assert [one["Finding"] for one in line] == ["vision has given out 20 GPUs in default and has 12."]
    own = {name: line[0][name] for name in ("Cluster", "Unit", "Pool", "Guaranteed", "Of", "Over by", "Resolved")}
    assert own == {
        "Cluster": "north", "Unit": "vision", "Pool": "default", "Guaranteed": "20000", "Of": "12000",
        "Over by": "8000", "Resolved": "",
    }  # fmt: skip
    assert line[0]["Whom it concerns"].startswith("vis-3d 8000; vis-med 6000; more-0 1000")
    assert line[0]["Whom it concerns"].count(";") == 7
    assert 'more-2 <span class="note">1</span>, and <a' in _page(admin)
    mira = signed_in(make_user(role=RESEARCHER, scope=OrgUnit.objects.get(name="vis-3d")))
    assert len(mira.get(reverse("findings_csv")).content.decode().splitlines()) == 1


def test_as_many_queries_for_many_as_for_few(pool: Pool) -> None:
    def more() -> None:
        for _ in range(5):
            department, other = make_department(parent=pool.cluster), make_pool(cluster=pool.cluster)
            make_quota(department, other, gpus=1)
            make_quota(make_project(department=department), other, gpus=2)
        findings_refresh(thorough=True)
        assert GuardFinding.objects.filter(resolved_at=None).count() > 10

    assert_same_queries(signed_in(make_user(role=ADMIN)), reverse("findings"), lambda: None, more)


def test_settings_show_the_guard_and_a_form_changes_it(pool: Pool) -> None:
    client = signed_in(make_user(role=ADMIN))
    account = make_account()
    url = reverse("guard", args=[account.pk, Level.HARDWARE])
    assert url in client.get(reverse("settings")).content.decode()
    answer = client.post(url, {"mode": "3", "resources": ["gpu", "memory"], "expected_version": "0"}, follow=True)
    assert "The guard against the hardware is saved for Aldergrove." in answer.content.decode()
    setting = GuardSetting.objects.get()
    assert (setting.mode, setting.resources) == (GuardSetting.Mode.ENFORCE, ["gpu", "memory"])
    cluster = reverse("guard", args=[pool.cluster_id, Level.HARDWARE])
    assert client.post(cluster, {"mode": "1", "expected_version": "0"}).status_code == 302
    assert client.post(cluster, {"mode": "account", "expected_version": "1"}).status_code == 302
    assert GuardSetting.objects.get() == setting
    refused = client.post(url, {"mode": "2", "expected_version": "1"})
    assert refused.status_code == 422
    assert "Nothing would be guarded." in refused.content.decode()


def test_a_warning_of_a_form_is_told_beside_what_was_done(pool: Pool) -> None:
    """Moving nodes out of the default pool makes it worse; by default the guard only warns."""
    Node.objects.filter(name="one").update(labels={"class": "a100"})
    make_pool("a100", pool.cluster, label_key="class", label_value="none")
    data = {"cluster": pool.cluster_id, "name": "new", "label_key": "class", "label_value": "a100"}
    data |= {"gpu_placement": 1, "cpu_placement": 1, "min_runtime_minutes": 0, "topology": ""}
    data |= {"staleness_grace_seconds": 60, "history_weight": 0, "history_window_days": 7}
    page = signed_in(make_user(role=ADMIN)).post(reverse("pool_create"), data, follow=True).content.decode()
    assert "Pool new is there." in page
    assert "12 over: 0 GPUs would be ready in default, 12 guaranteed there." in page
