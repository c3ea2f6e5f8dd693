"""Fields of what endpoints take and give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import IntegerChoices, QuerySet
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

LARGEST = 2**53 - 1
"""Numbers that every reader of JSON can tell apart."""
LONGEST_SECONDS = 10**9
"""More than any service allows, and less than a timedelta holds."""


class Given(serializers.Serializer):
    """How a thing is given. Fields are read only: they may be left out by `?fields=`."""

    id = serializers.IntegerField(source="pk", read_only=True)


class Text(serializers.CharField):
    """Text as it was typed: what is wrong with it the services say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, **kwargs)


class Whole(serializers.IntegerField):
    """A whole number, not below zero."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("This is no whole number. Give one, without quotation marks.")
        return super().to_internal_value(data)


def duration(seconds: int) -> timedelta:
    """So long, at most LONGEST_SECONDS."""
    return timedelta(seconds=min(seconds, LONGEST_SECONDS))


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST})
class RowId(serializers.Field):
    """A row, by its id. `rows`: those that who asks may name."""

    def __init__(self, rows: Callable[[HttpRequest], QuerySet[Any]], what: str, **kwargs: Any) -> None:
        self.rows, self.what = rows, what
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        number = Whole().run_validation(data)
        row = self.rows(self.context["request"]._request).filter(pk=number).first()
        if row is None:
            raise serializers.ValidationError(
                f"There is no such {self.what}, or you may not see it. Give the id of one that you can get."
            )
        return row


class Word(serializers.ChoiceField):
    """One of a model's choices, by its word."""

    def __init__(self, choices: type[IntegerChoices], **kwargs: Any) -> None:
        self.numbers = {choice.label: choice for choice in choices}
        self.words = {choice: choice.label for choice in choices}
        super().__init__(choices=list(self.numbers), **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.numbers:
            raise serializers.ValidationError(f"This is none of: {', '.join(self.numbers)}. Give one of these.")
        return self.numbers[data]

    def to_representation(self, value: Any) -> str:
        return self.words[value]


class Named(serializers.CharField):
    """What a thing is called where it is named."""

    def get_attribute(self, instance: Any) -> str:
        return str(instance)


class Reference(serializers.Serializer):
    """Another thing, by id and name."""

    id = serializers.IntegerField(source="pk", read_only=True)
    name = Named(read_only=True)


class EffectLine(serializers.Serializer):
    """A line of what a change does to others, as the pages show it."""

    text = serializers.CharField()
    figure = serializers.CharField(allow_null=True)
    tone = serializers.CharField(help_text="`danger`, `change`, `over` or `kept`.")
    names = serializers.CharField(allow_blank=True)


class DryRun(serializers.Serializer):
    """What a change would do. Nothing was changed."""

    dry_run = serializers.BooleanField()
    effect = EffectLine(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


def effect_lines(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a page's dialog, each with all four parts."""
    return [
        {
            "text": row["text"],
            "figure": None if row.get("figure") is None else str(row["figure"]),
            "tone": row.get("tone") or "danger",
            "names": row.get("names") or "",
        }
        for row in rows
    ]
