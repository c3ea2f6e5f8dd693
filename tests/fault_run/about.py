"""What kinds of runs there are, in words for the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """What kind of run it was, in words."""

    title: str
    options: str
    """Of the command."""
    hurt: str
    """What fails."""
    truth: str
    """What the watcher reads beside the database."""
    must: str
    """What is looked at besides."""
    over: str
    """When a fault of its own is over."""


SIMULATED = About(
    title="The fault run",
    options="",
    hurt="web, two workers, beat, Redis and PostgreSQL",
    truth="the simulated cluster",
    must="",
    over="",
)
