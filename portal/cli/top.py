"""`bursar top`: who uses what now."""

from __future__ import annotations

import time
from typing import Any

import click

from portal.cli import values
from portal.cli.client import Client
from portal.cli.common import examples, read, typed
from portal.cli.nouns import POOL, SCOPE
from portal.cli.output import Column, format_option, say_rows

FILTERS = (SCOPE, POOL)
COLUMNS = (
    Column("NAME", "unit.name"),
    Column("POOL", "pool.name"),
    Column("GPUS", "gpu_milli", values.thousandths),
    Column("OVER QUOTA", "over_gpu_milli", values.thousandths),
    Column("FAIR SHARE", "fair_gpu_milli", values.thousandths),
    Column("ASKED FOR", "requested_gpu_milli", values.thousandths),
    Column("RUNNING", "running"),
    Column("WAITING", "pending"),
    Column("CORES", "cpu_millicores", values.thousandths, wide=True),
    Column("MEMORY", "memory_bytes", values.memory, wide=True),
    Column("IDLE", "idle_gpu_milli", values.thousandths, wide=True),
)


@click.command(epilog=examples(["bursar top", "bursar top --by department --pool a100", "bursar top -o json"]))
@click.option("--by", type=click.Choice(["project", "department"]), default="project", show_default=True)
@typed(FILTERS)
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--every", type=values.SPAN, help="Show it again and again, as every 5s; Ctrl-C ends it.")
@format_option
def top(by: str, limit: int, every: int | None, form: str, **options: Any) -> None:
    """Show who uses most, by project and pool, as the loops last saw it."""
    client = Client()
    query = {"kind": by, "busy": "true", "sort": "-gpu_milli"} | read(client, FILTERS, options)
    while True:
        rows = list(client.items("usage/", query, limit))
        if every:
            click.clear()
        say_rows(rows, COLUMNS, form, "Nothing runs, and nothing waits.")
        if not every:
            return
        time.sleep(every)
