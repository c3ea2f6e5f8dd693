from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs import hooks
from orgs.access import Forbidden, may
from orgs.mapping.lines import Pattern, read_lines
from orgs.mapping.plan import plan
from orgs.mapping.planned import Division, Wish
from orgs.mapping.split import Method
from orgs.models import AccessRule, Mapping, OrgUnit, ProjectInfo, Role, Subject, User
from orgs.services.mapping import mapping_create, mapping_undo
from orgs.services.project import project_create
from orgs.services.unit import unit_rename
from portal.errors import Refused
from portal.models import AuditEvent
from portal.notices import noticed
from quotas.models import GuardSetting, Quota, QuotaVersion
from quotas.services.quota import MOST_CHANGES, quota_set
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    actor_of,
    default_pool_of,
    make_cluster,
    make_department,
    make_guard,
    make_node,
    make_rule,
    make_user,
    make_workload,
)

pytestmark = pytest.mark.django_db

TEXT = """department,project,person
research/vision,vis-3d,mira@example.org
research/vision,vis-med,new@example.org
research,chat,mira@example.org
"""


@pytest.fixture
def admin() -> User:
    make_user("mira@example.org")
    return make_user(role=ADMIN)


@pytest.fixture
def cluster() -> OrgUnit:
    cluster = make_cluster("north")
    make_node(pool=default_pool_of(cluster), gpus=8)
    return cluster


def wish(target: OrgUnit, text: str = TEXT, gpus: int = 6, pattern: Pattern = Pattern.STRUCTURE) -> Wish:
    divisions = [Division(offer, Method.EVENLY, gpus * 1000) for offer in hooks.pools_to_give(target)]
    role = Role.objects.get(name=RESEARCHER)
    return Wish(target, pattern, read_lines(text, pattern, ()), role, True, divisions)


def rows() -> dict[str, object]:
    """Everything that a mapping writes, apart from history and audit."""
    return {
        "units": list(OrgUnit.objects.order_by("pk").values()),
        "projects": list(ProjectInfo.objects.order_by("pk").values()),
        "people": list(User.objects.order_by("pk").values()),
        "subjects": list(Subject.objects.order_by("pk").values()),
        "rules": list(AccessRule.objects.order_by("pk").values()),
        "quotas": list(Quota.objects.order_by("pk").values()),
    }


def test_all_of_it_is_made_at_once(admin: User, cluster: OrgUnit) -> None:
    mapping = mapping_create(actor=actor_of(admin), wish=wish(cluster))
    project = OrgUnit.objects.get(name="vis-3d")
    vision = OrgUnit.objects.get(name="vision")
    assert project.path == f"{vision.path}{project.pk}/"
    assert (project.parent, project.cluster, vision.parent and vision.parent.name) == (vision, cluster, "research")
    assert project.project_info.namespace == "bursar-vis-3d"
    new = User.objects.get(email="new@example.org")
    assert not new.has_usable_password()
    assert AccessRule.objects.get(subject=new.subject).scope.name == "vis-med"
    quotas = dict(Quota.objects.values_list("unit__name", "gpu_milli"))
    assert quotas == {"research": 6000, "vision": 4000, "vis-3d": 2000, "vis-med": 2000, "chat": 2000}
    assert {what: len(mapping.ids(what)) for what in ("departments", "projects", "rules", "people")} == {
        "departments": 2, "projects": 3, "rules": 3, "people": 1,
    }  # fmt: skip
    event = AuditEvent.objects.get(action="create", entity="mapping")
    assert event.after == {"departments": 2, "projects": 3, "rules": 3, "people": 1}
    assert AuditEvent.objects.filter(action="create", entity__in=["department", "project"]).count() == 5


def test_undo_removes_exactly_what_was_made(admin: User, cluster: OrgUnit) -> None:
    make_department("research", cluster)  # is there already, and stays
    before = rows()
    mapping = mapping_create(actor=actor_of(admin), wish=wish(cluster))
    assert rows() != before
    mapping_undo(actor=actor_of(admin), mapping=mapping)
    assert rows() == before
    assert Mapping.objects.get().undone_at is not None
    assert not QuotaVersion.objects.filter(until=None).exclude(values=None).exists()
    with pytest.raises(Refused, match="already"):
        mapping_undo(actor=actor_of(admin), mapping=mapping)
    mapping_create(actor=actor_of(admin), wish=wish(cluster))


