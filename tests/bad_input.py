"""Tries every field of a form, and every text argument of a service, with values that nobody should get away with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import BaseForm, RadioSelect, Select, SelectMultiple
from django.urls import reverse
from django.utils.html import escape

from orgs.forms.scope import ScopePicker
from orgs.services.device import device_begin
from tests.factories import signed_in
from tests.world import World

BAD: dict[str, str] = {
    "missing": "",
    "blank": "   ",
    "too long": "x" * 70_000,
    "negative": "-1",
    "huge": "9" * 40,
    "exponent": "1e400",
    "not a number": "NaN",
    "many decimals": "1.23456789",
    "other digits": "٣٤",
    "word": "abc[]",
    "other script": "видение 東京",
    "null": "a\x00b",
    "control": "a\x1b[31mb",
    "line break": "a\nb",
    "turned": "a\u202eb",
    "markup": "<script>alert(1)</script>",
    "braces": "{{ 7|add:7 }} {% now 'Y' %}",
    "quote": "'; drop table orgs_orgunit; --",
    "path": "../../etc/passwd",
    "foreign id": "922337203685477580799",
}
NUMBERS = {"negative", "huge", "exponent", "many decimals", "other digits", "foreign id"}
PRINTABLE = set(BAD) - {"missing", "blank", "too long", "null", "control", "turned", "line break"}
"""What a field for free text takes in one line; what is missing or has a break, where it says so."""
OPTIONAL = PRINTABLE | {"missing", "blank", "line break"}
"""What an optional field for free text in several lines takes."""
WRONG_TYPES: dict[str, Any] = {"none": None, "number": 7, "list": ["a"], "bytes": b"a", "lone surrogate": "a\ud800"}

WITHOUT_FIELDS = {
    "cycle_ask",
    "saved_cycle_delete",
    "rule_delete",
    "role_delete",
    "application_delete",
    "group_delete",
    "group_member_remove",
    "key_revoke",
    "session_end",
    "other_sessions_end",
    "user_deactivate",
    "user_password_reset",
    "user_second_factor_reset",
    "user_unlink",
    "profile_unlink",
    "user_activate",
    "unit_delete",
    "mapping_undo",
    "cluster_disconnect",
    "pool_delete",
    "pools_close",
    "pools_open",
    "topology_delete",
    "tour_close",
    "tour_open",
    "submit_shapes",
    "workload_why",
    "workload_stop",
    "workload_resume",
    "workload_delete",
    "webhook_test",
    "webhook_delete",
    "delivery_again",
}
"""Addresses whose forms have nothing to type (a name typed to confirm is compared, not stored)."""
WITHOUT_FORM = {"quotas_effect", "quotas_save", "quotas_undo", "mapping_new", "device_begin", "device_token"}
"""Tried in tests of their own: what programs send (tests/orgs/services/test_device.py), cells of the matrix
(tests/quotas/views/test_quotas.py) and the wizard, whose good answers are steps (tests/orgs/views/test_mapping.py)."""

Problems = list[str]


def waiting_code(world: World) -> dict[str, str]:
    """Of a program that waits to be let in."""
    return {"code": device_begin(name="laptop", address="").code}


@dataclass(frozen=True, slots=True)
class FormCase:
    """A form with data it takes. `legal`: by field, which of BAD it may take too; all others have to be refused."""

    url_name: str
    role: str
    data: Callable[[World], dict[str, str]]
    arguments: Callable[[World], dict[str, Any]] = lambda world: {}
    legal: dict[str, Collection[str]] = field(default_factory=dict)
    unechoed: Collection[str] = ()
    """Fields that hold secrets: what was typed must not come back."""
    foreign: dict[str, Callable[[World], Any]] = field(default_factory=dict)
    """By field, the id of something that is there, but not for this person or not here."""


def form_problems(case: FormCase, world: World) -> Problems:
    """What is wrong with how the form behaves; empty is good. Leaves the database as it was."""
    client = signed_in(world.people[case.role])
    client.raise_request_exception = False
    url = reverse(case.url_name, kwargs=case.arguments(world))
    valid = case.data(world)
    problems: Problems = []

    def post(data: dict[str, str]) -> Any:
        with transaction.atomic():
            response = client.post(url, data)
            transaction.set_rollback(True)
        return response

    if post(valid).status_code not in (200, 204, 302):
        return [f"{case.url_name}: refuses what ought to be valid"]
    for name in valid:
        values = BAD | ({"foreign": str(case.foreign[name](world))} if name in case.foreign else {})
        for kind, value in values.items():
            response = post(valid | {name: value})
            where = f"{case.url_name}.{name}, {kind}"
            if response.status_code >= 500:
                problems.append(f"{where}: {response.status_code}")
            elif response.status_code in (204, 302) or "form" not in (response.context or {}):
                if kind not in case.legal.get(name, ()):
                    problems.append(f"{where}: taken ({response.status_code})")
            else:
                problems += [f"{where}: {text}" for text in _wrong_answer(response, name, value, case)]
    return problems


def _wrong_answer(response: Any, name: str, value: str, case: FormCase) -> Problems:
    """An answer to something refused names the field, and still holds what was typed."""
    form: BaseForm = response.context["form"]
    page = response.content.decode()
    problems = []
    if response.status_code != 422:
        problems.append(f"refused with {response.status_code}")
    if name not in form.errors:
        problems.append(f"the error is not beside the field: {form.errors.as_data()}")
    elif any(not sentence.strip().endswith(".") for sentence in form.errors[name]):
        problems.append(f"not a sentence: {form.errors[name]}")
    choices = Select | SelectMultiple | RadioSelect | ScopePicker
    chosen = isinstance(form.fields[name].widget, choices) if name in form.fields else True
    if name in case.unechoed:
        if value.strip() and len(value) > 3 and escape(value) in page:
            problems.append("a secret came back")
    elif not chosen and escape(value) not in page:
        problems.append("what was typed is lost")
    return problems


@dataclass(frozen=True, slots=True)
class ServiceCase:
    """A service with arguments it takes. `texts`: by text argument, which of BAD it may take too."""

    service: Callable[..., Any]
    arguments: Callable[[World], dict[str, Any]]
    texts: dict[str, Collection[str]] = field(default_factory=dict)
    others: dict[str, Callable[[World], list[Any]]] = field(default_factory=dict)
    """By argument, values of the right type that are wrong here: another kind of unit, a number out of range."""


def service_problems(case: ServiceCase, world: World) -> Problems:
    """What is wrong with how the service refuses; empty is good. Leaves the database as it was."""
    valid = case.arguments(world)
    problems: Problems = []

    def tried(name: str, kind: str, value: Any, legal: bool) -> None:
        where = f"{case.service.__name__}({name}), {kind}"
        try:
            with transaction.atomic():
                case.service(**valid | {name: value})
                transaction.set_rollback(True)
        except ValidationError as refusal:
            fields = refusal.message_dict if hasattr(refusal, "error_dict") else {}
            if name not in fields:
                problems.append(f"{where}: refused without naming the field: {refusal}")
        except Exception as crash:
            problems.append(f"{where}: {type(crash).__name__}: {crash}")
        else:
            if not legal:
                problems.append(f"{where}: taken")

    for name, legal in case.texts.items():
        for kind, value in (BAD | WRONG_TYPES).items():
            tried(name, kind, value, kind in legal)
    for name, values in case.others.items():
        for value in values(world):
            tried(name, _short(value), value, False)
    return problems


def _short(value: Any) -> str:
    """A value for a message; Python refuses to write out integers of more than 4,300 digits."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "an enormous number"
    return repr(value)[:80]
