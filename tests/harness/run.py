"""`make test` and `make soak`: install, lint, start the servers, run every part, say what was skipped and why."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from tests.harness import building, lint, servers, soak

ROOT = Path(__file__).resolve().parents[2]
SHARED = "../shared"
KUBERNETES = "Kubernetes"
NOT_BUILT = "The Kubernetes control plane could not be built; lines further up say why."

PLAIN = "not browser and not cluster and not faults"
APPS_TESTS = ("tests/portal", "tests/orgs", "tests/quotas", "tests/scheduling")
WITHOUT_DATABASE = ("tests/scheduling/engine", "tests/scheduling/clusters/kubernetes")
PAGES = ("tests/*/views", "tests/*/api", "tests/*/forms")
"""They ask services and selectors, which are tried on both databases."""

# Name, pytest's arguments, environment. Order: what fails fast first.
PARTS: list[tuple[str, list[str], dict[str, str]]] = [
    ("unit and integration, PostgreSQL and Redis", ["-m", PLAIN], {}),
    (
        "SQLite and the folder broker",
        [
            *("-m", f"{PLAIN} and not postgres", *APPS_TESTS),
            *(f"--ignore={folder}" for folder in WITHOUT_DATABASE),
            *(f"--ignore-glob={folder}" for folder in PAGES),
        ],
        {"BURSAR_TEST_EMBEDDED": "1"},
    ),
    # These wait for leases to end more than they work. One at a time, so that the longest two have a worker each.
    ("killed processes", ["-m", "faults", "-n", "3", "--dist", "load", "--maxschedchunk", "1"], {}),
    ("browser", ["-m", "browser and not cluster"], {}),
    (KUBERNETES, ["-m", "cluster", "--dist", "loadgroup"], {}),
]
SOAK: list[tuple[str, list[str], dict[str, str]]] = [
    ("thirty times as many generated examples, new ones", ["-m", "hypothesis"], {"BURSAR_SOAK": "30"})
]


def install() -> None:
    """Debian packages that are missing; without root, says the one command and ends."""
    missing = servers.missing_packages()
    if not missing:
        return
    command = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0:
        sys.exit(f"The tests need {', '.join(missing)}. Run this once:  sudo {command}")
    print(f"Installing {', '.join(missing)} ...", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in ("apt-get update -qq", command + " -qq"):
        done = subprocess.run(
            step.split(), env=quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{done.stdout}\n`{step}` failed; the lines above say why.")


def run_part(name: str, arguments: list[str], environment: dict[str, str], report: Path) -> int:
    print(f"\n== {name}", flush=True)
    begun = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-n",
        "2",
        # Who is done takes over from who is not: some tests take as long as a hundred others.
        "--dist",
        "worksteal",
        # What takes long is seen, and can be made shorter.
        "--durations=12",
        "--durations-min=8",
        f"--junitxml={report}",
        *arguments,
    ]
    code = subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode
    print(f"== {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - begun:.0f} s", flush=True)
    return code


def skipped_in(report: Path) -> dict[str, list[str]]:
    """Reason -> tests that were skipped for it."""
    found: dict[str, list[str]] = {}
    if report.exists():
        for case in ElementTree.parse(report).iter("testcase"):
            skip = case.find("skipped")
            if skip is not None:
                found.setdefault(skip.get("message", ""), []).append(f"{case.get('classname')}.{case.get('name')}")
    return found


def run_parts(
    parts: list[tuple[str, list[str], dict[str, str]]], is_built: Callable[[], bool]
) -> tuple[list[str], dict[str, list[str]]]:
    """What failed, and what was skipped by reason. `is_built` waits for the control plane."""
    failed: list[str] = []
    skipped: dict[str, list[str]] = {}
    with servers.postgres() as database, servers.redis() as redis, tempfile.TemporaryDirectory() as reports:
        for number, (name, arguments, environment) in enumerate(parts):
            if name == KUBERNETES and not is_built():
                skipped[NOT_BUILT] = [name]
                continue
            report = Path(reports) / f"{number}.xml"
            servers_of_tests = {"BURSAR_DATABASE_URL": database, "BURSAR_REDIS_URL": redis}
            if run_part(name, arguments, servers_of_tests | environment, report):
                failed.append(name)
            for reason, tests in skipped_in(report).items():
                skipped.setdefault(reason, []).extend(tests)
    return failed, skipped


def main() -> int:
    begun = time.monotonic()
    in_ci = os.environ.get("CI") == "true"
    install()
    if "--soak" in sys.argv:
        failed, skipped = run_parts(SOAK, lambda: True)
        failed += [] if soak.against_the_oracle() else ["against the oracle"]
    else:
        with building.control_plane() as is_built:
            not_clean = ["lint"] * lint.main()
            failed, skipped = run_parts(PARTS, is_built)
        failed = not_clean + failed
    return conclude(failed, skipped, in_ci, time.monotonic() - begun)


def conclude(failed: list[str], skipped: dict[str, list[str]], in_ci: bool, seconds: float) -> int:
    print()
    for reason, tests in sorted(skipped.items()):
        print(f"skipped {len(tests)}: {reason}")
        if in_ci and not (SHARED in reason and not (ROOT / SHARED).exists()):
            failed.append(f"{len(tests)} skipped where nothing may be ({tests[0]})")
    if not skipped:
        print("skipped 0")
    print(f"{'FAILED: ' + '; '.join(failed) if failed else 'All passed'} ({seconds / 60:.1f} min)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
