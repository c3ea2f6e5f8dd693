"""`make lint`: everything that can be checked without running the code. Says which check failed, and goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SOURCES = ("portal", "orgs", "quotas", "scheduling", "tests", "deploy", "manage.py")
FILE_LINES = 500
TEST_LINES = 700

TEMPLATES = """
from django.template import engines
from django.conf import settings
django = engines["django"]
for path in sorted((settings.ROOT / "templates").rglob("*.html")):
    django.get_template(str(path.relative_to(settings.ROOT / "templates")))
"""


def commands() -> list[tuple[str, list[str]]]:
    manage = [sys.executable, "manage.py"]
    return [
        ("format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
        ("rules", [str(BIN / "ruff"), "check", "--quiet", "."]),
        ("types", [str(BIN / "mypy"), "--no-error-summary"]),
        ("import directions", [str(BIN / "lint-imports"), "--no-logo"]),
        ("system check", [*manage, "check", "--fail-level", "WARNING"]),
        ("migrations complete", [*manage, "makemigrations", "--check", "--dry-run", "--verbosity", "0"]),
        ("templates parse", [*manage, "shell", "--no-imports", "-c", TEMPLATES]),
    ]


def long_files() -> list[str]:
    """Files over the hard limit, with their lines."""
    found = []
    for top in SOURCES:
        for path in [ROOT / top] if (ROOT / top).is_file() else sorted((ROOT / top).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            lines = len(path.read_text().splitlines())
            if lines > (TEST_LINES if top == "tests" else FILE_LINES):
                found.append(f"{path.relative_to(ROOT)} has {lines} lines")
    return found


def main() -> int:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings.test", "BURSAR_TEST_EMBEDDED": "1"}
    failed = []
    for name, command in commands():
        begun = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        print(f"{'ok' if done.returncode == 0 else 'FAILED':<7}{name} ({time.monotonic() - begun:.1f} s)", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    too_long = long_files()
    print(f"{'FAILED' if too_long else 'ok':<7}file lengths", flush=True)
    for line in too_long:
        print(line)
    return 1 if failed or too_long else 0


if __name__ == "__main__":
    sys.exit(main())
