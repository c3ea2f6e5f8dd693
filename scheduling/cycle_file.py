"""A cycle as one file: what the engine looked at and by which options, and what it decided. Gzip of JSON.

The same cycle gives the same bytes, and what is read from a file is what was written, so the engine decides of it the
same. A file may come from anywhere: it is bounded, typed and checked before anything else sees it.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from scheduling.cycle_check import inconsistency
from scheduling.engine import Options
from scheduling.engine.decisions import Decisions
from scheduling.engine.types import Snapshot

T = TypeVar("T")

FORMAT = "bursar-cycle"
VERSION = 1
MOST_BYTES = 64 * 1024**2
MOST_PLAIN_BYTES = 512 * 1024**2
"""Unpacked. A pool of 10,000 nodes and 100,000 pods has about 30 MiB, packed 1 to 2."""


class WrongFile(Exception):  # noqa: N818
    """It is no saved cycle, or not one that can be replayed here. The message says why."""


@dataclass(frozen=True, slots=True)
class About:
    """Where a cycle comes from."""

    pool: str
    cluster: str
    cycle: int
    epoch: int
    cause: str
    """Why it was saved."""
    took_us: int
    """In microseconds, recording included; 0 where it did not come to its end."""


@dataclass(frozen=True, slots=True)
class CycleFile:
    """What is in a file."""

    format: str
    version: int
    about: About
    options: Options
    snapshot: Snapshot
    decisions: Decisions | None
    """None where the engine came to none."""
    error: str = ""
    """What went wrong in the cycle, if anything did."""

    @classmethod
    def of(
        cls, about: About, snapshot: Snapshot, decisions: Decisions | None, options: Options, error: str = ""
    ) -> CycleFile:
        return cls(FORMAT, VERSION, about, options, snapshot, decisions, error)


@dataclass(frozen=True, slots=True)
class _Head:
    """The part that every version has."""

    format: str = ""
    version: int = 0


def packed(cycle: CycleFile) -> bytes:
    return gzip.compress(msgspec.json.encode(cycle), compresslevel=6, mtime=0)


def plain(decisions: Decisions | None) -> bytes:
    """Decisions as they stand in a file: what a replay is compared by."""
    return msgspec.json.encode(decisions)


def unpacked(content: bytes, most_plain: int = MOST_PLAIN_BYTES) -> CycleFile:
    """Raises WrongFile."""
    if len(content) > MOST_BYTES:
        raise WrongFile(f"It is larger than {MOST_BYTES // 1024**2} MiB, which no saved cycle is.")
    text = _unzipped(content, most_plain)
    head = _decoded(text, _Head)
    if head.format != FORMAT:
        raise WrongFile("It does not say that it is a saved cycle.")
    if head.version != VERSION:
        raise WrongFile(f"It is of version {head.version}; this Bursar reads version {VERSION}.")
    cycle = _decoded(text, CycleFile)
    if problem := inconsistency(cycle.snapshot):
        raise WrongFile(f"What is in it does not fit together: {problem}.")
    return cycle


def _unzipped(content: bytes, most: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(content, most)
    except zlib.error:
        raise WrongFile("It is no gzip file, or a damaged one.") from None
    if stream.unconsumed_tail:
        raise WrongFile(f"Unpacked it is larger than {most // 1024**2} MiB, which no saved cycle is.")
    if not stream.eof:
        raise WrongFile("It ends too early: download it again.")
    if stream.unused_data:
        raise WrongFile("There is more in it than one saved cycle.")
    return text


def _decoded(text: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise WrongFile(f"Its content is not that of a saved cycle: {problem}.") from None
