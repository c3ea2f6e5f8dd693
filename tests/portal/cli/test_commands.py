"""What commands do to the organization, what they say, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from orgs.models import AccessRule, OrgUnit, UnitState
from portal.cli.main import main
from quotas.models import Pool, Quota
from scheduling.models import SubGroup, Workload
from tests.factories import make_department, make_key, make_project, make_projects, make_quota, make_usage
from tests.portal.cli.typing import sign_in, typed
from tests.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    found = make_world()
    sign_in(monkeypatch, tmp_path, make_key(found.people["admin"]))
    return found


def test_a_list_in_every_form(world: World) -> None:
    table = typed("project", "list").stdout.splitlines()
    assert table[0].split() == ["ID", "NAME", "IN", "CLUSTER"]
    assert [line.split()[1:] for line in table[1:]] == [
        ["protein", "life-science", "north"],
        ["vis-3d", "vision", "north"],
    ]
    assert "bursar-vis-3d" in typed("project", "list", "-o", "wide").stdout
    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        rows = read(typed("project", "list", "-o", form).stdout)
        assert [row["name"] for row in rows] == ["protein", "vis-3d"]
        assert rows[1]["parent"]["name"] == "vision"


def test_long_lists_go_on(world: World) -> None:
    make_projects(world.department, 230)
    answer = typed("project", "list")
    assert (len(answer.stdout.splitlines()), "--all" in answer.stderr) == (51, True)
    assert len(json.loads(typed("project", "list", "--all", "-o", "json").stdout)) == 232
    assert len(typed("project", "list", "--limit", "210", "--sort", "-name").stdout.splitlines()) == 211


def test_what_is_named_twice_is_asked_for(world: World) -> None:
    make_department("vision", parent=make_department("medicine", parent=world.cluster))
    answer = typed("project", "create", "arms", "--in", "vision")
    assert answer.exit_code == 6
    assert "medicine/vision" in answer.output
    assert typed("project", "create", "arms", "--in", "medicine/vision").exit_code == 0
    assert str(OrgUnit.objects.get(name="arms").parent.parent) == "medicine"  # type: ignore[union-attr]
    assert typed("project", "create", "legs", "--in", str(world.department.pk)).exit_code == 0


def test_units_are_made_changed_moved_and_deleted(world: World) -> None:
    assert typed("department", "create", "speech", "--in", "north", "--description", "Voices").exit_code == 0
    assert typed("project", "create", "robotics", "--in", "speech", "--dry-run").exit_code == 0
    assert not OrgUnit.objects.filter(name="robotics").exists()
    assert typed("project", "create", "robotics", "--in", "speech").exit_code == 0
    answer = typed("project", "change", "robotics", "--in", "vision", "--name", "arms")
    assert answer.exit_code == 0, answer.output
    assert OrgUnit.objects.get(name="arms").parent == world.department
    answer = typed("project", "delete", "arms", answers="n\n")
    assert (answer.exit_code, "Do it?" in answer.output) == (0, True)
    assert OrgUnit.objects.get(name="arms").state == UnitState.ACTIVE
    assert typed("project", "delete", "arms", "--yes").exit_code == 0
    assert OrgUnit.objects.get(name="arms").state == UnitState.DELETING


def test_quotas_and_pools(world: World) -> None:
    assert typed("quota", "create", "vis-3d", "a100", "--gpu", "0.5", "--memory", "8Gi").exit_code == 0
    quota = Quota.objects.get(unit=world.project, pool=world.pool)
    assert (quota.gpu_milli, quota.memory_bytes) == (500, 8 * 1024**3)
    tried = typed("quota", "change", "vis-3d", "a100", "--gpu", "2", "--dry-run")
    assert (tried.exit_code, "Nothing was changed" in tried.output) == (0, True)
    why = ("--reason", "Deadline")
    assert typed("quota", "change", "vis-3d", "a100", "--gpu", "2", "--memory", "none", *why).exit_code == 0
    quota.refresh_from_db()
    assert (quota.gpu_milli, quota.memory_bytes, quota.version) == (2000, None, 2)
    assert typed("quota", "create", "vis-3d", "a100", "--gpu", "1").exit_code == 6
    assert typed("quota", "delete", "vis-3d", "a100", "--yes").exit_code == 0
    assert typed("quota", "get", "vis-3d", "a100").exit_code == 5
    answer = typed("pool", "change", "a100", "--gpu-placement", "spread", "--staleness-grace", "none")
    assert answer.exit_code == 0, answer.output
    pool = Pool.objects.get(pk=world.pool.pk)
    assert (pool.gpu_placement, pool.staleness_grace_seconds) == (Pool.Placement.SPREAD, None)


def test_rules(world: World) -> None:
    answer = typed("rule", "create", "--who", "nobody@example.org", "--role", "Viewer", "--on", "vis-3d", "-o", "json")
    assert answer.exit_code == 0, answer.output
    pk = json.loads(answer.stdout)["id"]
    assert typed("rule", "change", str(pk), "--role", "L2 researcher", "--until", "2998-01-01T00:00:00Z").exit_code == 0
    rule = AccessRule.objects.get(pk=pk)
    assert (rule.role.name, rule.expires_at is None) == ("L2 researcher", False)
    assert typed("rule", "delete", str(pk), "--yes").exit_code == 0
    assert not AccessRule.objects.filter(pk=pk).exists()


def test_work(world: World) -> None:
    line = ("workload", "submit", "probe", "--project", "vis-3d", "--image", "python:3.12", "--gpu", "0.5")
    answer = typed(*line, "--memory", "2Gi", "--env", "A=b=c", "--", "python", "-m", "probe", "--fast")
    assert answer.exit_code == 0, answer.output
    work = Workload.objects.get(name="probe")
    group = SubGroup.objects.get(workload=work)
    assert (group.devices, group.device_milli, group.memory_bytes) == (1, 500, 2 * 1024**3)
    assert work.spec.spec["command"] == ["python", "-m", "probe", "--fast"]
    assert typed("workload", "stop", "probe").exit_code == 0
    work.refresh_from_db()
    assert work.desired == Workload.Desired.STOPPED
    assert "probe" in typed("workload", "list", "--project", "vis-3d", "--active").output
    assert typed(*line[:-1], "1.5").exit_code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("project", "get", "nowhere"), 5),
        (("project", "create", "Robotics!", "--in", "vision"), 6),
        (("project", "create", "robotics"), 2),
        (("project", "list", "--sort", "colour"), 6),
        (("quota", "change", "vis-3d", "a100", "--gpu", "much"), 2),
        (("project", "change", "vis-3d"), 2),
    ],
)
def test_how_it_ends(world: World, words: tuple[str, ...], code: int) -> None:
    answer = typed(*words)
    assert answer.exit_code == code, answer.output
    assert answer.stderr


def test_who_may_not_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sign_in(monkeypatch, tmp_path, make_key(world.people["viewer"]))
    assert typed("project", "delete", "vis-3d", "--yes").exit_code == 4
    sign_in(monkeypatch, tmp_path, make_key(world.people["researcher"]))
    assert typed("project", "get", "protein").exit_code == 5


def test_a_change_that_somebody_else_was_faster_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make_quota(world.project, world.pool, 1, version=4)
    monkeypatch.setattr(
        "portal.cli.quota._row", lambda *_: ({"unit": world.project.pk, "pool": world.pool.pk}, {"version": 3})
    )
    assert typed("quota", "change", "vis-3d", "a100", "--gpu", "3").exit_code == 7
    assert Quota.objects.get(unit=world.project).gpu_milli == 1000


def test_names_complete(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project("vis-4d", department=world.department)
    monkeypatch.setenv("_BURSAR_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "bursar project get vis")
    monkeypatch.setenv("COMP_CWORD", "3")
    answer = CliRunner().invoke(main, [], prog_name="bursar")
    assert answer.output.split() == ["plain,vis-3d", "plain,vis-4d"]


def test_what_shells_read(world: World) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_BURSAR_COMPLETE" in typed("completion", shell).output


def test_nothing_steers_the_terminal(world: World) -> None:
    OrgUnit.objects.filter(pk=world.project.pk).update(description="\x1b[2Jgone\u202eenog")
    assert "\x1b" not in typed("project", "list", "-o", "wide").stdout
    assert "\u202e" not in typed("project", "get", "vis-3d").stdout


def test_who_uses_what(world: World) -> None:
    make_usage(world.project, world.pool, 3, running=2)
    make_usage(make_project("vis-4d", department=world.department), world.pool, 5, running=1)
    make_usage(world.department, world.pool, 8, running=3)
    make_usage(world.elsewhere, world.pool, 7, running=1)
    lines = [line.split()[:3] for line in typed("top").stdout.splitlines()[1:]]
    assert lines == [["protein", "a100", "7"], ["vis-4d", "a100", "5"], ["vis-3d", "a100", "3"]]
    lines = [line.split()[:3] for line in typed("top", "--by", "department").stdout.splitlines()[1:]]
    assert lines == [["vision", "a100", "8"]]
