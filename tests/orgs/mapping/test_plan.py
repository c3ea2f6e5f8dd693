from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs import hooks
from orgs.hooks import PoolOffer
from orgs.mapping.lines import Pattern, read_lines
from orgs.mapping.plan import plan, project_name
from orgs.mapping.planned import Division, Plan, Wish
from orgs.mapping.split import Method
from orgs.models import OrgUnit, ProjectInfo, Role, UnitState, User
from quotas.models import GuardSetting
from tests.factories import (
    ADMIN,
    RESEARCHER,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_guard,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_role,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return make_user(role=ADMIN)


def planned(
    user: User,
    target: OrgUnit,
    text: str,
    pattern: Pattern = Pattern.UNITS,
    make_people: bool = False,
    divisions: tuple[Division, ...] = (),
) -> Plan:
    pools = [division.pool.name for division in divisions]
    role = Role.objects.get(name=RESEARCHER)
    lines = read_lines(text, pattern, pools)
    return plan(user=user, wish=Wish(target, pattern, lines, role, make_people, divisions))


def outline(made: Plan) -> list[str]:
    """The plan as indented text, what is there already in brackets, conflicts marked."""
    return [
        "  " * (unit.level - 1) + (f"[{unit.name}]" if unit.there else unit.name) + (" !" if unit.wrong else "")
        for unit in made.units()
    ]


def words(made: Plan) -> str:
    return " ".join(
        [problem for unit in made.units() for problem in unit.problems]
        + [person.problem for unit in made.units() for person in unit.people]
    )


def test_business_units(admin: User) -> None:
    cluster = make_cluster()
    make_department("speech", cluster)
    mira = make_user("mira@example.org")
    made = planned(admin, cluster, "vision,vis-3d,Mira@example.org\nvision,vis-med\nspeech,asr\n,loose")
    assert outline(made) == ["vision", "  vis-3d", "  vis-med", "[speech]", "  asr", "[default]", "  loose"]
    person = made.projects[0].people[0]
    assert (person.email, person.subject, person.role and person.role.name) == (mira.email, mira.subject, RESEARCHER)
    assert made.conflicts == 0


def test_departments_inside_one_another(admin: User) -> None:
    made = planned(admin, make_cluster(), "research/vision,vis-3d\nresearch/speech\nresearch,chat", Pattern.STRUCTURE)
    assert outline(made) == ["research", "  vision", "    vis-3d", "  speech", "  chat"]


def test_individuals_get_a_project_each(admin: User) -> None:
    text = "mira.okafor@example.org\nBen@example.org\n7up@example.org"
    made = planned(admin, make_cluster(), text, Pattern.INDIVIDUALS, make_people=True)
    assert outline(made) == ["[default]", "  mira-okafor", "  ben", "  p-7up"]
    assert [person.subject for person in made.people.values()] == [None] * 3
    vision = make_department("vision")
    assert outline(planned(admin, vision, text, Pattern.INDIVIDUALS, make_people=True)) == [
        "mira-okafor",
        "ben",
        "p-7up",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Vision,vis-4d", "Use lower-case letters"),
        ("vision,taken", "called “taken” in this cluster already"),
        ("vision,going", "still being deleted"),
        ("vision,old-name", "namespace bursar-old-name belongs to another project"),
        ("vision,vis-4d\nother,vis-4d", "names “vis-4d” again, elsewhere"),
        ("vision,vis-4d,ghost@example.org", "Nobody signs in as ghost@example.org."),
        ("vision,vis-4d,ghost", "not an e-mail address"),
        ("vision,vis-4d,mira@example.org,Mira,Emperor", "no role “Emperor”"),
        (",,mira@example.org,Mira\u202e", "invisible"),
        ("default/inner,p", "Use lower-case"),
        ("vision," + "x" * 60, "at most 56"),
    ],
)
def test_conflicts_are_marked(admin: User, line: str, said: str) -> None:
    cluster = make_cluster()
    make_user("mira@example.org")
    home = make_department("home", cluster)
    make_project("taken", home)
    OrgUnit.objects.filter(pk=make_project("going", home).pk).update(state=UnitState.DELETING)
    ProjectInfo.objects.filter(unit=make_project("renamed", home)).update(namespace="bursar-old-name")
    made = planned(admin, cluster, f"fine,alright\n{line}")
    assert made.conflicts >= 1
    assert said in words(made)
    assert not made.tops[0].wrong


