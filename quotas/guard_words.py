"""What the guard says: the numbers, and what to do. Refusals and warnings have the same words."""

from __future__ import annotations

from quotas.guard import Excess, Key, Level
from quotas.resources import RESOURCES, Resource

HIDDEN = "the unit above"
"""A unit that the reader may not see."""


def resource_of(key: Key) -> Resource:
    return list(RESOURCES.values())[key.resource]


def problem_words(key: Key, excess: Excess, *, asked: int, unit: str, pool: str) -> str:
    """`asked`: of the sum, what the units ask for that the change gives more; 0 when it lowers the ceiling instead."""
    resource = resource_of(key)
    words, counted = resource.words, resource.counted
    over, ceiling = words(excess.over), excess.ceiling
    others = excess.sum - asked
    left = f"{words(max(ceiling - others, 0))} available"
    if key.level == Level.RUNNING:
        return (
            f"{over} too few: {counted(ceiling)} asked for {unit} in {pool}, {words(excess.sum)} in use there by work "
            f"that may not be stopped. Leave it at least {words(excess.sum)}."
        )
    if key.level == Level.HARDWARE and asked:
        return (
            f"{over} over: {counted(asked)} asked for in {pool}, {left} ({words(ceiling)} ready, {words(others)} given "
            f"to others). Ask for less, or add nodes to {pool}."
        )
    if key.level == Level.HARDWARE:
        return (
            f"{over} over: {counted(ceiling)} would be ready in {pool}, {words(excess.sum)} guaranteed there. "
            f"Lower quotas in {pool} first, or leave it more nodes."
        )
    if asked:
        return (
            f"{over} over: {counted(asked)} asked for in {pool}, {left} ({unit} has {words(ceiling)}, {words(others)} "
            f"given to others). Ask for less, or raise {unit} first."
        )
    return (
        f"{over} over: {counted(ceiling)} asked for {unit} in {pool}, {words(excess.sum)} given to the units in it. "
        f"Lower those first."
    )
