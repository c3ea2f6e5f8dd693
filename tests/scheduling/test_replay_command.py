"""`manage.py replay FILE`: what it prints, and its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from scheduling.cycle_file import CycleFile, packed
from scheduling.engine import Options

from .engine.test_determinism import busy_pool
from .test_cycle_file import ABOUT, ROOT, saved


def said(folder: Path, cycle: CycleFile | bytes, status: int = 0, **options: bool) -> str:
    """What the command prints of a file with this cycle."""
    file, output = folder / "a100-cycle-48211.json.gz", StringIO()
    file.write_bytes(cycle if isinstance(cycle, bytes) else packed(cycle))
    if status:
        with pytest.raises(SystemExit) as end:
            call_command("replay", file, stdout=output, **options)
        assert end.value.code == status
    else:
        call_command("replay", file, stdout=output, **options)
    return output.getvalue()


def test_in_a_process_of_its_own_without_any_database(tmp_path: Path) -> None:
    (tmp_path / "cycle.json.gz").write_bytes(packed(saved(busy_pool())))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR", "DJANGO"))}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "replay", "cycle.json.gz"],
        cwd=tmp_path,
        env=environment | {"BURSAR_DATA": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Cycle 48,211 of a100 in north" in done.stdout
    assert "The same, in all" in done.stdout
    assert not list((tmp_path / "none").glob("*sqlite3*"))


def test_wrong_files_are_told_and_have_a_status_of_their_own(tmp_path: Path) -> None:
    for content, word in ((b"GIF89a", "no cycle to replay. It is no gzip file"), (None, "cannot be read: No such")):
        file = tmp_path / "a.json.gz"
        file.unlink(missing_ok=True)
        if content:
            file.write_bytes(content)
        with pytest.raises(CommandError, match=word) as refused:
            call_command("replay", file)
        assert refused.value.returncode == 2
    with pytest.raises(CommandError, match=r"cannot be read: .*directory"):
        call_command("replay", tmp_path)


def test_every_decision_with_its_reason_and_the_order(tmp_path: Path) -> None:
    printed = said(tmp_path, saved(busy_pool()), decisions=True)
    assert "10 nodes, 9 units, 80 workloads" in printed
    assert "It took 61 ms and was saved because somebody asked for it." in printed
    assert "Placed pod" in printed
    assert " waits: " in printed
    assert "    1. " in printed
    assert "allocated, quota" in printed


def test_what_differs_is_shown(tmp_path: Path) -> None:
    cycle = saved(busy_pool())
    assert cycle.decisions is not None
    first, *others = cycle.decisions.places
    elsewhere = replace(first, node=first.node % 10 + 1)
    printed = said(tmp_path, replace(cycle, decisions=replace(cycle.decisions, places=(elsewhere, *others))), 1)
    name = next(work.name for work in cycle.snapshot.workloads if work.id == first.workload)
    assert "It differs.\nplaced:\n  - Placed pod" in printed
    assert printed.count(f"Placed pod {first.pod} of {name} on n") == 2
    turned = replace(cycle.decisions, places=cycle.decisions.places[::-1])
    assert "placed: the same in another order" in said(tmp_path, replace(cycle, decisions=turned), 1)
    assert "  + and " in said(tmp_path, replace(cycle, decisions=replace(cycle.decisions, places=())), 1)


def test_a_cycle_that_failed(tmp_path: Path) -> None:
    broken = CycleFile.of(ABOUT, busy_pool(), None, Options(actions=("dance",)), "KeyError: 'dance'")
    printed = said(tmp_path, replace(broken, about=replace(ABOUT, took_us=0, cause="error")))
    assert "\nIt was saved because something went wrong in it." in printed
    assert "It ended with an error: KeyError: 'dance'" in printed
    assert "The engine stops with the same error." in printed
    mended = said(tmp_path, replace(broken, options=Options()), 1)
    assert "  then: KeyError: 'dance'\n  now:  " in mended


def test_names_and_figures_of_a_hostile_file_do_no_harm(tmp_path: Path) -> None:
    cycle = saved(busy_pool())
    assert cycle.decisions is not None
    wait = cycle.decisions.waits[0]
    odd = replace(wait, numbers={"unit": "\x1b]0;owned\x07", "until_ms": 10**18})
    wrong = replace(cycle, about=replace(ABOUT, pool="\x1b[2J"), decisions=replace(cycle.decisions, waits=(odd,)))
    printed = said(tmp_path, wrong, 1)
    assert "\x1b" not in printed
    assert "Wait(workload=" in printed