def test_what_is_there_already_is_no_conflict(admin: User) -> None:
    cluster = make_cluster()
    mira = make_user("mira@example.org")
    vision = make_department("vision", cluster)
    project = make_project("vis-3d", vision)
    quota = make_quota(project, make_pool("a100", cluster), 2)
    make_rule(mira, RESEARCHER, project)
    offers = [PoolOffer(quota.pool_id, "a100", 8000, 2000)]
    text = "department,project,person,a100\nvision,vis-3d,mira@example.org,{}\nvision,vis-4d,,1"
    for asked, notes in (("2.0", []), ("", []), ("3", ["a100: the list says 3, it has 2."])):
        made = planned(admin, cluster, text.format(asked), divisions=(Division(offers[0], Method.HAND),))
        assert outline(made) == ["[vision]", "  [vis-3d]", "  vis-4d"]
        assert (made.conflicts, len(made.grants), [unit.name for unit in made.projects]) == (0, 0, ["vis-4d"])
        there = made.tops[0].children[0]
        assert [note.split(" An import")[0] for note in there.notes] == notes
        assert (there.quota, made.divisions[0].planned_milli) == ({}, 1000)
    same = planned(admin, cluster, "vision,vis-3d,mira@example.org")
    assert same.nothing_new


def test_a_project_called_after_one_person_is_opened_to_no_other_of_that_name(admin: User) -> None:
    cluster = make_cluster()
    mira, other = make_user("mira@example.org"), make_user("mira@example.com")
    default = OrgUnit.objects.get(cluster=cluster, name="default")
    ended = timezone.now() - timedelta(days=1)
    make_rule(mira, RESEARCHER, make_project("mira", default), expires_at=ended)
    assert planned(admin, cluster, mira.email, Pattern.INDIVIDUALS).conflicts == 0
    made = planned(admin, cluster, other.email, Pattern.INDIVIDUALS)
    assert words(made) == "“mira” is there already, and mira@example.com has no role in it."


def test_individuals_whose_projects_would_have_one_name(admin: User) -> None:
    text = "mira@example.org\nmira@example.com"
    made = planned(admin, make_cluster(), text, Pattern.INDIVIDUALS, make_people=True)
    assert "would give the same name to another project" in words(made)


def test_too_deep(admin: User) -> None:
    deep = make_cluster()
    for _ in range(7):
        deep = make_department(parent=deep)
    made = planned(admin, deep, "one/two,p", Pattern.STRUCTURE)
    assert "at most 8 deep" in words(made)
    assert [unit.wrong for unit in made.units()] == [False, True, False]


def test_a_pool_is_divided_and_departments_get_the_sum(admin: User) -> None:
    cluster = make_cluster()
    make_user("mira@example.org")
    make_user("ben@example.org")
    head = "department,project,person,a100\n"
    text = f"{head}vision,one,mira@example.org,1\nvision,one,ben@example.org,\nspeech,two,mira@example.org,2.5"
    offers = [PoolOffer(number, name, 8000, 0) for number, name in enumerate(("a100", "h100", "l40s"), 1)]
    divisions = (
        Division(offers[0], Method.HAND),
        Division(offers[1], Method.EVENLY, 8000),
        Division(offers[2], Method.HEADS, 9000),
    )
    made = planned(admin, cluster, text, divisions=divisions)
    quotas = {unit.name: unit.quota for unit in made.units()}
    assert quotas["one"] == {1: 1000, 2: 4000, 3: 6000}
    assert quotas["two"] == {1: 2500, 2: 4000, 3: 3000}
    assert quotas["vision"] == quotas["one"]
    assert [division.planned_milli for division in made.divisions] == [3500, 8000, 9000]
    typed = (Division(offers[0], Method.HAND, hand={"two": "7", "one": "x"}),)
    made = planned(admin, cluster, text, divisions=typed)
    assert made.projects[1].quota == {1: 7000}
    assert "“x” is no number of GPUs for a100." in words(made)


