"""Why a workload waits, runs or ended, as its page says it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from portal.actor import Actor
from scheduling.models import Question, SubGroup, Workload
from scheduling.selectors.detail import Why, why
from scheduling.selectors.explained import Told, told
from scheduling.services.question import question_ask


class StepSerializer(serializers.Serializer):
    """A step on the way to a start: `check` passed, `weak` allowed but weak, `cross` stops it, `dash` not reached."""

    step = serializers.CharField()
    sign = serializers.ChoiceField(["check", "weak", "cross", "dash"])
    text = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)


class PoolSteps(serializers.Serializer):
    """A pool of its order, the one in which it waits among them."""

    pool = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    waits_here = serializers.BooleanField()
    steps = StepSerializer(many=True)


class WaySerializer(serializers.Serializer):
    """What a cycle tries for it, and what came of that."""

    way = serializers.CharField()
    sign = serializers.ChoiceField(["check", "weak", "cross", "dash"])
    text = serializers.CharField(allow_blank=True)


class HelpSerializer(serializers.Serializer):
    """One change that would be enough."""

    title = serializers.CharField()
    note = serializers.CharField(allow_blank=True)


class AnswerSerializer(serializers.Serializer):
    """What the loop of its pool answered. Ask by POST; look again until `waits` is false."""

    state = serializers.ChoiceField(
        ["never", "known", "not_here", "failed"], help_text="`never` answered; `not_here`: the loop does not see it."
    )
    waits = serializers.BooleanField(help_text="An answer is on its way.")
    late = serializers.BooleanField(help_text="No loop has answered for some seconds.")
    cycle = serializers.IntegerField(help_text="It is true of what this cycle left.")
    as_of = serializers.DateTimeField(allow_null=True)
    ways = WaySerializer(many=True)
    helps = HelpSerializer(many=True)
    when = serializers.CharField(allow_blank=True)


class ExplainSerializer(serializers.Serializer):
    """Why it is where it is."""

    sentence = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True, help_text="Of what waits, in a few words.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="When its pool was last looked at.")
    ahead = serializers.IntegerField(allow_null=True, help_text="So many workloads are served earlier.")
    pools = PoolSteps(many=True)
    answer = AnswerSerializer(allow_null=True, help_text="None: there is nothing to ask.")


STEPS = ("limit", "guarantee", "fair share", "room")


def may_be_asked(workload: Workload) -> bool:
    return workload.pool is not None and workload.state == Workload.State.WAITING and workload.is_active


def ask(workload: Workload) -> None:
    """Asks the loop of its pool, where it waits."""
    if may_be_asked(workload):
        assert workload.pool is not None
        question_ask(pool=workload.pool, kind=Question.Kind.WHY, about=workload.pk)


def explained(workload: Workload, actor: Actor) -> dict[str, Any]:
    """A fixed number of queries."""
    found = why(workload, list(SubGroup.objects.filter(workload=workload).order_by("pk")), actor.user)
    answer = None
    if found.chain and workload.pool is not None:
        starts_in = [row["pool"] for row in found.chain if row.get("starts")]
        answer = _answer(told(workload, workload.pool, actor, starts_in))
    return {
        "sentence": found.sentence,
        "note": found.note,
        "reason": found.reason.short if found.reason else "",
        "as_of": found.summary.as_of if found.summary else None,
        "ahead": found.line.ahead if found.line else None,
        "pools": _pools(found, workload),
        "answer": answer,
    }


def _pools(found: Why, workload: Workload) -> list[dict[str, Any]]:
    return [
        {
            "pool": row["pool"],
            "note": row["note"],
            "waits_here": workload.pool is not None and row["pool"] == workload.pool.name,
            "steps": [
                {"step": name, "sign": step.sign, "text": step.text, "note": step.note}
                for name, step in zip(STEPS, row["steps"], strict=True)
            ],
        }
        for row in found.chain or ()
    ]


def _answer(said: Told) -> dict[str, Any]:
    return {
        "state": said.asked.state,
        "waits": said.asked.waits,
        "late": said.asked.late,
        "cycle": said.asked.cycle,
        "as_of": said.asked.as_of,
        "ways": [{"way": way.name, "sign": way.step.sign, "text": way.step.text} for way in said.ways],
        "helps": [{"title": one.title, "note": one.note} for one in said.helps],
        "when": said.when,
    }
