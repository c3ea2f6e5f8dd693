"""`bursar quota`: what units are guaranteed in pools."""

from __future__ import annotations

from typing import Any

import click

from portal.cli.client import Client
from portal.cli.common import dry_run_option, examples, list_options, listed, read, typed, yes_option
from portal.cli.errors import NOT_FOUND, REFUSED, Ended
from portal.cli.finding import completing, found
from portal.cli.nouns import AMOUNTS, POOL, QUOTA_COLUMNS, SCOPE, Field
from portal.cli.output import format_option, say_data, say_effect, say_one, say_rows

FILTERS = (
    SCOPE,
    POOL,
    Field("--unit", "unit", "units", "Only of this unit."),
    Field("--below", "parent", "units", "Only of those right below this unit."),
)
EXAMPLES = (
    "bursar quota list --pool a100",
    "bursar quota create vis-3d a100 --gpu 4 --limit-gpu 8",
    "bursar quota change vis-3d a100 --gpu 6 --reason 'Deadline in May' --dry-run",
    "bursar quota delete vis-3d a100 --yes",
)


@click.group("quota", epilog=examples(EXAMPLES))
def group() -> None:
    """Quotas: what units are guaranteed in pools, and how far beyond it they may go."""


def cell(command: Any) -> Any:
    """The unit and the pool that a command is about."""
    command = click.argument("pool", shell_complete=completing("pools"))(command)
    return click.argument("unit", shell_complete=completing("units"))(command)


def reason_option(command: Any) -> Any:
    return click.option("--reason", default="", help="Why; it stands in the quota's history.")(command)


@group.command("list")
@typed(FILTERS)
@list_options
@format_option
def list_(sort: str | None, limit: int, everything: bool, form: str, **options: Any) -> None:
    """List quotas. Without one the account's default holds."""
    client = Client()
    rows = listed(client, "quotas", {"sort": sort} | read(client, FILTERS, options), limit, everything)
    say_rows(rows, QUOTA_COLUMNS, form, "There are no quotas.")


@group.command("get")
@cell
@format_option
def get(unit: str, pool: str, form: str) -> None:
    """Show the quota of a unit in a pool."""
    client = Client()
    _, row = _row(client, unit, pool)
    if row is None:
        raise Ended(f"{unit} has no quota in {pool}: the account's default holds there.", NOT_FOUND)
    say_one(row, QUOTA_COLUMNS, form)


@group.command("create")
@cell
@typed(AMOUNTS)
@reason_option
@dry_run_option
@format_option
def create(unit: str, pool: str, reason: str, dry_run: bool, form: str, **options: Any) -> None:
    """Give a unit a quota in a pool where it has none."""
    client = Client()
    where, row = _row(client, unit, pool)
    if row is not None:
        raise Ended(f"{unit} has a quota in {pool} already. Change it with: bursar quota change", REFUSED)
    _saved(client, where | read(client, AMOUNTS, options) | {"expected_version": 0}, reason, dry_run, form)


@group.command("change")
@cell
@typed(AMOUNTS)
@reason_option
@dry_run_option
@format_option
def change(unit: str, pool: str, reason: str, dry_run: bool, form: str, **options: Any) -> None:
    """Change a quota; what is not typed stays."""
    client = Client()
    where, row = _row(client, unit, pool)
    if row is None:
        raise Ended(f"{unit} has no quota in {pool} yet. Give it one with: bursar quota create", NOT_FOUND)
    body = read(client, AMOUNTS, options)
    if not body:
        raise click.UsageError("Say what is to change: see --help.")
    _saved(client, where | body | {"expected_version": row["version"]}, reason, dry_run, form)


@group.command("delete")
@cell
@reason_option
@dry_run_option
@yes_option
def delete(unit: str, pool: str, reason: str, dry_run: bool, yes: bool) -> None:
    """Take a quota away, so that the account's default holds. Asks first."""
    client = Client()
    where, row = _row(client, unit, pool)
    if row is None:
        raise Ended(f"{unit} has no quota in {pool}.", NOT_FOUND)
    body = {"changes": [where | {"clear": True, "expected_version": row["version"]}], "reason": reason}
    if dry_run or not yes:
        click.echo(f"This takes away the quota of {unit} in {pool}.", err=True)
        say_effect(client.write("POST", "quotas/bulk/", body, dry_run=True))
    if not dry_run and (yes or click.confirm("Do it?", err=True)):
        client.write("POST", "quotas/bulk/", body)
        click.echo(f"{unit} has no quota of its own in {pool} any more.")


def _row(client: Client, unit: str, pool: str) -> tuple[dict[str, int], Any]:
    """Unit and pool by their ids, and the quota that is there."""
    place = found(client, "units", unit)
    cluster = (place.get("cluster") or place)["id"]
    pools = [one for one in client.items("pools/", {"cluster": cluster}) if pool in (one["name"], str(one["id"]))]
    if not pools:
        raise Ended(f"There is no pool called “{pool}” in the cluster of {unit}.", NOT_FOUND)
    where = {"unit": place["id"], "pool": pools[0]["id"]}
    return where, next(client.items("quotas/", where), None)


def _saved(client: Client, change: dict[str, Any], reason: str, dry_run: bool, form: str) -> None:
    answer = client.write("POST", "quotas/bulk/", {"changes": [change], "reason": reason}, dry_run=dry_run)
    if not dry_run:
        say_one(answer["items"][0], QUOTA_COLUMNS, form)
    elif form in ("json", "yaml"):
        say_data(answer, form)
    else:
        click.echo("Nothing was changed. It would be done, and:", err=True)
        say_effect(answer)
