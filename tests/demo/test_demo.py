"""`make demo` from an empty folder: people, pages, loops and binds are real, and nothing is lost on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.running import ROOT, Demo, Person, eventually
from tests.harness.servers import free_port

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Demo]:
    with Demo(folder) as running:
        running.wait_until_ready()
        yield running


def project(demo: Demo, name: str) -> int:
    found: int = demo.rows("select id from orgs_orgunit where kind = 4 and name = ?", name)[0][0]
    return found


def bound_pods(demo: Demo, workload: str) -> list[tuple[object, ...]]:
    return demo.rows(
        "select p.uid, p.node_id, n.name from scheduling_pod p join scheduling_workload w on w.id = p.workload_id"
        " join quotas_node n on n.id = p.node_id where w.name = ?",
        workload,
    )


def test_a_submission_through_the_page_is_decided_and_bound(demo: Demo) -> None:
    noor = Person(demo.address, "noor@aldergrove.example")
    before = demo.rows("select count(*) from scheduling_workload where name = 'first-try'")
    assert before == [(0,)]
    noor.submit("first-try", project=project(demo, "chat"))

    (uid, _, node) = eventually(lambda: bound_pods(demo, "first-try"), what="never bound")[0]
    decisions = demo.rows(
        "select d.kind, d.epoch, d.cycle from scheduling_decision d join scheduling_workload w on w.id = d.workload"
        " where w.name = 'first-try' and d.kind < 3"
    )
    assert [kind for kind, _, _ in decisions] == [1]
    assert all(epoch > 0 and cycle > 0 for _, epoch, cycle in decisions)
    # The gateway's own record of the bind: the simulated cluster's pod has that node.
    spec = demo.rows("select spec, status from scheduling_simobject where kind = 4 and uid = ?", uid)
    assert str(node) in "".join(map(str, spec[0]))
    assert "first-try" in noor.get("/my-work/")


def test_a_wrong_form_loses_nothing(demo: Demo) -> None:
    noor = Person(demo.address, "noor@aldergrove.example")
    page = noor.submit("Not A Name", project=project(demo, "chat"), gpus="1.5", minutes="12")
    for typed in ("Not A Name", 'value="1.5"', 'value="12"'):
        assert typed in page
    assert demo.rows("select count(*) from scheduling_workload where name = 'Not A Name'") == [(0,)]


def test_killed_web_and_worker_come_back_and_no_pod_is_started_twice(demo: Demo) -> None:
    for name in ("worker", "web"):
        killed = demo.children()[name]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda name=name, killed=killed: demo.children().get(name, killed) != killed)
    eventually(lambda: answers(demo), 30, "web does not answer")

    noor = Person(demo.address, "noor@aldergrove.example")
    noor.submit("after-the-kill", project=project(demo, "chat"), gpus="0.5", pool="l40s")
    eventually(lambda: bound_pods(demo, "after-the-kill"), 40, "never bound after the kill")
    twice = demo.rows(
        "select pod_uid, count(*) from scheduling_decision where kind = 1 and state in (3, 5)"
        " group by 1 having count(*) > 1"
    )
    assert twice == []


def answers(demo: Demo) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", demo.port)) == 0


def reset(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "demo", "--reset"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "DJANGO_"))}
    return subprocess.run(
        command, cwd=ROOT, env=kept | {"BURSAR_DATA": str(folder)}, capture_output=True, text=True, check=False
    )


def test_a_running_demo_is_not_reset(demo: Demo, folder: Path) -> None:
    done = reset(folder)
    assert done.returncode == 1
    assert "The demo is running." in done.stderr
    assert demo.rows("select count(*) from orgs_orgunit") != [(0,)]


def test_ctrl_c_stops_everything_in_five_seconds_and_a_second_run_goes_on(demo: Demo, folder: Path) -> None:
    children = demo.children()
    assert demo.stop() < 5
    assert demo.process.returncode == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children.values())
    running = demo.rows("select count(*) from scheduling_workload where is_active")[0][0]

    with Demo(folder) as again:
        again.wait_until_ready()
        assert any("Going on with" in line for line in again.said)
        assert again.rows("select count(*) from scheduling_workload where is_active")[0][0] >= running - 5
        noor = Person(again.address, "noor@aldergrove.example")
        noor.submit("second-day", project=project(again, "chat"), gpus="0.5", pool="l40s")
        eventually(lambda: bound_pods(again, "second-day"), 40, "the second run binds nothing")

    assert reset(folder).returncode == 0
    assert not (folder / "bursar.sqlite3").exists()


def test_a_taken_port_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with Demo(tmp_path, port) as demo:
            demo.process.wait(30)
            eventually(lambda: demo.said)
    assert demo.process.returncode == 1
    assert demo.said == [
        f"CommandError: Port {port} is taken or not allowed. Choose another: make demo PORT={port % 60000 + 1}"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("sys.version_info = (3, 9, 2)", "Bursar needs Python 3.11 or newer; this is 3.9"),
        ("os.access = lambda *_: False", "cannot be written"),
        (
            "os.makedirs = lambda *_, **__: (_ for _ in ()).throw(OSError(30, 'Read-only file system'))",
            "cannot be made",
        ),
        ("shutil.disk_usage = lambda _: type('', (), {'free': 1000})", "nearly full"),
    ],
)
def test_what_the_machine_lacks_is_one_line_too(change: str, words: str, tmp_path: Path) -> None:
    arguments = ["environment.py", "--data", str(tmp_path / "data")]
    script = (
        f"import os, runpy, shutil, sys\n{change}\nsys.argv = {arguments!r}\n"
        "runpy.run_path('deploy/environment.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
