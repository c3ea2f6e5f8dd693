"""Runs the measurements: all, or those whose name starts with BENCH_ONLY. BENCH_JSON names a file for the list."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.bench import (  # noqa: F401 (they list themselves)
    api,
    assigner,
    bind,
    engine,
    loops,
    packing,
    philly,
    quotas,
    rights,
    submit,
    two_pools,
    watch,
)
from tests.bench.measure import Figure, measurements


def line(figure: Figure) -> str:
    target = "" if figure.target is None else f"{'at least' if figure.at_least else 'at most'} {figure.target:g}"
    verdict = {True: "reached", False: "MISSED", None: ""}[figure.reached]
    return f"{figure.name:<52} {figure.value:>10.4g} {figure.unit:<6} {target:<16} {verdict}"


def main() -> int:
    only = os.environ.get("BENCH_ONLY", "")
    chosen = {name: measure for name, measure in measurements.items() if name.startswith(only)}
    if not chosen:
        sys.exit(f"No measurement starts with {only}. There are: {', '.join(measurements)}")
    figures: list[Figure] = []
    for measure in chosen.values():
        for figure in measure():
            print(line(figure), flush=True)
            figures.append(figure)
    if target := os.environ.get("BENCH_JSON"):
        Path(target).write_text(json.dumps([figure.row() for figure in figures], indent=1) + "\n")
    return 0 if all(figure.reached is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
