"""What a terminal says of work: logs, what starts now, what is one's own; and what somebody changed meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db.models import F

from orgs.models import OrgUnit
from portal.cli.client import Client
from scheduling.clusters.seen import LogLine
from scheduling.models import Pod, Workload
from tests.documents import job
from tests.factories import make_key, make_pod, make_quota, make_summary, make_workload
from tests.portal.cli.typing import sign_in, typed
from tests.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    found = make_world()
    sign_in(monkeypatch, tmp_path, make_key(found.people["researcher"]))
    return found


class Cluster:
    """A gateway to a pod that writes two lines, and what would clear the terminal."""

    def read_log(self, namespace: str, pod: str, lines: int, after_ns: int = 0) -> list[LogLine]:
        written = [LogLine(f"{pod} begins", 10**18), LogLine("\x1b[2Jdone", 10**18 + 5)]
        return [line for line in written if line.at_ns > after_ns][-lines:]


def test_what_a_pod_has_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No pod exists now" in typed("workload", "logs", "train-1").stderr
    first, second = (make_pod(world.workload, phase=phase) for phase in (Pod.Phase.RUNNING, Pod.Phase.SUCCEEDED))
    simulated = typed("workload", "logs", "train-1")
    assert (simulated.exit_code, "runs nothing" in simulated.stderr) == (1, True)

    monkeypatch.setattr("scheduling.selectors.in_cluster.gateway_for", lambda cluster: Cluster())
    answer = typed("workload", "logs", "train-1")
    assert answer.stdout.splitlines() == [f"{first.name} begins", " [2Jdone"]
    assert f"Of {first.name}; name another of 2 with --pod." in answer.stderr
    assert typed("workload", "logs", "train-1", "--pod", second.name, "--tail", "1").stdout == " [2Jdone\n"
    assert json.loads(typed("workload", "logs", "train-1", "-o", "json").stdout)["pod"]["id"] == first.pk
    unknown = typed("workload", "logs", "train-1", "--pod", "other")
    assert (unknown.exit_code, second.name in unknown.stderr) == (5, True)

    Pod.objects.update(phase=Pod.Phase.SUCCEEDED)
    followed = typed("workload", "logs", "train-1", "--follow", "--pod", str(first.pk))
    assert followed.exit_code == 0, followed.output
    assert followed.stdout.splitlines() == [f"{first.name} begins", " [2Jdone"]
    assert "The pod has ended." in followed.stderr


def test_a_document_is_submitted(world: World, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(job("train-9", pods=2)))
    submit = ("workload", "submit", "--project", "vis-3d", "-f")
    tried = typed(*submit, str(file), "--dry-run")
    assert (tried.exit_code, "It would be taken." in tried.stderr) == (0, True)
    assert not Workload.objects.filter(name="train-9").exists()
    made = typed(*submit, str(file), "--priority", "high", "-o", "json")
    assert made.exit_code == 0, made.output
    assert (json.loads(made.stdout)["kind"], json.loads(made.stdout)["priority"]) == ("distributed training", "high")
    piped = typed(*submit, "-", answers=yaml.safe_dump(job("train-10", nodeName="a")))
    assert piped.exit_code == 6
    assert "spec.template.spec.nodeName: Bursar chooses the node." in piped.stderr
    assert typed(*submit, str(file), "train-9").exit_code == 2
    assert "leave out --gpu" in typed(*submit, str(file), "--gpu", "1").stderr
    assert "or a document by -f" in typed("workload", "submit", "train-9", "--project", "vis-3d").stderr
    file.write_bytes(b"\xff\xfe\xfa")
    assert "is no text" in typed(*submit, str(file)).stderr


def test_who_may_not_read_logs(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert typed("workload", "logs", "fold-1").exit_code == 5
    sign_in(monkeypatch, tmp_path, make_key(world.people["viewer"]))
    for more in ((), ("--follow",)):
        assert typed("workload", "logs", "train-1", *more).exit_code == 4


def test_what_starts_now(world: World) -> None:
    make_quota(world.project, world.pool, 4)
    make_quota(world.department, world.pool, 4)
    make_summary(world.pool, gpus=16, used=6, free_slots={"4": 1, "6": 1})
    rows = json.loads(typed("slots", "--gpu", "2", "-o", "json").stdout)
    found = {row["pool"]["name"]: row for row in rows}
    assert {row["project"]["name"] for row in rows} == {"vis-3d"}
    assert [found["a100"][name] for name in ("pods", "guaranteed_gpu_milli", "over_gpu_milli")] == [5, 4000, 6000]
    assert found["default"]["pods"] == 0
    table = typed("slots", "--gpu", "2", "--project", "vis-3d").stdout
    assert "starts now, 4 guaranteed and 6 over quota" in table
    assert typed("slots", "--gpu", "1.5").exit_code == 2


def test_what_is_ones_own(world: World) -> None:
    make_workload("theirs", project=world.project, by=world.people["admin"])
    rows = json.loads(typed("workload", "list", "--mine", "-o", "json").stdout)
    assert [row["name"] for row in rows] == ["train-1"]
    again = typed(
        "workload",
        "resume",
        make_workload(
            "over", project=world.project, by=world.people["researcher"], state=Workload.State.COMPLETED
        ).name,
    )
    assert (again.exit_code, "submitted again" in again.stderr) == (0, True), again.output


def test_what_was_changed_meanwhile_is_left_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sign_in(monkeypatch, tmp_path, make_key(world.people["admin"]))
    write: Callable[..., Any] = Client.write

    def late(client: Client, *asked: Any, **options: Any) -> Any:
        OrgUnit.objects.filter(pk=world.project.pk).update(description="Somebody else's", version=F("version") + 1)
        return write(client, *asked, **options)

    monkeypatch.setattr(Client, "write", late)
    for words in (("change", "vis-3d", "--description", "Mine"), ("delete", "vis-3d", "--yes")):
        OrgUnit.objects.filter(pk=world.project.pk).update(description="")
        answer = typed("project", *words)
        assert (answer.exit_code, "look at it and try again" in answer.stderr) == (7, True), answer.output
    world.project.refresh_from_db()
    assert world.project.description == "Somebody else's"
