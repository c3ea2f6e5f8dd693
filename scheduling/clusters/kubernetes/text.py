"""Text from clusters, where containers may write what they like, as it can be stored and shown."""

from __future__ import annotations

import re

DEVICES = re.compile(r"[0-9]{1,3}(,[0-9]{1,3}){0,19}", re.ASCII)


def plain(text: str, longest: int) -> str:
    """In one line, without control characters, which a database refuses and a terminal obeys."""
    shown = "".join(character if character.isprintable() else " " for character in text[: 2 * longest])
    return " ".join(shown.split())[:longest]


def printable(line: str) -> str:
    """A line of text as it is, but for what is not to be seen and may change how the rest is."""
    return "".join(character if character.isprintable() else " " for character in line)


def device_numbers(text: str) -> str:
    """Numbers between commas; empty when it is anything else."""
    return text if DEVICES.fullmatch(text) else ""
