"""The commands that every noun has: list, get, create, change, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from portal.cli.client import Client
from portal.cli.finding import completing, found, id_of
from portal.cli.nouns import RENAMED, Field, Noun
from portal.cli.output import format_option, say_effect, say_one, say_rows
from portal.cli.values import NONE

USUAL_ROWS = 50


def examples(lines: Sequence[str]) -> str:
    """For the end of `--help`, line by line as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def typed(fields: Sequence[Field], *, creating: bool = False) -> Callable[[Any], Any]:
    """Options for some fields."""

    def add(command: Any) -> Any:
        for one in reversed(fields):
            named = isinstance(one.kind, str)
            command = click.option(
                one.flag,
                one.variable if one.variable != "in" else "in_",
                type=click.STRING if named else one.kind,
                required=creating and one.needed,
                help=one.help,
                shell_complete=completing(one.kind) if named else None,
            )(command)
        return command

    return add


def read(client: Client, fields: Sequence[Field], options: dict[str, Any]) -> dict[str, Any]:
    """What was typed, as the API takes it."""
    body: dict[str, Any] = {}
    for one in fields:
        value = options.get("in_" if one.variable == "in" else one.variable)
        if value is None:
            continue
        if isinstance(one.kind, str):
            value = id_of(client, one.kind, value)
        body[one.name] = None if value == NONE else value
    return body


def dry_run_option(command: Any) -> Any:
    return click.option("--dry-run", is_flag=True, help="Change nothing; say what it would do.")(command)


def yes_option(command: Any) -> Any:
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def list_options(command: Any) -> Any:
    command = click.option("--all", "everything", is_flag=True, help="Every row.")(command)
    command = click.option("--limit", type=click.IntRange(1), default=USUAL_ROWS, show_default=True)(command)
    return click.option("--sort", help="By this field; a minus in front turns the order.")(command)


def listed(client: Client, address: str, query: dict[str, Any], limit: int, everything: bool) -> list[Any]:
    """Rows; says where there are more."""
    if everything:
        return list(client.items(f"{address}/", query))
    rows = list(client.items(f"{address}/", query, limit + 1))
    if len(rows) > limit:
        click.echo(f"These are the first {limit}. Ask for more with --limit or --all.", err=True)
    return rows[:limit]


def confirmed(client: Client, path: str, words: str, *, yes: bool, dry_run: bool) -> bool:
    """Whether to delete what lies at `path`; says first what that does."""
    if dry_run or not yes:
        click.echo(words, err=True)
        say_effect(client.write("DELETE", path, dry_run=True))
    return not dry_run and (yes or click.confirm("Do it?", err=True))


def said(answer: Any, noun: Noun, form: str, *, dry_run: bool) -> None:
    """What a change answered."""
    if not dry_run:
        say_one(answer, noun.columns, form)
    elif form in ("json", "yaml"):
        say_one(answer, (), form)
    else:
        click.echo("Nothing was changed. It would be done, and:", err=True)
        say_effect(answer)


def commands(noun: Noun) -> click.Group:
    """The commands of one noun."""
    group = click.Group(noun.name, help=noun.help, epilog=examples(noun.examples))
    group.add_command(_list(noun))
    group.add_command(_get(noun))
    if noun.fields:
        group.add_command(_create(noun))
        group.add_command(_change(noun))
        group.add_command(_delete(noun))
    return group


def which(noun: Noun) -> Callable[[Any], Any]:
    """The thing that a command is about."""
    complete = completing(noun.address) if noun.named else None
    return click.argument("which", metavar=noun.name.upper(), shell_complete=complete)


def _list(noun: Noun) -> click.Command:
    @click.command("list", help=f"List {noun.many}.")
    @click.option("--search", help="Only those with this in their names.")
    @typed(noun.filters)
    @list_options
    @format_option
    def command(search: str | None, sort: str | None, limit: int, everything: bool, form: str, **options: Any) -> None:
        client = Client()
        query = {"search": search, "sort": sort} | read(client, noun.filters, options)
        rows = listed(client, noun.address, query, limit, everything)
        say_rows(rows, noun.columns, form, f"There are no {noun.many}.")

    return command


def _get(noun: Noun) -> click.Command:
    @click.command("get", help=f"Show one of the {noun.many}.")
    @which(noun)
    @format_option
    def command(which: str, form: str) -> None:
        say_one(found(Client(), noun.address, which), noun.columns, form)

    return command


def _create(noun: Noun) -> click.Command:
    @typed(noun.fields, creating=True)
    @dry_run_option
    @format_option
    def run(dry_run: bool, form: str, name: str | None = None, **options: Any) -> None:
        client = Client()
        body = read(client, noun.fields, options) | ({"name": name} if noun.named else {})
        said(client.write("POST", f"{noun.address}/", body, dry_run=dry_run), noun, form, dry_run=dry_run)

    callback = click.argument("name")(run) if noun.named else run
    return click.command("create", help=f"Create one of the {noun.many}.")(callback)


def _change(noun: Noun) -> click.Command:
    # A pool keeps its name for good.
    renamed = [RENAMED] if noun.named and noun.name != "pool" else []
    fields = [*renamed, *(one for one in noun.fields if not one.fixed)]

    @click.command("change", help=f"Change one of the {noun.many}; what is not typed stays.")
    @which(noun)
    @typed(fields)
    @dry_run_option
    @format_option
    def command(which: str, dry_run: bool, form: str, **options: Any) -> None:
        client = Client()
        body = read(client, fields, options)
        if not body:
            raise click.UsageError("Say what is to change: see --help.")
        path = f"{noun.address}/{id_of(client, noun.address, which)}/"
        answer = client.write("PATCH", path, body, dry_run=dry_run, seen=client.etag(path))
        if answer is None:
            click.echo("Changed; it is now where you may not see it.", err=True)
        else:
            said(answer, noun, form, dry_run=dry_run)

    return command


def _delete(noun: Noun) -> click.Command:
    @click.command("delete", help=f"Delete one of the {noun.many}. Asks first.")
    @which(noun)
    @dry_run_option
    @yes_option
    def command(which: str, dry_run: bool, yes: bool) -> None:
        client = Client()
        path = f"{noun.address}/{id_of(client, noun.address, which)}/"
        seen = client.etag(path)
        if confirmed(client, path, f"This deletes {noun.name} {which}.", yes=yes, dry_run=dry_run):
            client.write("DELETE", path, seen=seen)
            click.echo(f"Deleted {noun.name} {which}.")

    return command
