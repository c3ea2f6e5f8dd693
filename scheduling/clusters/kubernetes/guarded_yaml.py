"""Reading YAML that people give, which may be made to hurt."""

from __future__ import annotations

from typing import Any, ClassVar

import yaml


class GuardedYamlError(ValueError):
    """What is wrong with the text as YAML, and what to do. Never quotes it: it may hold secrets."""


class Guarded(yaml.composer.Composer):
    """Mixed into a loader: without what makes a small text big or deep. No aliases, few levels."""

    max_depth: ClassVar[int]
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # type: ignore[attr-defined]
            raise GuardedYamlError("It contains a YAML alias (*name). Write the value out.")
        self.depth += 1
        if self.depth > self.max_depth:
            raise GuardedYamlError(f"It is nested more than {self.max_depth} levels deep. Paste the original.")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def load(text: str, loader: type[Any]) -> Any:
    """The one document of the text. Raises GuardedYamlError."""
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 - of the loaders here none makes more than plain values
    except GuardedYamlError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        if getattr(error, "problem", "") == "but found another document":
            raise GuardedYamlError(f"Another document begins{where}. Give one at a time.") from None
        raise GuardedYamlError(f"It is not valid YAML{where}. Paste the whole file.") from None
    except (ValueError, OverflowError):
        # Dates that there are not, numbers of thousands of digits.
        raise GuardedYamlError("It holds a number or date that nobody can read. Put it in quotes.") from None