@pytest.mark.parametrize("mode", [None, *GuardSetting.Mode])
def test_the_guard_decides_what_more_than_there_is_means(admin: User, mode: int | None) -> None:
    """`vision` has 4 of the cluster's 8 GPUs; the list gives 6 in it and 6 beside it."""
    cluster = make_cluster("north")
    pool = default_pool_of(cluster)
    make_node(pool=pool, gpus=8)
    vision = make_department("vision", cluster)
    make_quota(vision, pool, 4)
    if mode is not None:
        make_guard(make_account(), mode)
    text = "department,project,default\nvision,vis-3d,6\nspeech,asr,3\nspeech,tts,1\n,loose,2"
    made = planned(admin, cluster, text, divisions=(Division(hooks.pools_to_give(cluster)[0], Method.HAND),))
    enforced = mode == GuardSetting.Mode.ENFORCE
    said = [] if mode == GuardSetting.Mode.OFF else [
        "2 over: 6 GPUs asked for in default, 4 available (8 ready, 4 given to others). "
        "Ask for less, or add nodes to default.",
        "2 over: 6 GPUs asked for in default, 4 available (vision has 4, 0 given to others). "
        "Ask for less, or raise vision first.",
    ]  # fmt: skip
    assert sorted(verdict.words for verdict in made.verdicts) == said
    assert {(verdict.pool, verdict.refused) for verdict in made.verdicts} == ({(pool.pk, enforced)} if said else set())
    assert (made.mistakes, made.conflicts) == (0, 2 if enforced else 0)


def test_who_may_not_see_what_is_too_small_is_not_told_its_name() -> None:
    vision = make_department("vision", make_cluster("north"))
    assert vision.cluster is not None
    make_quota(vision, default_pool_of(vision.cluster), 1)
    head = make_user()
    make_rule(head, make_role("", "project:create"), vision)
    offers = hooks.pools_to_give(vision)
    made = planned(head, vision, "project,default\np,3", divisions=(Division(offers[0], Method.HAND),))
    assert [verdict.words.split("(")[1].split(" has")[0] for verdict in made.verdicts] == ["the unit above"]


def test_queries_do_not_grow_with_the_list(admin: User) -> None:
    cluster = make_cluster()
    pool = default_pool_of(cluster)
    for number in range(40):
        make_quota(make_department(f"d-{number}", cluster), pool, 0)

    def queries(number: int) -> int:
        user = User.objects.get(pk=admin.pk)
        text = "\n".join(f"d-{each % 40},p-{each},who-{each}@example.org" for each in range(number))
        division = Division(PoolOffer(pool.pk, pool.name, 0, 0), Method.EVENLY, 9_000_000)
        with CaptureQueriesContext(connection) as captured:
            made = planned(user, cluster, text, make_people=True, divisions=(division,))
        assert len(made.projects) == number
        assert len(made.verdicts) == min(number, 40)
        return len(captured)

    assert queries(2) == queries(1500)


@pytest.mark.parametrize(
    ("email", "name"),
    [("Mira.Okafor+x@example.org", "mira-okafor-x"), ("7up@x.org", "p-7up"), ("--@x.org", ""), ("y" * 80, "y" * 56)],
)
def test_names_of_projects_of_people(email: str, name: str) -> None:
    assert project_name(email) == name
