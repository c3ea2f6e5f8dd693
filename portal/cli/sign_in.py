"""`bursar login` and `logout`; who is signed in, and what they may do."""

from __future__ import annotations

import os
import platform
import time
from typing import Any, TextIO

import click

from portal.cli import values
from portal.cli.client import Client
from portal.cli.common import examples
from portal.cli.errors import FORBIDDEN, NOT_SIGNED_IN, Ended
from portal.cli.finding import completing, found
from portal.cli.output import Column, format_option, say_one
from portal.cli.settings import Place, checked_server, forget, keep

EXAMPLES = (
    "bursar login https://bursar.example.org",
    "bursar login https://bursar.example.org --with-key",
    "bursar login https://bursar.example.org --key-file ~/key.txt",
)
QUESTIONS = ("bursar can-i project:create --on vision", "bursar can-i training:create")
WHO = (
    Column("NAME", "name"),
    Column("ADDRESS", "address"),
    Column("KIND", "kind"),
    Column("SERVER", "server"),
    Column("KEY", "key.name"),
    Column("ENDS", "key.expires_at", values.moment),
    Column("ONLY IN", "key.scope.name"),
)


@click.command(epilog=examples(EXAMPLES))
@click.argument("server")
@click.option("--with-key", is_flag=True, help="By an access key that you made; it is asked for.")
@click.option("--key-file", type=click.File(), help="A file that holds the key; - for what is piped in.")
def login(server: str, with_key: bool, key_file: TextIO | None) -> None:
    """Sign in through the browser: open the address that is shown, and let this program in.

    Or with an access key, made under Profile, Access keys, which is asked for without being shown. It is never an
    argument: those stand in the history of your shell. Either way the key is kept in a file that only you can read.
    Programs set BURSAR_SERVER and BURSAR_KEY instead.
    """
    place = checked_server(server)
    if key_file:
        key = key_file.read()
    elif with_key:
        key = click.prompt("Access key", hide_input=True)
    else:
        key = os.environ.get("BURSAR_KEY") or _through_browser(place)
    signed_in = Place(place, key.strip())
    who = Client(signed_in).get("whoami/")
    click.echo(f"Signed in at {place} as {who['name']}. The key is kept in {keep(signed_in)}.")


def _through_browser(place: str) -> str:
    """The key that the server hands over once somebody has let this program in."""
    client = Client(Place(place, ""))
    told = client.write("POST", "device/", {"name": f"bursar on {platform.node() or 'a computer'}"[:120]})
    click.echo(f"Open {told['verification_uri']}")
    click.echo(f"in a browser, and let the program in that shows {told['user_code']}. Waiting ...")
    until = time.monotonic() + told["expires_in"]
    while time.monotonic() < until:
        answer = client.write("POST", "device/token/", {"device_code": told["device_code"]})
        if not answer["waits"]:
            return str(answer["key"])
        time.sleep(told["interval"])
    raise Ended("Nobody let this program in within ten minutes. Type it again.", NOT_SIGNED_IN)


@click.command()
def logout() -> None:
    """Forget the key. It works on until it ends or is revoked, under Profile, Access keys."""
    click.echo("The key is forgotten." if forget() else "There was no key to forget.")


@click.command(epilog=examples(["bursar whoami"]))
@format_option
def whoami(form: str) -> None:
    """Say who is signed in, and with which key."""
    client = Client()
    say_one(client.get("whoami/") | {"server": client.place.server}, WHO, form)


@click.command("can-i", epilog=examples(QUESTIONS))
@click.argument("permission")
@click.option("--on", help="In this unit; else anywhere.", shell_complete=completing("units"))
def can_i(permission: str, on: str | None) -> None:
    """Say whether you may do something, as project:create. Ends with 4 where you may not.

    What is made, changed or read in a unit is asked about that unit: project:create --on a department.
    """
    client = Client()
    query: dict[str, Any] = {"permission": permission}
    if on is None:
        yes = any(client.items("places/", query, 1))
    else:
        unit = found(client, "units", on)
        yes = any(one["id"] == unit["id"] for one in client.items("places/", query | {"scope": unit["id"]}))
    click.echo("yes" if yes else "no")
    if not yes:
        raise click.exceptions.Exit(FORBIDDEN)
