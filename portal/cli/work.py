"""`bursar workload`: submit work and follow it."""

from __future__ import annotations

from typing import Any, TextIO

import click
from click.core import ParameterSource

from portal.cli import values
from portal.cli.client import Client
from portal.cli.common import confirmed, dry_run_option, examples, list_options, listed, read, typed, yes_option
from portal.cli.errors import NOT_FOUND, REFUSED, Ended
from portal.cli.finding import completing, id_of
from portal.cli.nouns import POOL, SCOPE, Field
from portal.cli.output import Column, format_option, say_effect, say_one, say_rows

KINDS = click.Choice(["workspace", "training", "inference"])
PROJECT = Field("--project", "project", "projects", "Only of this project.")
FILTERS = (SCOPE, PROJECT, POOL, Field("--kind", "kind", KINDS, "Only these."))
COLUMNS = (
    Column("ID", "id"),
    Column("NAME", "name"),
    Column("PROJECT", "project.name"),
    Column("KIND", "kind"),
    Column("STATE", "state"),
    Column("GPUS", "requested_gpu_milli", values.thousandths),
    Column("POOL", "pool.name"),
    Column("CREATED", "created_at", values.moment),
    Column("BY", "submitted_by.name", wide=True),
    Column("PRIORITY", "priority", wide=True),
    Column("PODS", "pods_running", wide=True),
    Column("OF", "pods_wanted", wide=True),
    Column("WHY", "state_message", wide=True),
)
DETAILS = (
    *COLUMNS[:7],
    *COLUMNS[8:12],
    Column("SINCE", "state_since", values.moment),
    Column("CORES", "requested_cpu_millicores", values.thousandths),
    Column("MEMORY", "requested_memory_bytes", values.memory),
    Column("ALLOCATED", "allocated_gpu_milli", values.thousandths),
    Column("IMAGE", "image"),
    Column("MAY BE DISPLACED", "preemptible", values.yes),
    Column("CREATED", "created_at", values.moment),
    Column("STARTED", "started_at", values.moment),
    Column("ENDED", "ended_at", values.moment),
    COLUMNS[12],
)
EXAMPLES = (
    "bursar workload submit train-9 --project vis-3d --image python:3.12 --gpu 1 --cpu 4 --memory 8Gi",
    "bursar workload submit probe --project vis-3d --image python:3.12 --gpu 0.5 -- python -m probe --fast",
    "bursar workload submit -f job.yaml --project vis-3d",
    "bursar workload list --project vis-3d --active",
    "bursar workload list --mine",
    "bursar workload describe train-9",
    "bursar workload stop train-9",
    "bursar workload resume train-2",
)


SAID_BY_DOCUMENTS = ("name", "command", "image", "kind", "gpu", "cpu", "memory", "pods", "env")


@click.group("workload", epilog=examples(EXAMPLES))
def group() -> None:
    """Workloads: submit, list, look, stop, run again."""


def which(command: Any) -> Any:
    """A workload by name or id; by name the latest of that name."""
    command = click.option("--project", help="The project of it.", shell_complete=completing("projects"))(command)
    return click.argument("workload", shell_complete=completing("workloads"))(command)


def workload_called(client: Client, text: str, project: str | None) -> Any:
    if text.isdecimal():
        return client.get(f"workloads/{int(text)}/")
    query = {"name": text, "sort": "-created_at"}
    if project:
        query["project"] = str(id_of(client, "projects", project))
    row = next(client.items("workloads/", query, 1), None)
    if row is None:
        raise Ended(f"There is no workload called “{text}”, or you may not see it.", NOT_FOUND)
    return row


@group.command("list")
@click.option("--search", help="Only those with this in their names.")
@click.option("--state", help="Only those that are so, as “running”.")
@click.option("--active", is_flag=True, help="Only those that have not ended.")
@click.option("--mine", is_flag=True, help="Only those that you have submitted.")
@typed(FILTERS)
@list_options
@format_option
def list_(
    search: str | None,
    state: str | None,
    active: bool,
    mine: bool,
    sort: str | None,
    limit: int,
    everything: bool,
    form: str,
    **options: Any,
) -> None:
    """List workloads, the latest first."""
    client = Client()
    asked = {"search": search, "state": state, "is_active": "true" if active else None, "sort": sort or "-created_at"}
    asked |= {"submitted_by": client.get("whoami/")["address"]} if mine else {}
    rows = listed(client, "workloads", asked | read(client, FILTERS, options), limit, everything)
    say_rows(rows, COLUMNS, form, "There are no workloads.")


