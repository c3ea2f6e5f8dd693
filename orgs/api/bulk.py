"""Many changes in one request: a result for each, or all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.services.locks import account_locked
from portal.api.endpoint import Changes, Creates, Deletes, Endpoint
from portal.api.fields import Text, Whole
from portal.api.problems import ProblemSerializer, problem_answer
from portal.api.writing import Done, written

MOST_ROWS = 100
PROBLEMS = (ValidationError, PermissionDenied, Http404, APIException)
"""What is wrong with a row, and not with Bursar."""


class BulkRow(serializers.Serializer):
    """One change."""

    act = Text(help_text="`create`, `change` or `delete`; of workloads `create`, `stop` or `delete`.")
    id = Whole(required=False, help_text="Of what is there.")
    values = serializers.DictField(required=False, help_text="What creating or changing one takes.")
    if_match = Text(required=False, help_text="The ETag of what you saw.")


class BulkRows(serializers.Serializer):
    """Changes, done in their order."""

    rows = BulkRow(many=True, allow_empty=False, max_length=MOST_ROWS)  # type: ignore[call-arg]
    all_or_nothing = serializers.BooleanField(default=False, help_text="One that is refused takes all back: 422.")


class BulkResult(serializers.Serializer):
    """What came of one."""

    status = serializers.IntegerField(help_text="As one alone would be answered.")
    item = serializers.DictField(allow_null=True, help_text="As it is now; null where it is gone, or was refused.")
    problem = ProblemSerializer(allow_null=True)


class BulkDone(serializers.Serializer):
    """In the order of the rows."""

    results = BulkResult(many=True)
    secrets = serializers.DictField(
        required=False, help_text="What only this answer tells of new things, by the place of their row."
    )


@dataclass(slots=True)
class _Heard:
    """What came of the rows."""

    results: list[dict[str, Any]] = field(default_factory=list)
    problems: dict[str, Any] = field(default_factory=dict)
    effect: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[str, Any] = field(default_factory=dict)


class Bulk(Endpoint):
    """Creates, changes and deletes many at once, as it does one."""

    more_acts: ClassVar[Mapping[str, str]] = {}
    """Besides those three: what is typed, and the method that takes a row and does it."""

    @action(["post"], detail=False)
    def bulk(self, request: Request) -> Response:
        """Many in one request, each as it would be alone. A result for each; with `all_or_nothing` all or none."""
        sent = self.read_in(BulkRows)

        def act() -> Done:
            # Bulk requests take many locks: they queue here, so that no two wait for each other.
            account_locked()
            heard = _Heard()
            for place, row in enumerate(sent["rows"]):
                self._heard(heard, place, row, keep=not sent["all_or_nothing"])
            if heard.problems:
                raise serializers.ValidationError({"rows": heard.problems})
            told = {"secrets": heard.secrets} if heard.secrets else {}
            return Done(200, {"results": heard.results}, effect=heard.effect, told_once=told)

        return written(request, act, once=True)

    bulk.taken, bulk.answers = BulkRows, {200: BulkDone}  # type: ignore[attr-defined]

    def _heard(self, heard: _Heard, place: int, row: dict[str, Any], *, keep: bool) -> None:
        """Does one row. `keep`: what is wrong with it is its result; else it is wrong with the whole."""
        try:
            with transaction.atomic():
                done = self._done(row)
        except PROBLEMS as raised:
            answer = problem_answer(raised, {})
            assert answer is not None
            if keep:
                heard.results.append({"status": answer.status_code, "item": None, "problem": answer.data})
            else:
                heard.problems[str(place)] = _detail(raised, answer.data["detail"])
            return
        heard.results.append({"status": done.status, "item": done.body, "problem": None})
        heard.effect.extend(done.effect)
        if done.told_once:
            heard.secrets[str(place)] = dict(done.told_once)

    def _done(self, row: dict[str, Any]) -> Done:
        acts = self._acts()
        if row["act"] not in acts:
            raise serializers.ValidationError({"act": f"There is no such act here. Give one of: {', '.join(acts)}."})
        if row["act"] != "create" and "id" not in row:
            raise serializers.ValidationError({"id": "Say which one: give its id."})
        self.kwargs["pk"], self.expected = row.get("id"), row.get("if_match", "")
        self.told_once: Mapping[str, str] = {}
        return acts[row["act"]](row.get("values", {}))

    def _acts(self) -> dict[str, Callable[[dict[str, Any]], Done]]:
        found: dict[str, Callable[[dict[str, Any]], Done]] = {}
        if isinstance(self, Creates):
            found["create"] = self.create_one
        if isinstance(self, Changes):
            found["change"] = self.change_one
        if isinstance(self, Deletes):
            found["delete"] = lambda _: self.delete_one()
        for name, method in self.more_acts.items():
            found[name] = lambda _, method=method: getattr(self, method)()  # type: ignore[misc]
        return found


def _detail(raised: Exception, words: str) -> Any:
    """By field, where it is about one."""
    if isinstance(raised, serializers.ValidationError):
        return raised.detail
    if isinstance(raised, ValidationError):
        return raised.message_dict if hasattr(raised, "error_dict") else raised.messages
    return [words]
