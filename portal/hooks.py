"""Questions that a lower app asks of a higher one: declared below, answered above, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

from django.core import checks

P = ParamSpec("P")
R = TypeVar("R")


class Hook(Generic[P, R]):
    """A typed question with one answerer, registered in `ready()`. `manage.py check` fails while it has none."""

    _all: list[Hook[Any, Any]] = []

    def __init__(self, declared: Callable[P, R]) -> None:
        self.name = f"{declared.__module__}.{declared.__qualname__}"
        self.__doc__ = declared.__doc__
        self._answer: Callable[P, R] | None = None
        Hook._all.append(self)

    def register(self, answer: Callable[P, R]) -> Callable[P, R]:
        self._answer = answer
        return answer

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._answer is None:
            raise LookupError(f"No app answers {self.name}.")
        return self._answer(*args, **kwargs)

    @staticmethod
    def unanswered() -> list[str]:
        return [hook.name for hook in Hook._all if hook._answer is None]


@checks.register
def hooks_answered(**_: Any) -> list[checks.Error]:
    return [checks.Error(f"No app answers {name}.", id="portal.E001") for name in Hook.unanswered()]
