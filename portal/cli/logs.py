"""`bursar workload logs`: what the pods of a workload write."""

from __future__ import annotations

from typing import Any

import click

from portal.cli.client import Client
from portal.cli.common import examples
from portal.cli.errors import NOT_FOUND, Ended
from portal.cli.output import format_option, plain, say_data
from portal.cli.work import which, workload_called

EXAMPLES = ("bursar workload logs train-1 --tail 100", "bursar workload logs train-1 --follow")


@click.command(epilog=examples(EXAMPLES))
@which
@click.option("--pod", help="The pod, by name or id; else one that failed, that runs, or the first.")
@click.option("--tail", type=click.IntRange(1, 5000), default=500, show_default=True, help="So many of the last lines.")
@click.option("--follow", "-f", is_flag=True, help="Go on while the pod writes; Ctrl-C ends it.")
@format_option
def logs(workload: str, project: str | None, pod: str | None, tail: int, follow: bool, form: str) -> None:
    """Show what a pod has written, without what would steer the terminal."""
    client = Client()
    path = f"workloads/{workload_called(client, workload, project)['id']}/logs/"
    number = None if pod is None else _pod(client, path, pod)
    if follow:
        _follow(client, path, pod=number, tail=tail)
        return
    told = client.get(path, pod=number, tail=tail)
    if form in ("json", "yaml"):
        say_data(told, form)
    elif told["problem"]:
        raise Ended(plain(told["problem"]))
    elif told["pod"] is None:
        click.echo("No pod exists now, and nothing is kept of those that are gone.", err=True)
    elif not told["lines"]:
        click.echo(f"{plain(told['pod']['name'])} has written nothing yet.", err=True)
    else:
        if pod is None and len(told["pods"]) > 1:
            click.echo(f"Of {plain(told['pod']['name'])}; name another of {len(told['pods'])} with --pod.", err=True)
        for line in told["lines"]:
            click.echo(plain(line["text"]))


def _follow(client: Client, path: str, **query: Any) -> None:
    for event, told in client.follow(path, follow="true", **query):
        if event == "line":
            click.echo(plain(told["text"]))
        elif event == "problem":
            raise Ended(plain(told["text"]))
        else:
            click.echo(plain(told["text"]), err=True)
            return


def _pod(client: Client, path: str, text: str) -> int:
    pods = client.get(path, tail=1)["pods"]
    found = next((one["id"] for one in pods if text in (one["name"], str(one["id"]))), None)
    if found is None:
        names = ", ".join(plain(one["name"]) for one in pods[:10]) or "none"
        raise Ended(f"It has no pod called “{text}” now. There are: {names}.", NOT_FOUND)
    return int(found)
