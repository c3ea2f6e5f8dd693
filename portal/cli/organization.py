"""`bursar export`, `diff` and `apply`: the organization as a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TextIO

import click
import yaml

from portal.cli import values
from portal.cli.client import Client
from portal.cli.common import examples, yes_option
from portal.cli.errors import DIFFERENCES, REFUSED, Ended
from portal.cli.output import plain, say_effect

AMOUNTS: dict[str, tuple[str, values.Amount, Callable[[Any], str]]] = {
    "gpu": ("gpu_milli", values.GPUS, values.thousandths),
    "cpu": ("cpu_millicores", values.CORES_OR_NONE, values.thousandths),
    "memory": ("memory_bytes", values.BYTES_OR_NONE, values.memory),
    "limit_gpu": ("limit_gpu_milli", values.GPUS_OR_NONE, values.thousandths),
    "limit_cpu": ("limit_cpu_millicores", values.CORES_OR_NONE, values.thousandths),
    "limit_memory": ("limit_memory_bytes", values.BYTES_OR_NONE, values.memory),
    "weight": ("weight_milli", values.WEIGHT, values.thousandths),
}
"""How files say amounts of quotas, and what the API calls them."""
SHOWN = {field: (name, show) for name, (field, _, show) in AMOUNTS.items()}
SIGNS = {"create": "+", "change": "~", "move": ">", "delete": "-"}
COLOURS = {"create": "green", "change": "yellow", "move": "yellow", "delete": "red"}
HEAD = "# Written by `bursar export`. `bursar diff -f` says what a file would change, `bursar apply -f` does it.\n"


def file_option(command: Any) -> Any:
    return click.option("-f", "--file", type=click.File(), required=True, help="The file; - for what is piped in.")(
        command
    )


def prune_option(command: Any) -> Any:
    words = "Take away what the file does not have, of the kinds and clusters that it speaks of."
    return click.option("--prune", is_flag=True, help=words)(command)


@click.command(epilog=examples(["bursar export -f org.yaml", "bursar export"]))
@click.option("-f", "--file", type=click.Path(dir_okay=False, writable=True), help="Where to; else it is printed.")
def export(file: str | None) -> None:
    """Write the organization, as far as you may see it, as a file that applies without a difference."""
    document = Client().get("organization/export/")
    document["quotas"] = [_amounts_shown(row) for row in document["quotas"]]
    text = HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    if file is None:
        click.echo(text, nl=False)
    else:
        with click.open_file(file, "w") as out:
            out.write(text)
        click.echo(f"Written to {file}.", err=True)


@click.command(epilog=examples(["bursar diff -f org.yaml"]))
@file_option
@prune_option
def diff(file: TextIO, prune: bool) -> None:
    """Say what applying a file would change. Ends with 9 where that is something."""
    if _shown(Client(), {"document": _read(file), "prune": prune}):
        raise click.exceptions.Exit(DIFFERENCES)


@click.command(
    epilog=examples(["bursar apply -f org.yaml", "bursar apply -f org.yaml --yes --reason 'Second quarter'"])
)
@file_option
@prune_option
@click.option("--reason", default="", help="Why; it stands in the history of quotas.")
@yes_option
def apply(file: TextIO, prune: bool, reason: str, yes: bool) -> None:
    """Make the organization as a file says: all of it or nothing.

    Says first what would change, and asks. What was not shown is not done: if somebody changes something meanwhile,
    nothing is, and the command ends with 7.
    """
    client = Client()
    body = {"document": _read(file), "prune": prune, "reason": reason}
    plan = _shown(client, body)
    if not plan:
        return
    if not yes and not click.confirm("Do it?", err=True):
        click.echo("Nothing was changed.", err=True)
        return
    done = client.write("POST", "organization/apply/", body | {"plan": plan})
    click.echo(f"Done: {len(done['changes'])} changes.")


def _shown(client: Client, body: dict[str, Any]) -> str:
    """Says what would change; what that goes by, or nothing where there is no difference."""
    tried = client.write("POST", "organization/apply/", body, dry_run=True)
    changes = tried["result"]["changes"]
    if not changes:
        click.echo("There is no difference.")
        return ""
    for change in changes:
        _say(change)
    say_effect(tried)
    return str(tried["result"]["plan"])


def _say(change: dict[str, Any]) -> None:
    action = change["action"]
    click.secho(plain(f"{SIGNS[action]} {change['kind']} {change['name']}"), fg=COLOURS[action])
    if action == "delete":
        return
    for field, value in change["after"].items():
        name, show = SHOWN.get(field, (field, _word))
        if action == "create":
            if value not in (None, "", 0, False):
                click.echo(plain(f"    {name}: {show(value)}"))
        else:
            click.echo(plain(f"    {name}: {show(change['before'].get(field))} -> {show(value)}"))


def _word(value: Any) -> str:
    return values.yes(value) if isinstance(value, bool) or value is None else str(value)


def _read(file: TextIO) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file)
    except (yaml.YAMLError, UnicodeDecodeError) as mistake:
        raise Ended(f"{file.name} is no YAML: {mistake}", REFUSED) from None
    if not isinstance(document, dict):
        raise Ended(f"{file.name} says nothing about an organization. `bursar export` shows how one looks.", REFUSED)
    for rule in document.get("rules") or ():
        # YAML reads a time as one.
        if isinstance(rule, dict) and isinstance(rule.get("expires_at"), date):
            rule["expires_at"] = rule["expires_at"].isoformat()
    quotas = document.get("quotas")
    if isinstance(quotas, list):
        document["quotas"] = [_amounts_read(row) if isinstance(row, dict) else row for row in quotas]
    return document


def _amounts_read(row: dict[Any, Any]) -> dict[Any, Any]:
    """A quota as the API takes it."""
    found = {}
    for name, value in row.items():
        if name not in AMOUNTS:
            found[name] = value
            continue
        field, kind, _ = AMOUNTS[name]
        try:
            found[field] = None if value is None else kind.convert(str(value), None, None)
        except click.BadParameter as mistake:
            raise Ended(f"{row.get('unit')} in {row.get('pool')}: {name}: {mistake.message}", REFUSED) from None
    return found


def _amounts_shown(row: dict[str, Any]) -> dict[str, Any]:
    """A quota as a file says it."""
    found: dict[str, Any] = {}
    for field, value in row.items():
        name, show = SHOWN.get(field, (field, None))
        found[name] = value if show is None else _number(show(value))
    return found


def _number(text: str) -> Any:
    """Plain numbers without quotation marks."""
    return int(text) if text.isdecimal() else float(text) if re.fullmatch(r"\d+\.\d+", text) else text