@group.command("submit", epilog=examples(EXAMPLES[:3]))
@click.argument("name", required=False)
@click.argument("command", nargs=-1)
@click.option("-f", "--file", type=click.File(), help="A Kubernetes document instead; - for what is piped in.")
@click.option("--project", required=True, help="Whose it is.", shell_complete=completing("projects"))
@click.option("--image", help="What is run.")
@click.option("--kind", type=KINDS, default="training", show_default=True)
@click.option("--gpu", type=values.GPUS, default="0", show_default=True, help="For each pod; 0.5 is half of one.")
@click.option("--cpu", type=values.CORES, default="1", show_default=True, help="Cores for each pod.")
@click.option("--memory", type=values.BYTES, default="1Gi", show_default=True, help="For each pod.")
@click.option("--pods", type=click.IntRange(1), default=1, show_default=True)
@click.option("--pool", "pools", multiple=True, help="Tried in this order.", shell_complete=completing("pools"))
@click.option("--priority", help="As in the pages.")
@click.option("--preemptible", type=values.YES, help="Whether it may be displaced.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="Of its environment.")
@click.option("--run-time", type=values.SPAN, help="Of a simulated run.")
@dry_run_option
@format_option
def submit(
    name: str | None,
    command: tuple[str, ...],
    file: TextIO | None,
    project: str,
    image: str | None,
    kind: str,
    gpu: int,
    cpu: int,
    memory: int,
    pods: int,
    pools: tuple[str, ...],
    env: tuple[str, ...],
    run_time: int | None,
    dry_run: bool,
    form: str,
    **rest: Any,
) -> None:
    """Submit a workload. What stands behind -- is its command."""
    client = Client()
    body = {given: value for given, value in rest.items() if value is not None}
    body["project"] = id_of(client, "projects", project)
    if file is not None:
        _refuse_beside_a_document()
        body["manifest"] = _text_of(file)
    elif name and image:
        body |= {"name": name, "image": image, "kind": kind, "pods": pods}
        body |= {"cpu_millicores": cpu, "memory_bytes": memory, **devices_of(gpu)}
    else:
        raise click.UsageError("Give a name and --image, or a document by -f.")
    pairs = [one.partition("=") for one in env]
    if any(not sign for _, sign, _ in pairs):
        raise click.UsageError("Type each --env as NAME=VALUE.")
    body |= {"env": {key: value for key, _, value in pairs}} if pairs else {}
    body |= {"command": list(command)} if command else {}
    body |= {"pools": list(pools)} if pools else {}
    body |= {"run_seconds": run_time} if run_time is not None else {}
    path = "workloads/" if file is None else "workloads/from-manifest/"
    answer = client.write("POST", path, body, dry_run=dry_run)
    if dry_run:
        click.echo("Nothing was submitted. It would be taken.", err=True)
        say_effect(answer)
    else:
        say_one(answer, DETAILS, form)


@group.command("describe")
@which
@format_option
def describe(workload: str, project: str | None, form: str) -> None:
    """Everything about a workload."""
    say_one(workload_called(Client(), workload, project), DETAILS, form)


@group.command("stop")
@which
@format_option
def stop(workload: str, project: str | None, form: str) -> None:
    """Stop its pods; it can be run again."""
    client = Client()
    row = workload_called(client, workload, project)
    say_one(client.write("POST", f"workloads/{row['id']}/stop/"), COLUMNS, form)


@group.command("resume")
@which
@format_option
def resume(workload: str, project: str | None, form: str) -> None:
    """Let a stopped one go on where its cluster kept it; else run it again, as a new one of the same name."""
    client = Client()
    row = workload_called(client, workload, project)
    found = client.write("POST", f"workloads/{row['id']}/resume/")
    how = "It goes on." if found["id"] == row["id"] else "It was submitted again, as a new workload."
    click.echo(how, err=True)
    say_one(found, COLUMNS, form)


@group.command("delete")
@which
@dry_run_option
@yes_option
def delete(workload: str, project: str | None, dry_run: bool, yes: bool) -> None:
    """Stop a workload and take it off the lists. Asks first."""
    client = Client()
    path = f"workloads/{workload_called(client, workload, project)['id']}/"
    if confirmed(client, path, f"This deletes workload {workload}.", yes=yes, dry_run=dry_run):
        client.write("DELETE", path)
        click.echo(f"Deleted workload {workload}.")


def _text_of(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise Ended(f"{file.name} is no text. Give a Kubernetes document as YAML.", REFUSED) from None


def _refuse_beside_a_document() -> None:
    context = click.get_current_context()
    given = (one for one in SAID_BY_DOCUMENTS if context.get_parameter_source(one) == ParameterSource.COMMANDLINE)
    if odd := next(given, None):
        option = f"--{odd}" if odd not in ("name", "command") else f"the {odd}"
        raise click.UsageError(f"The document says that: leave out {option}.")


def devices_of(gpu_milli: int) -> dict[str, int]:
    """Whole GPUs, or a part of one."""
    if gpu_milli % 1000 == 0:
        return {"devices": gpu_milli // 1000}
    if gpu_milli > 1000:
        raise click.UsageError("More than one GPU is asked for in whole ones: --gpu 2.")
    return {"devices": 1, "device_milli": gpu_milli}
