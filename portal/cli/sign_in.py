"""`bursar login` and `logout`."""

from __future__ import annotations

import os
from typing import TextIO

import click

from portal.cli.client import Client
from portal.cli.common import examples
from portal.cli.settings import Place, checked_server, forget, keep

EXAMPLES = (
    "bursar login https://bursar.example.org",
    "bursar login https://bursar.example.org --key-file ~/key.txt",
)


@click.command(epilog=examples(EXAMPLES))
@click.argument("server")
@click.option("--key-file", type=click.File(), help="A file that holds the key; - for what is piped in.")
def login(server: str, key_file: TextIO | None) -> None:
    """Sign in with an access key, made under Profile, Access keys.

    The key is asked for without being shown, and kept in a file that only you can read. It is never an argument: those
    stand in the history of your shell. Programs set BURSAR_SERVER and BURSAR_KEY instead.
    """
    place = checked_server(server)
    key = key_file.read() if key_file else os.environ.get("BURSAR_KEY") or click.prompt("Access key", hide_input=True)
    found = Place(place, key.strip())
    Client(found).get("projects/", limit=1)
    click.echo(f"Signed in at {place}. The key is kept in {keep(found)}.")


@click.command()
def logout() -> None:
    """Forget the key. It works on until it ends or is revoked, under Profile, Access keys."""
    click.echo("The key is forgotten." if forget() else "There was no key to forget.")
