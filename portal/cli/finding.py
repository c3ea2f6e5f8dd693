"""Which thing is meant: by its name, by where it lies and its name (`vision/robotics`), or by its id."""

from __future__ import annotations

from typing import Any

import click

from portal.cli.client import Client
from portal.cli.errors import NOT_FOUND, REFUSED, Ended

UNITS = ("clusters", "departments", "projects")


def found(client: Client, address: str, text: str) -> Any:
    """The one thing at `address` (`units`: of any kind) that is called so."""
    if text.isdecimal() and address != "units":
        return client.get(f"{address}/{int(text)}/")
    where, _, name = text.rpartition("/")
    things = [one for kind in (UNITS if address == "units" else [address]) for one in _called(client, kind, name)]
    if address == "units" and text.isdecimal():
        things = [one for one in (_or_none(client, f"{kind}/{int(text)}/") for kind in UNITS) if one]
    if where:
        things = [one for one in things if where in _places(one)]
    if len(things) == 1:
        return things[0]
    what = "unit" if address == "units" else address.replace("-", " ").removesuffix("s")
    if not things:
        raise Ended(f"There is no {what} called “{text}”, or you may not see it.", NOT_FOUND)
    known = ", ".join(f"{'/'.join([*_places(one)[:1], one['name']])} (id {one['id']})" for one in things[:5])
    raise Ended(f"Several are called “{text}”: {known}. Name one by where it lies, or by its id.", REFUSED)


def id_of(client: Client, address: str, text: str) -> int:
    return int(found(client, address, text)["id"])


def completing(address: str) -> Any:
    """Names that begin so, for the shell; none where it is not known who asks."""

    def names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        kinds = UNITS if address == "units" else [address]
        try:
            client = Client()
            pages = [client.get(f"{kind}/", search=begun or None, limit=50, fields="name") for kind in kinds]
        except click.ClickException:
            return []
        return sorted({row["name"] for page in pages for row in page["items"] if row["name"].startswith(begun)})

    return names


def _called(client: Client, address: str, name: str) -> list[Any]:
    return list(client.items(f"{address}/", {"name": name}))


def _or_none(client: Client, path: str) -> Any:
    try:
        return client.get(path)
    except Ended as ended:
        if ended.exit_code == NOT_FOUND:
            return None
        raise


def _places(thing: Any) -> list[str]:
    """The names of what it lies in, the nearest first."""
    return [thing[part]["name"] for part in ("parent", "project", "cluster") if thing.get(part)]