def test_the_same_list_again_makes_only_what_is_not_there(admin: User, cluster: OrgUnit) -> None:
    mapping_create(actor=actor_of(admin), wish=wish(cluster))
    before = rows()
    with pytest.raises(Refused, match="Everything in the list is there already"):
        mapping_create(actor=actor_of(admin), wish=wish(cluster))
    assert rows() == before
    longer = f"{TEXT}research/vision,vis-4d,mira@example.org\nresearch/vision,vis-med,mira@example.org"
    mapping = mapping_create(actor=actor_of(admin), wish=wish(cluster, longer, gpus=2))
    assert [OrgUnit.objects.get(pk=pk).name for pk in mapping.units] == ["vis-4d"]
    assert dict(Quota.objects.filter(unit__name__in=["vis-4d", "vis-3d"]).values_list("unit__name", "gpu_milli")) == {
        "vis-3d": 2000,
        "vis-4d": 2000,
    }
    assert len(mapping.ids("rules")) == 2
    mapping_undo(actor=actor_of(admin), mapping=mapping)
    assert rows() == before


def test_a_rule_that_has_ended_is_given_anew_and_ends_again_when_it_is_taken_back(
    admin: User, cluster: OrgUnit
) -> None:
    mapping_create(actor=actor_of(admin), wish=wish(cluster))
    ended = AccessRule.objects.get(scope__name="chat")
    AccessRule.objects.filter(pk=ended.pk).update(expires_at=timezone.now() - timedelta(days=3))
    lasting = AccessRule.objects.get(scope__name="vis-3d")
    AccessRule.objects.filter(pk=lasting.pk).update(expires_at=timezone.now() + timedelta(days=3))
    mira = User.objects.get(email="mira@example.org")
    chat, before = ended.scope, rows()
    assert not may(mira, "create", "training", chat)
    mapping = mapping_create(actor=actor_of(admin), wish=wish(cluster))
    assert may(User.objects.get(pk=mira.pk), "create", "training", chat)
    assert (mapping.ids("rules"), list(mapping.renewed)) == ([], [ended.pk])
    assert AccessRule.objects.get(pk=lasting.pk).expires_at is not None, "what holds is left as it is"
    event = AuditEvent.objects.filter(action="update", entity="accessrule").latest("pk")
    assert (event.entity_id, list(event.before or {})) == (ended.pk, ["until"])
    assert AuditEvent.objects.filter(action="create", entity="mapping").latest("pk").after["rules"] == 1
    mapping_undo(actor=actor_of(admin), mapping=mapping)
    assert rows() == before
    again = mapping_create(actor=actor_of(admin), wish=wish(cluster))
    AccessRule.objects.filter(pk=ended.pk).delete()
    with pytest.raises(Refused, match="changed or removed"):
        mapping_undo(actor=actor_of(admin), mapping=again)


def build_project(admin: User) -> None:
    project_create(actor=actor_of(admin), parent=OrgUnit.objects.get(name="vision"), name="late")


def rename(admin: User) -> None:
    unit_rename(actor=actor_of(admin), unit=OrgUnit.objects.get(name="vision"), name="sight")


def sign_in(admin: User) -> None:
    User.objects.filter(email="new@example.org").update(last_login=timezone.now())


def change_quota(admin: User) -> None:
    project = OrgUnit.objects.get(name="chat")
    assert project.cluster is not None
    quota_set(actor=actor_of(admin), unit=project, pool=default_pool_of(project.cluster), gpu_milli=1000)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (build_project, "The project late was put into vision."),
        (rename, "1 unit of the list was renamed, moved or deleted."),
        (sign_in, "new@example.org signed in."),
        (change_quota, "Quotas of the new departments and projects were changed."),
        (lambda admin: make_workload(project=OrgUnit.objects.get(name="chat")), "have 1 workload"),
        (lambda admin: make_rule(admin, VIEWER, OrgUnit.objects.get(name="chat")), "1 access rule was made"),
        (lambda admin: AccessRule.objects.filter(scope__name="chat").delete(), "changed or removed"),
    ],
)
def test_undo_says_what_was_built_upon_it(admin: User, cluster: OrgUnit, build: object, said: str) -> None:
    mapping = mapping_create(actor=actor_of(admin), wish=wish(cluster))
    build(admin)  # type: ignore[operator]
    before = rows()
    with pytest.raises(Refused, match=said):
        mapping_undo(actor=actor_of(admin), mapping=mapping)
    assert rows() == before


