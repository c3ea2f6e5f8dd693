"""`bursar slots`: what starts now."""

from __future__ import annotations

from typing import Any

import click

from portal.cli import values
from portal.cli.client import Client
from portal.cli.common import examples
from portal.cli.errors import FORBIDDEN, Ended
from portal.cli.finding import completing, id_of
from portal.cli.output import Column, format_option, say_rows
from portal.cli.work import devices_of

MOST_PROJECTS = 20
COLUMNS = (
    Column("PROJECT", "project.name"),
    Column("POOL", "pool.name"),
    Column("PODS", "pods"),
    Column("GUARANTEED", "guaranteed_gpu_milli", values.thousandths),
    Column("OVER QUOTA", "over_gpu_milli", values.thousandths),
    Column("IN WORDS", "text"),
    Column("NOTE", "note", wide=True),
)
EXAMPLES = ("bursar slots --project vis-3d", "bursar slots --gpu 4 --cpu 16 --memory 64Gi", "bursar slots --gpu 0.5")
WORK = "training:create workspace:create inference:create"


@click.command(epilog=examples(EXAMPLES))
@click.option("--project", help="Only for this project; else for all of yours.", shell_complete=completing("projects"))
@click.option("--gpu", type=values.GPUS, default="1", show_default=True, help="For each pod; 0.5 is half of one.")
@click.option("--cpu", type=values.CORES, default="1", show_default=True, help="Cores for each pod.")
@click.option("--memory", type=values.BYTES, default="1Gi", show_default=True, help="For each pod.")
@click.option("--preemptible", type=values.YES, default="yes", show_default=True, help="Whether it may be displaced.")
@format_option
def slots(project: str | None, gpu: int, cpu: int, memory: int, preemptible: bool, form: str) -> None:
    """Show how many pods of a size would start now, by project and pool: guaranteed, or over quota."""
    client = Client()
    size = {"cpu_millicores": cpu, "memory_bytes": memory, "preemptible": "true" if preemptible else "false"}
    size |= devices_of(gpu)
    rows: list[Any] = []
    for number in [id_of(client, "projects", project)] if project else _projects(client):
        found = client.get("slots/", project=number, **size)
        rows += [{"project": found["project"], **item} for item in found["items"]]
    say_rows(rows, COLUMNS, form, "There are no pools.")


def _projects(client: Client) -> list[int]:
    """Those that one may submit to."""
    query = {"permission": WORK, "kind": "project"}
    found = [row["id"] for row in client.items("places/", query, MOST_PROJECTS + 1)]
    if not found:
        raise Ended("There is no project that you may submit to. Ask who administers a department.", FORBIDDEN)
    if len(found) > MOST_PROJECTS:
        click.echo(f"These are your first {MOST_PROJECTS} projects. Name another with --project.", err=True)
    return found[:MOST_PROJECTS]
