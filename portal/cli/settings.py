"""Where Bursar is and with which key: from the environment, or from a file that only its owner can read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from portal.cli.errors import NOT_SIGNED_IN, REFUSED, Ended

OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and the key to it."""

    server: str
    key: str = field(repr=False)


def settings_file() -> Path:
    """`BURSAR_CONFIG`, or a place in the home folder."""
    named = os.environ.get("BURSAR_CONFIG")
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(named) if named else Path(home) / "bursar" / "config.yaml"


def place() -> Place:
    """As signed in; the environment goes before the file."""
    kept = _kept() if not {"BURSAR_SERVER", "BURSAR_KEY"} <= os.environ.keys() else {}
    server = os.environ.get("BURSAR_SERVER") or kept.get("server", "")
    # The key of the file is for the server of the file, and for no other.
    own = kept.get("key", "") if server == kept.get("server") else ""
    key = os.environ.get("BURSAR_KEY") or own
    if not server or not key:
        raise Ended("You are not signed in. Type: bursar login https://…", NOT_SIGNED_IN)
    return Place(checked_server(server), key)


def keep(found: Place) -> Path:
    """Writes the file, which nobody else can read from its first moment on."""
    path = settings_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump({"server": found.server, "key": found.key}, file)
    return path


def forget() -> bool:
    """Removes the file. Says whether there was one."""
    there = settings_file().exists()
    settings_file().unlink(missing_ok=True)
    return there


def checked_server(text: str) -> str:
    """An address that a key may be sent to: encrypted, but to this machine itself."""
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise Ended(f"“{text[:80]}” is no address of a server. Type it like https://bursar.example.org.", REFUSED)
    if parts.scheme == "http" and parts.hostname not in OWN_MACHINE:
        raise Ended("Over http everybody on the way could read your key. Type an address with https://.", REFUSED)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _kept() -> dict[str, str]:
    path = settings_file()
    if not path.exists():
        return {}
    if path.stat().st_mode & 0o077:
        raise Ended(f"Others can read {path}, where your key is. Type: chmod 600 {path}", NOT_SIGNED_IN)
    found = yaml.safe_load(path.read_text())
    if not isinstance(found, dict):
        raise Ended(f"{path} is not as it was written. Type: bursar login https://…", NOT_SIGNED_IN)
    return {str(name): str(text) for name, text in found.items()}
