"""The organization as a document: what it says comes about, and what is written applies without a difference."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from orgs.models import OrgUnit, User
from portal.errors import Refused
from quotas.declared import Declared, differences
from quotas.models import Pool, QuotaVersion
from quotas.selectors.declared import organization_of, pool_values, quota_values
from quotas.selectors.guard import Mode
from quotas.services.organization import OtherChanges, organization_apply
from tests.examples import examples
from tests.factories import (
    actor_of,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_guard,
    make_node,
    make_project,
    make_quota,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db
NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])
GPUS = st.integers(0, 40).map(lambda number: number * 100)
PEOPLE = ("ana@example.org", "ben@example.org")


@st.composite
def organizations(draw: st.DrawFn) -> Declared:
    """Of the cluster north: departments inside one another, projects, pools, quotas and rules."""
    departments: dict[tuple[str, ...], dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 5))):
        above = draw(st.sampled_from(["north/", *(path for (path,) in departments)]))
        departments[(f"{above}{draw(NAMES)}/",)] = {"description": draw(st.sampled_from(["", "Eyes", "Ohren äöü"]))}
    projects: dict[tuple[str, ...], dict[str, Any]] = {}
    places = ["north/default/", *(path for (path,) in departments)]
    for name in draw(st.lists(NAMES, unique=True)):
        projects[(f"{draw(st.sampled_from(places))}{name}",)] = {"description": draw(st.sampled_from(["", "Arms"]))}
    pools: dict[tuple[str, ...], dict[str, Any]] = {("north", "default"): pool_values(Pool())}
    for name in draw(st.lists(NAMES, unique=True, max_size=3)):
        own = {"label_key": "example.org/rack", "label_value": name, "min_runtime_seconds": draw(st.integers(0, 900))}
        pools["north", name] = (
            pool_values(Pool()) | own | {"gpu_placement": draw(st.sampled_from(["spread", "bin-pack"]))}
        )
    units = [path for (path,) in [*departments, *projects]]
    quotas: dict[tuple[str, ...], dict[str, Any]] = {}
    rules: dict[tuple[str, ...], dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 4)) if units else 0):
        own = {
            "gpu_milli": draw(GPUS),
            "over_quota": draw(st.booleans()),
            "rank": draw(st.sampled_from(["low", "high"])),
        }
        key = draw(st.sampled_from(units)), draw(st.sampled_from(sorted(name for _, name in pools)))
        quotas[key] = quota_values(None) | own
        end = draw(st.sampled_from([None, "2998-01-01T00:00:00+00:00"]))
        who, role = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(["Viewer", "L1 researcher"]))
        rules[draw(st.sampled_from(["north", *units])), who, role] = {"expires_at": end}
    return Declared({"pool": pools, "department": departments, "project": projects, "quota": quotas, "rule": rules})


@pytest.fixture
def admin() -> User:
    return make_admin()


def make_admin() -> User:
    """Of an account with an empty cluster and two people more."""
    make_account()
    make_cluster("north")
    for address in PEOPLE:
        make_user(address)
    return make_user("admin@example.org", role="System administrator")


def as_it_is(user: User) -> Declared:
    """What is there, without what is there in every cluster and for the administrator."""
    found = organization_of(user).declared
    found.things["department"].pop(("north/default/",))
    found.things["rule"] = {key: values for key, values in found.of("rule").items() if key[0] != "/"}
    return found


@given(first=organizations(), second=organizations())
@examples(12)
def test_whatever_a_document_says_comes_about_from_whatever_is_there(first: Declared, second: Declared) -> None:
    with transaction.atomic():
        user = make_admin()
        organization_apply(actor=actor_of(user), wanted=first)
        assert as_it_is(user).things == first.things
        assert organization_apply(actor=actor_of(user), wanted=first, prune=True) == []
        told = organization_apply(actor=actor_of(user), wanted=second, prune=True)
        assert as_it_is(user).things == second.things
        assert bool(told) == (first.things != second.things)
        transaction.set_rollback(True)


@given(declared=organizations())
@examples(12)
def test_what_is_exported_applies_without_a_difference(declared: Declared) -> None:
    with transaction.atomic():
        cache.clear()
        user = make_admin()
        client, address = signed_in(user), "/api/v1/organization/apply/"
        organization_apply(actor=actor_of(user), wanted=declared)
        document = client.get("/api/v1/organization/export/").json()
        body = {"document": document, "prune": True}
        answer = client.post(address, body, content_type="application/json")
        assert answer.json()["changes"] == []
        # Elsewhere it makes the same.
        empty = {kind: [] for kind in document if kind != "rules"} | {
            "pools": [{"cluster": "north", "name": "default"}]
        }
        answer = client.post(address, {"document": empty, "prune": True}, content_type="application/json")
        OrgUnit.objects.filter(state=2).delete()
        answer = client.post(address, {"document": document}, content_type="application/json")
        assert answer.status_code == 200, answer.content
        assert client.get("/api/v1/organization/export/").json() == document
        transaction.set_rollback(True)


def test_a_name_that_a_department_and_a_project_have(admin: User) -> None:
    north = OrgUnit.objects.get(name="north", kind=2)
    pool = default_pool_of(north)
    make_quota(make_department("speech", make_department("vision", north)), pool, 4)
    make_quota(make_project("speech", OrgUnit.objects.get(name="vision")), pool, 2)
    client = signed_in(admin)
    document = client.get("/api/v1/organization/export/").json()
    assert [(row["unit"], row["gpu_milli"]) for row in document["quotas"]] == [
        ("north/vision/speech", 2000),
        ("north/vision/speech/", 4000),
    ]
    answer = client.post("/api/v1/organization/apply/", {"document": document}, content_type="application/json")
    assert answer.json()["changes"] == []


def test_all_or_nothing_and_only_what_was_seen(admin: User) -> None:
    make_guard(make_account(), Mode.ENFORCE)
    pool = default_pool_of(OrgUnit.objects.get(name="north", kind=2))
    make_node(pool=pool)
    client = signed_in(admin)

    def sent(gpus: int, query: str = "", **more: Any) -> Any:
        document = {
            "departments": [{"path": "north/vision"}],
            "quotas": [{"unit": "north/vision", "pool": "default", "gpu_milli": gpus * 1000}],
        }
        return client.post(
            f"/api/v1/organization/apply/{query}", {"document": document} | more, content_type="application/json"
        )

    answer = sent(9)
    assert answer.status_code == 422
    assert "1 over" in answer.json()["detail"]
    assert not OrgUnit.objects.filter(name="vision").exists()
    tried = sent(8, "?dry_run=true").json()["result"]
    assert [(row["action"], row["kind"], row["name"]) for row in tried["changes"]] == [
        ("create", "department", "north/vision"),
        ("create", "quota", "north/vision default"),
    ]
    assert not OrgUnit.objects.filter(name="vision").exists()
    assert sent(7, plan=tried["plan"]).status_code == 412
    assert sent(8, plan=tried["plan"], reason="Second quarter").status_code == 200
    assert QuotaVersion.objects.get(unit__name="vision", until=None).reason == "Second quarter"
    with pytest.raises(OtherChanges):
        organization_apply(actor=actor_of(admin), wanted=Declared({}), expected="0")


def test_quotas_change_hands_in_any_order(admin: User) -> None:
    """What one unit gives up another takes, and what moves takes its quota along."""
    make_guard(make_account(), Mode.ENFORCE)
    north = OrgUnit.objects.get(name="north", kind=2)
    pool = default_pool_of(north)
    make_node(pool=pool)
    first, second = make_department("a", north), make_department("z", north)
    make_quota(first, pool, 8), make_quota(make_project("p", first), pool, 8)
    organization_apply(
        actor=actor_of(admin),
        wanted=Declared(
            {
                "quota": {
                    ("north/a/", "default"): quota_values(None),
                    ("north/a/p", "default"): quota_values(None),
                    ("north/z/", "default"): quota_values(None) | {"gpu_milli": 8000},
                }
            }
        ),
    )
    assert second.quotas.get().gpu_milli == 8000


def test_who_may_not_do_all_of_it_does_nothing_of_it(admin: User) -> None:
    north = OrgUnit.objects.get(name="north", kind=2)
    vision = make_department("vision", north)
    make_department("hidden", north)
    manager = make_user("manager@example.org", role="Research manager", scope=vision)
    client = signed_in(manager)
    seen = client.get("/api/v1/organization/export/").json()
    assert seen["departments"] == [{"path": "north/vision"}]
    document = {
        "projects": [{"path": "north/vision/arms"}],
        "quotas": [{"unit": "north/vision/arms", "pool": "default", "gpu_milli": 1000}],
    }
    answer = client.post("/api/v1/organization/apply/", {"document": document}, content_type="application/json")
    assert answer.status_code == 403
    assert "quota north/vision/arms default" in answer.json()["detail"]
    assert not OrgUnit.objects.filter(name="arms").exists()
    del document["quotas"]
    answer = client.post("/api/v1/organization/apply/", {"document": document}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    rule = {"scope": "north/vision", "subject": "nobody@example.org", "role": "System administrator"}
    for where in ("north/vision", "north/hidden"):
        body = {"document": {"rules": [rule | {"scope": where}]}}
        answer = client.post("/api/v1/organization/apply/", body, content_type="application/json")
        assert answer.status_code in (403, 422)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"projects": [{"path": "south/vision/arms"}]}, "no cluster called south"),
        ({"projects": [{"path": "north/nowhere/arms"}]}, "There is no north/nowhere"),
        ({"departments": [{"path": "north/Vision!"}]}, "create department north/Vision!: Use lower-case"),
        ({"departments": [{"path": "north/a"}, {"path": "north/a/"}]}, "twice"),
        ({"quotas": [{"unit": "north/default", "pool": "h100", "gpu_milli": 1}]}, "no pool h100"),
        ({"pools": [{"cluster": "north", "name": "x", "topology": "halls"}]}, "no topology called halls"),
        ({"rules": [{"scope": "north", "subject": "x@example.org", "role": "King"}]}, "no role called King"),
        ({"rules": [{"scope": "/", "subject": "x@example.org", "role": "Viewer"}]}, "Nobody is called"),
    ],
)
def test_mistakes_are_named(admin: User, document: Any, words: str) -> None:
    answer = signed_in(admin).post(
        "/api/v1/organization/apply/", {"document": document}, content_type="application/json"
    )
    assert answer.status_code == 422, answer.content
    assert words in answer.json()["detail"]


def test_what_goes_takes_what_lies_in_it_along() -> None:
    now = Declared(
        {
            "department": {("north/a/",): {}, ("north/a/b/",): {}, ("south/c/",): {}},
            "project": {("north/a/b/p",): {}, ("north/a/q",): {}},
            "quota": {("north/a/q", "default"): {}},
        }
    )
    wanted = Declared({"department": {("north/z/",): {}}, "project": {("north/z/p",): {}}, "quota": {}})
    assert [(row.action, row.key[0]) for row in differences(now, wanted, prune=True)] == [
        ("create", "north/z/"),
        ("move", "north/z/p"),
        ("delete", "north/a/"),
    ]


def test_the_last_administrator_stays(admin: User) -> None:
    with pytest.raises(Refused):
        organization_apply(
            actor=actor_of(admin),
            wanted=Declared({"rule": {("/", "ana@example.org", "Viewer"): {"expires_at": None}}}),
            prune=True,
        )