@pytest.mark.parametrize("mode", GuardSetting.Mode)
def test_the_guard_has_the_last_word_whether_or_not_anybody_looked_at_the_preview(
    admin: User, cluster: OrgUnit, mode: int
) -> None:
    make_guard(cluster, mode)
    before, asked = rows(), wish(cluster, gpus=12)
    said = [verdict.words for verdict in plan(user=admin, wish=asked).verdicts]
    if mode == GuardSetting.Mode.ENFORCE:
        with pytest.raises(Refused) as refused:
            mapping_create(actor=actor_of(admin), wish=asked)
        assert (refused.value.messages, rows()) == (said, before)
        assert said[0].startswith("4 over: 12 GPUs asked for in default, 8 available (8 ready, 0 given to others).")
        mapping_create(actor=actor_of(admin), wish=wish(cluster, gpus=8))
        return
    with noticed() as heard:
        mapping = mapping_create(actor=actor_of(admin), wish=asked)
    assert heard == said
    assert len(said) == (1 if mode == GuardSetting.Mode.WARN else 0)
    assert Quota.objects.get(unit__name="research").gpu_milli == 12000
    mapping_undo(actor=actor_of(admin), mapping=mapping)
    assert rows() == before


def test_the_guard_judges_the_whole_list_however_many_saves_it_takes(admin: User, cluster: OrgUnit) -> None:
    make_guard(cluster, GuardSetting.Mode.ENFORCE)
    text = "\n".join(f"vision,p-{each}" for each in range(MOST_CHANGES + 100))
    with pytest.raises(Refused, match=r"^\['22 over: 30 GPUs asked for in default, 8 available"):
        mapping_create(actor=actor_of(admin), wish=wish(cluster, text, 30, Pattern.UNITS))
    mapping_create(actor=actor_of(admin), wish=wish(cluster, text, 8, Pattern.UNITS))


def test_conflicts_write_nothing(admin: User, cluster: OrgUnit) -> None:
    before = rows()
    with pytest.raises(Refused, match="does not fit any more"):
        mapping_create(actor=actor_of(admin), wish=wish(cluster, "vision,Illegal Name"))
    assert rows() == before


def test_rights(admin: User, cluster: OrgUnit) -> None:
    vision = make_department("vision", cluster)
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    before = rows()
    for target, text in ((vision, "inner,p"), (vision, ",p,new@example.org"), (cluster, ",p")):
        with pytest.raises(Forbidden):
            mapping_create(actor=actor_of(head), wish=wish(target, text, gpus=0, pattern=Pattern.UNITS))
    assert rows() == before
    mapping = mapping_create(actor=actor_of(head), wish=wish(vision, ",p,mira@example.org", pattern=Pattern.UNITS))
    assert OrgUnit.objects.get(name="p").parent == vision
    with pytest.raises(Forbidden):
        mapping_undo(actor=actor_of(make_user(role=RESEARCHER, scope=vision)), mapping=mapping)


def test_a_thousand_projects_in_few_statements(admin: User, cluster: OrgUnit) -> None:
    def statements(number: int, name: str) -> int:
        text = "\n".join(f"{name}-{each % 20},{name}-{each},{name}-{each}@example.org" for each in range(number))
        with CaptureQueriesContext(connection) as captured:
            mapping = mapping_create(actor=actor_of(admin), wish=wish(cluster, text, pattern=Pattern.UNITS))
        assert len(mapping.ids("projects")) == number
        with CaptureQueriesContext(connection) as undone:
            mapping_undo(actor=actor_of(admin), mapping=mapping)
        return len(captured) + len(undone)

    few = statements(20, "a")
    assert statements(1000, "b") < few + 500, "batches of some hundred rows, nothing for each row"
