"""The command that runs web and worker as its children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scheduling.management.commands.demo import children

SCRIPT = """
import sys
from pathlib import Path
from portal.embedded import Child, Supervisor
folder = Path(sys.argv[1])
beat = "import sys,time,os\\nopen(sys.argv[1],'a').write(f'{os.getpid()}\\\\n')\\ntime.sleep(60)"
stubborn = "import signal,time\\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\\ntime.sleep(60)"
supervisor = Supervisor([
    Child("one", [sys.executable, "-c", beat, str(folder / "one.pids")], folder / "one.log"),
    Child("two", [sys.executable, "-c", stubborn], folder / "two.log"),
], lambda text: print(text, flush=True))
supervisor.start()
supervisor.run()
print("stopped", flush=True)
"""


def eventually(check: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def pids(folder: Path) -> list[int]:
    path = folder / "one.pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_a_killed_child_comes_back_and_ctrl_c_ends_all_within_five_seconds(tmp_path: Path) -> None:
    command = start(tmp_path)
    eventually(lambda: len(pids(tmp_path)) == 1)
    os.kill(pids(tmp_path)[0], signal.SIGKILL)
    eventually(lambda: len(pids(tmp_path)) == 2)

    begun = time.monotonic()
    command.send_signal(signal.SIGINT)
    output, _ = command.communicate(timeout=10)
    assert time.monotonic() - begun < 5
    assert command.returncode == 0
    assert "one ended (-9)" in output
    assert output.endswith("stopped\n")
    assert not any(alive(pid) for pid in pids(tmp_path))


def test_children_do_not_outlive_a_killed_command(tmp_path: Path) -> None:
    command = start(tmp_path)
    eventually(lambda: len(pids(tmp_path)) == 1)
    command.kill()
    command.wait()
    eventually(lambda: not alive(pids(tmp_path)[0]))


def test_there_is_exactly_one_worker_and_it_has_the_loops_and_beat() -> None:
    commands = [child.command for child in children(8000)]
    assert [{"--loops", "--beat"} & set(command) for command in commands if "worker" in command] == [
        {"--loops", "--beat"}
    ]
    assert len(commands) == 2, "and web"
