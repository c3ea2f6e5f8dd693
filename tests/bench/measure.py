"""What a measurement gives, and the list of those there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `target` None = reported only. Lower is better unless `at_least`."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def row(self) -> dict[str, Any]:
        row = asdict(self)
        del row["at_least"]
        return row | {"reached": self.reached}


Measurement = Callable[[], Iterator[Figure]]
measurements: dict[str, Measurement] = {}


def measurement(function: Measurement) -> Measurement:
    """Lists a measurement under its function's name; it yields figures as they are known."""
    measurements[function.__name__] = function
    return function
