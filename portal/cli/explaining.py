"""`bursar explain`: why a workload waits, as a chain of reasons."""

from __future__ import annotations

import time
from typing import Any

import click

from portal.cli.client import Client
from portal.cli.common import examples
from portal.cli.output import format_option, plain, say_data
from portal.cli.work import which, workload_called

SIGNS = {"check": ("✓", "green"), "weak": ("~", "yellow"), "cross": ("✗", "red"), "dash": ("·", None)}
LOOK_SECONDS = 0.5


@click.command(epilog=examples(["bursar explain train-1", "bursar explain train-1 --wait 5"]))
@which
@click.option(
    "--wait", type=click.IntRange(0), default=0, help="Ask its loop what would help, so many seconds at most."
)
@format_option
def explain(workload: str, project: str | None, wait: int, form: str) -> None:
    """Say why a workload is where it is: step by step, pool by pool."""
    client = Client()
    path = f"workloads/{workload_called(client, workload, project)['id']}"
    told = client.get(f"{path}/explain/")
    if wait and told["answer"] is not None:
        told = _asked(client, path, wait)
    if form in ("json", "yaml"):
        say_data(told, form)
        return
    click.echo(plain(told["sentence"]))
    if told["note"]:
        click.echo(plain(told["note"]))
    if told["ahead"]:
        click.echo(f"{told['ahead']} are served earlier.")
    for pool in told["pools"]:
        here = ", where it waits" if pool["waits_here"] else ""
        note = f" ({pool['note']})" if pool["note"] else ""
        click.secho("\n" + plain(f"{pool['pool']}{here}{note}"), bold=True)
        for step in pool["steps"]:
            _say(step["sign"], step["step"], step["text"], step["note"])
    _say_answer(told["answer"])


def _asked(client: Client, path: str, seconds: int) -> Any:
    """Once the loop has answered, or the time is over."""
    until = time.monotonic() + seconds
    told = client.write("POST", f"{path}/ask/")
    while told["answer"] and told["answer"]["waits"] and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        told = client.get(f"{path}/explain/")
    return told


def _say_answer(answer: Any) -> None:
    if not answer or answer["state"] == "never":
        return
    if answer["ways"]:
        click.secho("\nWhat was tried", bold=True)
    for way in answer["ways"]:
        _say(way["sign"], way["way"], way["text"], "")
    if answer["helps"]:
        click.secho("\nWhat would help", bold=True)
    for one in answer["helps"]:
        click.echo(plain(f"  {one['title']} {one['note']}".rstrip()))
    if answer["when"]:
        click.echo(plain(answer["when"]))


def _say(sign: str, name: str, text: str, note: str) -> None:
    mark, colour = SIGNS[sign]
    click.echo("  " + click.style(mark, fg=colour) + plain(f" {name}: {text} {note}".rstrip()))
