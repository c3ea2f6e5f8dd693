"""Which names and texts are taken. Refusals name the field and say what to do."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from orgs.models import UnitKind
from portal.errors import Refused

NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
NAMESPACE_PREFIX = "bursar-"
SYSTEM_NAMESPACE = re.compile(r"default|kube-.*|bursar-system")
"""Of the cluster itself, or Bursar's own: a project with one of these would run its work among them."""
DEFAULT_DEPARTMENT = "default"
LONGEST_NAME = 63
# A namespace is at most 63 characters long, its prefix included.
LONGEST_PROJECT = LONGEST_NAME - len(NAMESPACE_PREFIX)
LONGEST_EMAIL = 254
LONGEST_PERSON = 120
LONGEST_PASSWORD = 128
LONGEST_DESCRIPTION = 500

# Characters that turn the direction of what follows, so that a text reads differently from what it is.
TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def longest_name(kind: UnitKind) -> int:
    return LONGEST_PROJECT if kind == UnitKind.PROJECT else LONGEST_NAME


def stripped(field: str, value: object) -> str:
    """Text without blanks around it; Refused for what is not text at all."""
    if not isinstance(value, str):
        raise Refused({field: f"The {field} must be text, not {type(value).__name__}."})
    return value.strip()


def checked_name(value: object, kind: UnitKind) -> str:
    """A unit's name as it is stored. An account's is free text; the others name objects in clusters."""
    if kind == UnitKind.ACCOUNT:
        return checked_text("name", value, LONGEST_NAME)
    name = stripped("name", value)
    longest = longest_name(kind)
    if not name:
        raise Refused({"name": f"The name is missing. Give the {kind.label} one, for example “{_example(kind)}”."})
    if len(name) > longest:
        raise Refused({"name": f"The name has {len(name)} characters. Use at most {longest}."})
    if not NAME.fullmatch(name):
        raise Refused(
            {
                "name": "Use lower-case letters a to z, digits and hyphens; start with a letter, end with a letter or "
                f"digit, for example “{_example(kind)}”."
            }
        )
    if kind == UnitKind.DEPARTMENT and name == DEFAULT_DEPARTMENT:
        raise Refused({"name": "Every cluster has its own department called “default”. Choose another name."})
    return name


def checked_namespace(value: object) -> str:
    """The name of a namespace that is there already; empty for none."""
    name = stripped("namespace", value)
    if not name:
        return ""
    if len(name) > LONGEST_NAME or not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        raise Refused(
            {
                "namespace": f"Use at most {LONGEST_NAME} lower-case letters a to z, digits and hyphens, as in "
                "“team-vision”; a hyphen neither first nor last."
            }
        )
    if SYSTEM_NAMESPACE.fullmatch(name):
        raise Refused({"namespace": f"The namespace {name} belongs to the cluster itself. Choose another."})
    return name


def checked_text(field: str, value: object, longest: int, *, required: bool = True) -> str:
    """Text in any script, without characters that cannot be seen."""
    text = stripped(field, value)
    if required and not text:
        raise Refused({field: f"The {field} is missing. Fill it in."})
    if len(text) > longest:
        raise Refused({field: f"The {field} has {len(text)} characters. Use at most {longest}."})
    hidden = next((one for one in text if one in TURNING or unicodedata.category(one) in ("Cc", "Cs")), None)
    if hidden is not None:
        raise Refused({field: f"The {field} holds the invisible character U+{ord(hidden):04X}. Type it again without."})
    return text


def checked_email(value: object) -> str:
    """An address to sign in with, in lower case."""
    email = checked_text("email", value, LONGEST_EMAIL).lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Refused({"email": "This is not an e-mail address. Write it like ana@example.org."}) from None
    return email


def _example(kind: UnitKind) -> str:
    return {UnitKind.CLUSTER: "north", UnitKind.DEPARTMENT: "vision"}.get(kind, "vis-3d")
